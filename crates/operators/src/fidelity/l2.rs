//! The least-squares fidelity.

use std::sync::Arc;

use tweedie_imaging::Image;

use super::measurement::Measurement;
use crate::host::{norm_sq_per_image, require_positive};
use crate::{CgOptions, conjugate_gradient};
use crate::{DataFidelity, Error, InnerSolve, LinearOperator};

/// l(x) = 1/2 ||A x - y||^2, for Gaussian noise.
///
/// The noise level is not in it: an algorithm's strength weighs l against the prior.
///
/// grad l(x) = A^T A x - A^T y, with Lipschitz constant ||A||^2 ([`LinearOperator::norm_sq`]);
/// prox_{gamma l}(z) = (A^T A + I/gamma)^-1 (A^T y + z/gamma), by the operator's closed form, its own iteration
/// ([`LinearOperator::tikhonov_solve`]), or else conjugate gradients from z, to [`CgOptions`]'s tolerance.
#[derive(Clone, Debug)]
pub struct L2 {
    measurement: Measurement,
    /// A^T y.
    back_projection: Image,
    cg: CgOptions,
}

impl L2 {
    /// The fidelity to a measurement `y`, `[N, C', H', W']` of the operator's codomain.
    ///
    /// # Errors
    /// If the shape of `y` does not fit, or it holds NaN or an infinity.
    pub fn new(operator: Arc<dyn LinearOperator>, y: Image) -> Result<Self, Error> {
        let measurement = Measurement::new("L2: measurement", operator, y)?;
        let back_projection = measurement.operator.adjoint(measurement.y.clone())?;
        Ok(Self {
            measurement,
            back_projection,
            cg: CgOptions::default(),
        })
    }

    /// The same with other limits of conjugate gradients, which serve operators without a closed form.
    pub fn with_cg(self, cg: CgOptions) -> Self {
        Self { cg, ..self }
    }

    /// The operator A.
    pub fn operator(&self) -> &Arc<dyn LinearOperator> {
        &self.measurement.operator
    }

    /// The measurement y.
    pub fn measurement(&self) -> &Image {
        &self.measurement.y
    }

    /// ||A x - y|| for each image, as the discrepancy principle and traces need it.
    ///
    /// # Errors
    /// If the shape of `x` does not fit.
    pub fn residual_norm(&self, x: Image) -> Result<Vec<f64>, Error> {
        let residual = self.measurement.residual("L2", x)?;
        Ok(norm_sq_per_image(&residual)?.into_iter().map(f64::sqrt).collect())
    }
}

impl DataFidelity for L2 {
    fn domain(&self) -> [usize; 3] {
        self.measurement.operator.domain()
    }

    fn value(&self, x: Image) -> Result<Vec<f64>, Error> {
        Ok(self
            .residual_norm(x)?
            .into_iter()
            .map(|norm| 0.5 * norm * norm)
            .collect())
    }

    fn grad(&self, x: Image) -> Result<Image, Error> {
        self.measurement.require("L2: gradient", &x)?;
        Ok(self.measurement.operator.normal(x)? - self.back_projection.clone())
    }

    fn lipschitz(&self) -> Option<f64> {
        Some(self.measurement.operator.norm_sq())
    }

    fn prox(&self, z: Image, gamma: f64) -> Result<(Image, InnerSolve), Error> {
        self.measurement.require_prox("L2: prox", &z, gamma)?;
        let rho = 1.0 / gamma;
        require_positive("L2: prox", "1/gamma", rho)?;
        let operator = &self.measurement.operator;
        match (operator.normal_solve(), operator.tikhonov_solve()) {
            (Some(closed_form), _) => Ok((
                closed_form.tikhonov(self.measurement.y.clone(), z, rho)?,
                InnerSolve::Exact,
            )),
            (None, Some(iteration)) => iteration.tikhonov(self.measurement.y.clone(), z, rho, self.cg),
            (None, None) => {
                let b = self.back_projection.clone() + z.clone() * rho;
                conjugate_gradient(operator.as_ref(), b, z, rho, self.cg)
            }
        }
    }
}
