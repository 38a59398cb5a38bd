//! A set in results.

use serde::Serialize;
use tweedie::datasets::{Kind, Set};

/// A set, as the JSON has it.
#[derive(Serialize)]
pub struct Entry {
    pub name: String,
    pub description: String,
    pub kind: Kind,
    pub split: Option<String>,
    pub licence: String,
    pub citation: Option<String>,
    pub homepage: Option<String>,
    pub files: usize,
    pub bytes: u64,
    /// After `fetch` or `verify`: how many files are as recorded, and the others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verified: Option<usize>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub wrong: Vec<String>,
}

impl Entry {
    pub fn of(set: &Set) -> Self {
        Self {
            name: set.name.clone(),
            description: set.description.clone(),
            kind: set.kind,
            split: set.split.clone(),
            licence: set.licence.clone(),
            citation: set.citation.clone(),
            homepage: set.homepage.clone(),
            files: set.files.len(),
            bytes: set.bytes(),
            verified: None,
            wrong: Vec::new(),
        }
    }
}
