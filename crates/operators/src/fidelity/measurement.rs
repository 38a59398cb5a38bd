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

    /// prox of x -> f(A x) at z from the prox of a separable f at A z: z + A^T (prox_f(A z) - A z), for an operator whose rows are
    /// orthonormal or zero.
    pub(super) fn prox_through_rows(
        &self,
        operation: &'static str,
        z: Image,
        prox: impl FnOnce(Image) -> Result<Image, Error>,
    ) -> Result<(Image, InnerSolve), Error> {
        if !self.operator.has_orthonormal_rows() {
            let reason = "it has a closed form only for operators with orthonormal rows (identity, masks, samples)";
            return Err(Error::Unavailable { operation, reason });
        }
        let az = self.operator.apply(z.clone())?;
        let change = prox(az.clone())? - az;
        Ok((z + self.operator.adjoint(change)?, InnerSolve::Exact))
    }
}
