//! The crate's error type.

use std::path::PathBuf;

/// What can go wrong with networks, training and checkpoints.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A shape, value or file problem found by `tweedie-imaging`.
    #[error(transparent)]
    Imaging(#[from] tweedie_imaging::Error),
    /// A configuration value outside its range.
    #[error("configuration '{key}': expected {expected}, got {got}")]
    Config {
        /// The key, with its section.
        key: &'static str,
        /// What it takes.
        expected: String,
        /// What it was given.
        got: String,
    },
    /// A checkpoint's files do not fit each other or the architecture.
    #[error("{}: expected {expected}, got {got}", path.display())]
    Checkpoint {
        /// The file.
        path: PathBuf,
        /// What should be there.
        expected: String,
        /// What is there.
        got: String,
    },
}
