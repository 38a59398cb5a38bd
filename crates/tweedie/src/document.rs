//! The results of a job as a JSON document.

use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::path::Path;

use serde::Serialize;
use serde_json::{Map, Value};
use tweedie_imaging::require_replaceable;

use crate::Result;
use crate::error::Context as _;
use crate::events::FileHash;

/// Version of the document; raised when a key changes its meaning or goes away.
const SCHEMA: u32 = 1;

/// The results of a job, with what made them.
pub struct Document<'a, T> {
    /// What was done: a command's name.
    pub command: &'static str,
    /// "running", "done", "interrupted" or "failed".
    pub status: &'static str,
    /// What went wrong.
    pub error: Option<String>,
    /// Name of the device.
    pub device: &'a str,
    /// Threads of the CPU.
    pub threads: usize,
    /// Since the start.
    pub seconds: f64,
    /// The command's arguments.
    pub arguments: Vec<String>,
    /// The results.
    pub results: &'a [T],
    /// The files that were read.
    pub files: &'a [FileHash],
    /// Further keys.
    pub facts: &'a Map<String, Value>,
}

/// The keys in their order.
#[derive(Serialize)]
struct Keys<'a, T> {
    schema: u32,
    command: &'static str,
    tweedie: &'static str,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: &'a Option<String>,
    device: &'a str,
    threads: usize,
    seconds: f64,
    arguments: &'a [String],
    results: &'a [T],
    files: &'a [FileHash],
    #[serde(flatten)]
    facts: &'a Map<String, Value>,
}

impl<T: Serialize> Document<'_, T> {
    /// The document as text, with a newline at its end.
    ///
    /// # Errors
    /// If a result cannot be a JSON value.
    pub fn text(&self) -> Result<String> {
        let keys = Keys {
            schema: SCHEMA,
            command: self.command,
            tweedie: env!("CARGO_PKG_VERSION"),
            status: self.status,
            error: &self.error,
            device: self.device,
            threads: self.threads,
            seconds: self.seconds,
            arguments: &self.arguments,
            results: self.results,
            files: self.files,
            facts: self.facts,
        };
        Ok(serde_json::to_string_pretty(&keys).context("writing JSON")? + "\n")
    }
}

/// Whether nothing stands under that name but, at most, the document of an earlier run.
pub fn is_free(target: &Path) -> bool {
    let start = b"{\n  \"schema\": ";
    let mut found = vec![0; start.len()];
    match require_replaceable(target).map(File::open) {
        Ok(Ok(mut file)) => file.read_exact(&mut found).is_ok() && found == start,
        Ok(Err(error)) => error.kind() == ErrorKind::NotFound,
        Err(_) => false,
    }
}
