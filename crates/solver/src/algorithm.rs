//! What an algorithm is to the executor.

use tweedie_imaging::{Image, Sigma};

use crate::{Acceleration, Error, FixedPointMap, Work};

/// An iterative restoration algorithm with its problem and parameters: what the executor runs.
pub trait Algorithm: Send + Sync {
    /// Name in the registry.
    fn name(&self) -> &'static str;

    /// Iterations of a run that no other rule stops.
    fn iterations(&self) -> u32;

    /// The first iteration (from 0) from which all iterations have the same fixed points, so that "converged" has a
    /// meaning; at least [`Self::iterations`] if there is none.
    fn settled_from(&self) -> u32;

    /// The map that it iterates and how, where it is the iteration of one map: what a study of its rate looks at.
    fn fixed_point_map(&self) -> Option<(&dyn FixedPointMap, Acceleration)> {
        None
    }

    /// Begins a run at `x0`, `[1, C, H, W]`.
    ///
    /// # Errors
    /// If the shape of `x0` does not fit, or the denoiser or data fidelity fails.
    fn start<'a>(&'a self, x0: Image) -> Result<Box<dyn Iteration + 'a>, Error>;
}

/// The state of a run.
pub trait Iteration {
    /// Does iteration `k` (from 0).
    ///
    /// # Errors
    /// If the denoiser or the data fidelity fails.
    fn step(&mut self, k: u32) -> Result<StepStats, Error>;

    /// The restored image so far.
    fn estimate(&self) -> &Image;
}

/// What one iteration reports.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepStats {
    /// ||T(z) - z|| / sqrt(n), where z is the state of n numbers to which the iteration applied its map T: the root
    /// mean square of what one (unaccelerated) iteration would change, in image units. Each algorithm documents z.
    pub fixed_point_residual: f64,
    /// ||x_k - x_(k-1)|| / ||x_(k-1)|| of the estimate; `None` where x_(k-1) = 0.
    pub rel_change: Option<f64>,
    /// Root mean square of the estimate, in image units.
    pub estimate_rms: f64,
    /// The objective at the estimate, `None` where the algorithm minimises none.
    pub objective: Option<f64>,
    /// Whether no step was found that lowers the objective, so that the state stays where it is.
    pub stalled: bool,
    /// Noise level that the denoiser was given.
    pub sigma: Sigma,
    /// What it cost.
    pub work: Work,
}
