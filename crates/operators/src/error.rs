//! The crate's error type.

use std::path::PathBuf;

/// What can go wrong with operators and data fidelities.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A shape, value or file problem found by `tweedie-imaging`.
    #[error(transparent)]
    Imaging(#[from] tweedie_imaging::Error),
    /// A parameter outside its range.
    #[error("{operation}: expected {expected}, got {got}")]
    Parameter {
        /// The operation that was asked for.
        operation: &'static str,
        /// What it takes.
        expected: String,
        /// What it was given.
        got: String,
    },
    /// An operation that this fidelity or operator does not have.
    #[error("{operation} is not available: {reason}")]
    Unavailable {
        /// The operation that was asked for.
        operation: &'static str,
        /// Why not.
        reason: &'static str,
    },
    /// A kernel's file is not where it belongs.
    #[error("kernel '{name}': no file {} (docs/datasets.md says where to get it)", path.display())]
    MissingKernel {
        /// The kernel that was asked for.
        name: String,
        /// The file that was looked for.
        path: PathBuf,
    },
    /// A file was read, but holds no kernel.
    #[error("kernel {}: expected {expected}, got {got}", path.display())]
    KernelFile {
        /// The file.
        path: PathBuf,
        /// What a kernel is.
        expected: String,
        /// What the file holds.
        got: String,
    },
    /// An operator that is computed elsewhere failed there.
    #[error("{operation}: {reason}")]
    Foreign {
        /// The operation that was asked for.
        operation: &'static str,
        /// What it said.
        reason: String,
    },
}
