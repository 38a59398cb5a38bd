//! Linear forward operators, one per file.

mod blur;
mod compressed;
mod demosaicking;
mod determined;
mod downsampling;
mod identity;
mod mask;
mod mri;
mod radon;
mod unknown_border;
mod whitened;

use std::fmt::Debug;
use std::ops::Range;

use tweedie_imaging::Image;

pub use blur::{Blur, Boundary};
pub use compressed::CompressedSensing;
pub use demosaicking::{BayerPattern, Demosaicking};
pub use determined::Determined;
pub use downsampling::{Downsampling, centred_phase};
pub use identity::Identity;
pub use mask::Mask;
pub use mri::{Field, Mri, MultiCoilMri, cartesian_mask, centered_mask, random_mask, synthetic_sensitivities};
pub use radon::Radon;
pub use unknown_border::UnknownBorder;
pub use whitened::Whitened;

use crate::{CgOptions, Error, InnerSolve};

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

    /// A^T A x; overridden where it costs less than A and A^T one after the other.
    ///
    /// # Errors
    /// If the shape of `x` is not [`Self::domain`].
    fn normal(&self, x: Image) -> Result<Image, Error> {
        self.adjoint(self.apply(x)?)
    }

    /// A first estimate of x from y, where an algorithm may start; A^T y unless the operator knows better.
    ///
    /// # Errors
    /// If the shape of `y` is not [`Self::codomain`].
    fn start(&self, y: Image) -> Result<Image, Error> {
        self.adjoint(y)
    }

    /// The rows and columns of x that y shows, where the estimate is wanted; all of them unless the domain is larger than the picture.
    fn window(&self) -> [Range<usize>; 2] {
        let [_, rows, cols] = self.domain();
        [0..rows, 0..cols]
    }

    /// Whether A A^T is diagonal with entries 0 and 1, that is, the rows of A that are not zero are orthonormal.
    ///
    /// Then prox of x -> f(A x) with a separable f is z + A^T (prox_f(A z) - A z).
    fn has_orthonormal_rows(&self) -> bool {
        false
    }

    /// The exact solver of (A^T A + rho I) x = b where there is a closed form.
    fn normal_solve(&self) -> Option<&dyn NormalSolve> {
        None
    }

    /// An iterative solver of the Tikhonov problem that knows the operator's structure, where there is no closed form and conjugate
    /// gradients on x would be slow.
    fn tikhonov_solve(&self) -> Option<&dyn TikhonovSolve> {
        None
    }
}

/// An iteration for argmin_x 1/2 ||A x - y||^2 + rho/2 ||x - z||^2 that is faster than conjugate gradients on x.
pub trait TikhonovSolve: LinearOperator {
    /// The minimiser, and how far the iteration came.
    ///
    /// # Errors
    /// If a shape does not fit, or `rho` or the tolerance is not positive and finite.
    fn tikhonov(&self, y: Image, z: Image, rho: f64, options: CgOptions) -> Result<(Image, InnerSolve), Error>;
}

/// A closed form of (A^T A + rho I)^-1.
pub trait NormalSolve: LinearOperator {
    /// Solves (A^T A + rho I) x = b for rho > 0.
    ///
    /// # Errors
    /// If the shape of `b` is not the operator's domain, or `rho` is not positive and finite.
    fn solve(&self, b: Image, rho: f64) -> Result<Image, Error>;

    /// argmin_x 1/2 ||A x - y||^2 + rho/2 ||x - z||^2 = (A^T A + rho I)^-1 (A^T y + rho z).
    ///
    /// Operators that work in a transformed space override it: there the right-hand side is never rounded to f32, whose
    /// error [`Self::solve`] would divide by rho.
    ///
    /// # Errors
    /// If a shape does not fit, or `rho` is not positive and finite.
    fn tikhonov(&self, y: Image, z: Image, rho: f64) -> Result<Image, Error> {
        crate::host::require_batch("tikhonov", &y, &z)?;
        self.solve(self.adjoint(y)? + z * rho, rho)
    }
}
