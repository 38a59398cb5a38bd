//! What a parser found instead of what it expected, without the name of the file that only the caller knows.

use std::path::Path;

use crate::Error;
use crate::error::checkpoint;

/// Expected and found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wrong {
    expected: String,
    got: String,
}

impl Wrong {
    pub fn new(expected: impl Into<String>, got: impl Into<String>) -> Self {
        Self {
            expected: expected.into(),
            got: got.into(),
        }
    }

    /// The error with the file's name.
    pub fn in_file(self, path: &Path) -> Error {
        checkpoint(path, &self.expected, &self.got)
    }
}

/// Names from a file are untrusted: control characters are escaped and long ones cut before they reach a message.
pub(super) fn printable(text: &str) -> String {
    const LONGEST: usize = 80;
    let mut shown: String = text.chars().take(LONGEST).flat_map(char::escape_default).collect();
    if text.chars().nth(LONGEST).is_some() {
        shown.push_str("...");
    }
    shown
}
