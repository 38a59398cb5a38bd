//! Data fidelities l(x, y): how well x explains the measurement y, one per file.

mod dual;
mod l1;
mod l2;
mod l2_ball;
mod measurement;
mod poisson;
mod scaled;

pub use l1::L1;
pub use l2::L2;
pub use l2_ball::L2Ball;
pub use poisson::Poisson;
pub use scaled::Scaled;
use tweedie_imaging::Image;

use crate::Error;

/// How an inner problem was solved.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum InnerSolve {
    /// By a closed form.
    Exact,
    /// By an iteration, to this relative residual.
    Iterative {
        /// Iterations taken.
        iterations: u32,
        /// Largest relative residual over the batch at the end.
        relative_residual: f64,
        /// Whether the tolerance was reached.
        converged: bool,
    },
}

/// A data fidelity l(., y) for a fixed measurement y.
pub trait DataFidelity: Send + Sync {
    /// `[C, H, W]` of x.
    fn domain(&self) -> [usize; 3];

    /// l(x, y) per image of the batch.
    ///
    /// # Errors
    /// If the shape of `x` does not fit.
    fn value(&self, x: Image) -> Result<Vec<f64>, Error>;

    /// The gradient of l in x.
    ///
    /// # Errors
    /// If the shape of `x` does not fit, or l is not differentiable (then [`Self::lipschitz`] is `None`).
    fn grad(&self, x: Image) -> Result<Image, Error>;

    /// A Lipschitz constant of the gradient, `None` if l is not smooth.
    fn lipschitz(&self) -> Option<f64>;

    /// argmin_x l(x, y) + 1/(2 gamma) ||x - z||^2 for gamma > 0.
    ///
    /// # Errors
    /// If the shape of `z` does not fit, or `gamma` is not positive and finite.
    fn prox(&self, z: Image, gamma: f64) -> Result<(Image, InnerSolve), Error>;
}
