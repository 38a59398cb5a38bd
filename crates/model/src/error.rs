//! The crate's error type.

use std::path::{Path, PathBuf};

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
    /// A training run left the range in which it could still learn. The run's folder holds its last good state.
    #[error(
        "training diverged at step {step}: {what} (learning rate {learning_rate}); the weights of the last save stay; \
         go on from them with a smaller optimizer.learning_rate"
    )]
    Diverged {
        /// Steps done.
        step: u64,
        /// What was seen.
        what: String,
        /// The learning rate of the last step.
        learning_rate: f64,
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

/// What is wrong with a file of a checkpoint.
pub(crate) fn checkpoint(path: &Path, expected: &str, got: &str) -> Error {
    Error::Checkpoint {
        path: path.to_path_buf(),
        expected: expected.to_owned(),
        got: got.to_owned(),
    }
}

/// Error messages stay on one line.
pub(crate) fn one_line(message: &str) -> &str {
    message.lines().next().unwrap_or_default()
}
