//! The least-absolute-deviations fidelity.

use std::sync::Arc;

use tweedie_imaging::{Image, vec_from_image};

use super::measurement::Measurement;
use crate::host::map_blocks;
use crate::{DataFidelity, Error, InnerSolve, LinearOperator};

/// l(x) = ||A x - y||_1, for impulse noise and outliers.
///
/// Not differentiable. The prox moves A z towards y by at most gamma in each measured value if the rows of A are
/// orthonormal or zero ([`LinearOperator::has_orthonormal_rows`]); otherwise it is computed by its dual.
#[derive(Clone, Debug)]
pub struct L1 {
    measurement: Measurement,
}

impl L1 {
    /// The fidelity to a measurement `y`, `[N, C', H', W']` of the operator's codomain.
    ///
    /// # Errors
    /// If the shape of `y` does not fit, or it holds NaN or an infinity.
    pub fn new(operator: Arc<dyn LinearOperator>, y: Image) -> Result<Self, Error> {
        Ok(Self {
            measurement: Measurement::new("L1: measurement", operator, y)?,
        })
    }
}

impl DataFidelity for L1 {
    fn domain(&self) -> [usize; 3] {
        self.measurement.operator.domain()
    }

    fn value(&self, x: Image) -> Result<Vec<f64>, Error> {
        let residual = self.measurement.residual("L1", x)?;
        let length = residual.dims()[1..].iter().product();
        let norm = |values: &[f32]| values.iter().map(|&value| f64::from(value).abs()).sum();
        Ok(vec_from_image(&residual)?.chunks_exact(length).map(norm).collect())
    }

    fn grad(&self, _: Image) -> Result<Image, Error> {
        Err(Error::Unavailable {
            operation: "L1: gradient",
            reason: "the l1 norm is not differentiable; use its prox",
        })
    }

    fn lipschitz(&self) -> Option<f64> {
        None
    }

    fn prox(&self, z: Image, gamma: f64) -> Result<(Image, InnerSolve), Error> {
        self.measurement.require_prox("L1: prox", &z, gamma)?;
        let dims = self.measurement.operator.codomain();
        self.measurement.prox_of(z, gamma, |az, weight| {
            map_blocks(
                "L1: prox",
                [(&az, dims), (&self.measurement.y, dims)],
                dims,
                1,
                |[az, y], out| {
                    for ((out, &az), &y) in out.iter_mut().zip(az).zip(y) {
                        let distance = f64::from(az) - f64::from(y);
                        let shrunk = distance.signum() * (distance.abs() - weight).max(0.0);
                        *out = (f64::from(y) + shrunk) as f32;
                    }
                },
            )
        })
    }
}
