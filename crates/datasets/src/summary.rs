//! What is known of a set, in short.

use crate::{Kind, Set};
use serde::Serialize;

/// A set, as the JSON has it.
#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    /// Its name.
    pub name: String,
    /// What it is.
    pub description: String,
    /// Whether it comes with the program.
    pub kind: Kind,
    /// What it is for, where the source says so.
    pub split: Option<String>,
    /// SPDX expression.
    pub licence: String,
    /// The paper to cite.
    pub citation: Option<String>,
    /// Where it is described.
    pub homepage: Option<String>,
    /// How many files it has.
    pub files: usize,
    /// Their size, as far as it is recorded.
    pub bytes: u64,
    /// After `fetch` or `verify`: how many files are as recorded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verified: Option<usize>,
    /// After `verify`: the files that are missing or differ.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub wrong: Vec<String>,
}

impl Summary {
    /// Of a set that was not looked at.
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
