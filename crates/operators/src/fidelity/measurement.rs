//! What all fidelities share: an operator and a measurement.

use std::sync::Arc;

use tweedie_imaging::{Image, require_dims, vec_from_image};

use crate::host::{require_batch, require_finite, require_positive};
use crate::{Error, InnerSolve, LinearOperator};

/// A measurement y of the operator's codomain.
#[derive(Clone, Debug)]
pub(super) struct Measurement {
    pub(super) operator: Arc<dyn LinearOperator>,
    pub(super) y: Image,
}

impl Measurement {
    /// # Errors
    /// If the shape of `y` does not fit, or it holds NaN or an infinity.
    pub(super) fn new(operation: &'static str, operator: Arc<dyn LinearOperator>, y: Image) -> Result<Self, Error> {
        require_dims(operation, &y, operator.codomain())?;
        require_finite(operation, &vec_from_image(&y)?)?;
        Ok(Self { operator, y })
    }

    /// Checks an argument of the operator's domain against the measurement.
    pub(super) fn require(&self, operation: &'static str, x: &Image) -> Result<(), Error> {
        require_dims(operation, x, self.operator.domain())?;
        require_batch(operation, &self.y, x)
    }

    /// Checks the arguments of a proximal operator.
    pub(super) fn require_prox(&self, operation: &'static str, z: &Image, gamma: f64) -> Result<(), Error> {
        self.require(operation, z)?;
        require_positive(operation, "gamma", gamma)
    }

    /// A x - y.
    pub(super) fn residual(&self, operation: &'static str, x: Image) -> Result<Image, Error> {
        self.require(operation, &x)?;
        Ok(self.operator.apply(x)? - self.y.clone())
    }

    /// prox of gamma f(A x) at z, where `prox(v, weight)` is the prox of weight f: with orthonormal rows
    /// z + A^T (prox(A z, gamma) - A z), else by the dual.
    pub(super) fn prox_of(
        &self,
        z: Image,
        gamma: f64,
        prox: impl Fn(Image, f64) -> Result<Image, Error>,
    ) -> Result<(Image, InnerSolve), Error> {
        if !self.operator.has_orthonormal_rows() {
            return super::dual::prox_by_dual(self.operator.as_ref(), z, gamma, prox);
        }
        let az = self.operator.apply(z.clone())?;
        let change = prox(az.clone(), gamma)? - az;
        Ok((z + self.operator.adjoint(change)?, InnerSolve::Exact))
    }
}
