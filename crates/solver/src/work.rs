//! What an iteration costs.

use serde::Serialize;
use tweedie_operators::InnerSolve;

/// Denoiser calls and inner solves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Work {
    /// Denoiser calls.
    pub denoiser_calls: u32,
    /// Proximal steps of the data fidelity.
    pub inner_solves: u32,
    /// Iterations inside these solves; 0 where they are closed forms.
    pub inner_iterations: u32,
    /// Solves that missed their tolerance.
    pub inner_unconverged: u32,
}

impl Work {
    /// One denoiser call.
    pub(crate) const DENOISER_CALL: Self = Self {
        denoiser_calls: 1,
        inner_solves: 0,
        inner_iterations: 0,
        inner_unconverged: 0,
    };
}

impl From<InnerSolve> for Work {
    fn from(solve: InnerSolve) -> Self {
        let (inner_iterations, converged) = match solve {
            InnerSolve::Exact => (0, true),
            InnerSolve::Iterative {
                iterations, converged, ..
            } => (iterations, converged),
        };
        Self {
            denoiser_calls: 0,
            inner_solves: 1,
            inner_iterations,
            inner_unconverged: u32::from(!converged),
        }
    }
}

impl std::ops::Add for Work {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self {
            denoiser_calls: self.denoiser_calls + other.denoiser_calls,
            inner_solves: self.inner_solves + other.inner_solves,
            inner_iterations: self.inner_iterations + other.inner_iterations,
            inner_unconverged: self.inner_unconverged + other.inner_unconverged,
        }
    }
}

impl std::ops::AddAssign for Work {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}
