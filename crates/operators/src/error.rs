//! The crate's error type.

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
}
