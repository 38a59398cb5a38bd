//! The crate's error types.

use crate::TraceRow;

/// What an observer may fail with: a full disk, a closed pipe.
pub type ObserverError = Box<dyn std::error::Error + Send + Sync>;

/// What can go wrong in building or running an algorithm.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A shape, value or device problem found by `tweedie-imaging`, or a denoiser's own failure.
    #[error(transparent)]
    Imaging(#[from] tweedie_imaging::Error),
    /// A failure of the operator or of the data fidelity.
    #[error(transparent)]
    Operator(#[from] tweedie_operators::Error),
    /// No algorithm of that name.
    #[error("solver '{name}': expected one of {known}")]
    UnknownSolver {
        /// What was asked for.
        name: String,
        /// The names that there are.
        known: String,
    },
    /// A parameter that the algorithm does not have.
    #[error("solver '{solver}' has no parameter '{key}': expected one of {known}")]
    UnknownParameter {
        /// The algorithm.
        solver: &'static str,
        /// What was given.
        key: String,
        /// The parameters that it has.
        known: String,
    },
    /// Parameters that do not parse.
    #[error("solver '{solver}': {reason}")]
    Malformed {
        /// The algorithm.
        solver: &'static str,
        /// What the parser said.
        reason: String,
    },
    /// A parameter outside its range, or without effect.
    #[error("solver '{solver}', {parameter}: expected {expected}, got {got}")]
    Parameter {
        /// The algorithm.
        solver: &'static str,
        /// The parameter.
        parameter: &'static str,
        /// What it takes.
        expected: String,
        /// What it was given.
        got: String,
    },
    /// The denoiser or the data fidelity lacks an ability that the algorithm is built on.
    #[error("solver '{solver}' needs {needs}")]
    Capability {
        /// The algorithm.
        solver: &'static str,
        /// What it needs, and what to do.
        needs: &'static str,
    },
    /// A denoiser whose output does not depend on its input in a way that autodiff can follow.
    #[error("denoiser '{denoiser}': its output is not connected to its input, so it has no derivative")]
    NotDifferentiable {
        /// The denoiser.
        denoiser: String,
    },
    /// No parameter-choice rule of that name.
    #[error("rule '{name}': expected one of {known}")]
    UnknownRule {
        /// What was asked for.
        name: String,
        /// The names that there are.
        known: String,
    },
    /// A setting of a study that does not fit.
    #[error("study, {setting}: expected {expected}, got {got}")]
    Study {
        /// The setting.
        setting: &'static str,
        /// What it takes.
        expected: String,
        /// What it was given.
        got: String,
    },
    /// An observer failed.
    #[error("observer failed")]
    Observer(#[source] ObserverError),
}

/// A run that ended by an error; what was computed until then is kept.
#[derive(Debug, thiserror::Error)]
#[error("the run failed after {} iterations", trace.len())]
pub struct Failure {
    /// Why.
    pub source: Error,
    /// The rows of the finished iterations.
    pub trace: Vec<TraceRow>,
}
