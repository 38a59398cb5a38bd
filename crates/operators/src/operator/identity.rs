//! The identity.

use tweedie_imaging::{Image, require_dims};

use crate::host::{require_domain, require_positive};
use crate::{Error, LinearOperator, NormalSolve};

/// A x = x: denoising.
///
/// # Shapes
/// Domain and codomain are `[C, H, W]`. ||A||^2 = 1; closed form (A^T A + rho I)^-1 b = b / (1 + rho).
#[derive(Clone, Debug)]
pub struct Identity {
    domain: [usize; 3],
}

impl Identity {
    /// The identity on images `[C, H, W]`.
    ///
    /// # Errors
    /// If a size is zero.
    pub fn new(domain: [usize; 3]) -> Result<Self, Error> {
        require_domain("identity", domain)?;
        Ok(Self { domain })
    }
}

impl LinearOperator for Identity {
    fn domain(&self) -> [usize; 3] {
        self.domain
    }

    fn codomain(&self) -> [usize; 3] {
        self.domain
    }

    fn apply(&self, x: Image) -> Result<Image, Error> {
        require_dims("identity", &x, self.domain)?;
        Ok(x)
    }

    fn adjoint(&self, y: Image) -> Result<Image, Error> {
        self.apply(y)
    }

    fn norm_sq(&self) -> f64 {
        1.0
    }

    fn has_orthonormal_rows(&self) -> bool {
        true
    }

    fn normal_solve(&self) -> Option<&dyn NormalSolve> {
        Some(self)
    }
}

impl NormalSolve for Identity {
    fn solve(&self, b: Image, rho: f64) -> Result<Image, Error> {
        require_dims("identity: normal solve", &b, self.domain)?;
        require_positive("identity: normal solve", "rho", rho)?;
        Ok(b / (1.0 + rho))
    }
}
