//! Where an imported checkpoint comes from.

use serde::{Deserialize, Serialize};

use super::formats::Format;
use super::networks::Family;

/// The file that a checkpoint was imported from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceRecord {
    /// Its name, without folders.
    pub file: String,
    /// Its sha256.
    pub sha256: String,
    /// Its format.
    pub format: Format,
    /// What was recognised in it.
    pub family: Family,
}
