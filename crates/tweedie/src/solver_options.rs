//! A solver's options.

use crate::auto::Auto;
use crate::fidelity::Fidelity;
use crate::strength::Strength;

/// A solver by name, and the options that solvers share.
#[derive(Clone, Debug, PartialEq)]
pub struct SolverOptions {
    /// `pnp-hqs`, `pnp-admm`, `red-gd`, ...
    pub solver: String,
    /// Weight of the prior; absent: the solver's own.
    pub strength: Option<Strength>,
    /// The denoiser's noise level in grey levels, or the first one of solvers that lower it.
    pub sigma: Auto,
    /// Iterations; absent: the solver's own.
    pub iterations: Option<u32>,
    /// Stop once the fixed-point residual (root mean square change, 1 = white) is at most this.
    pub tolerance: Option<f64>,
    /// Stop once the data are fitted to this many times the noise (discrepancy principle, at least 1).
    pub discrepancy: Option<f64>,
    /// The data term; absent: least squares.
    pub fidelity: Option<Fidelity>,
    /// Stop after the iteration in which an image has taken this many seconds.
    pub budget: Option<f64>,
}

impl SolverOptions {
    /// The default options for a solver.
    pub fn of(solver: &str) -> Self {
        Self {
            solver: solver.to_owned(),
            strength: None,
            sigma: Auto::Auto,
            iterations: None,
            tolerance: None,
            discrepancy: None,
            fidelity: None,
            budget: None,
        }
    }
}
