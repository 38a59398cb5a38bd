//! Linear forward operators.

use std::fmt::Debug;

use tweedie_imaging::Image;

use crate::Error;

/// A linear map A from images `[N, C, H, W]` to measurements `[N, C', H', W']`, the same for every image of the batch.
pub trait LinearOperator: Send + Sync + Debug {
    /// `[C, H, W]` of x.
    fn domain(&self) -> [usize; 3];

    /// `[C', H', W']` of y = A x.
    fn codomain(&self) -> [usize; 3];

    /// A x.
    ///
    /// # Errors
    /// If the shape of `x` is not [`Self::domain`].
    fn apply(&self, x: Image) -> Result<Image, Error>;

    /// A^T y.
    ///
    /// # Errors
    /// If the shape of `y` is not [`Self::codomain`].
    fn adjoint(&self, y: Image) -> Result<Image, Error>;

    /// An upper bound on ||A||^2, the largest eigenvalue of A^T A; tight where it is cheap to know.
    fn norm_sq(&self) -> f64;

    /// The exact solver of (A^T A + rho I) x = b where there is a closed form.
    fn normal_solve(&self) -> Option<&dyn NormalSolve> {
        None
    }
}

/// A closed form of (A^T A + rho I)^-1.
pub trait NormalSolve: Send + Sync {
    /// Solves (A^T A + rho I) x = b for rho > 0.
    ///
    /// # Errors
    /// If the shape of `b` is not the operator's domain, or `rho` is not positive and finite.
    fn solve(&self, b: Image, rho: f64) -> Result<Image, Error>;
}
