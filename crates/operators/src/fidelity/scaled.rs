//! A data fidelity times a number.

use std::sync::Arc;

use tweedie_imaging::Image;

use crate::host::require_positive;
use crate::{DataFidelity, Error, InnerSolve};

/// c l(x, y) for c > 0.
///
/// A solver's strength weighs s^2 phi against 1/2 ||A x - y||^2, which is s^2 times the negative logarithm of a Gaussian likelihood of
/// level s. Another likelihood times s^2 stands on the same scale.
#[derive(Clone)]
pub struct Scaled {
    inner: Arc<dyn DataFidelity>,
    factor: f64,
}

impl Scaled {
    /// # Errors
    /// If the factor is not positive and finite.
    pub fn new(inner: Arc<dyn DataFidelity>, factor: f64) -> Result<Self, Error> {
        require_positive("scaled fidelity", "the factor", factor)?;
        Ok(Self { inner, factor })
    }
}

impl DataFidelity for Scaled {
    fn domain(&self) -> [usize; 3] {
        self.inner.domain()
    }

    fn value(&self, x: Image) -> Result<Vec<f64>, Error> {
        Ok(self
            .inner
            .value(x)?
            .into_iter()
            .map(|value| self.factor * value)
            .collect())
    }

    fn grad(&self, x: Image) -> Result<Image, Error> {
        Ok(self.inner.grad(x)? * self.factor as f32)
    }

    fn lipschitz(&self) -> Option<f64> {
        self.inner.lipschitz().map(|constant| self.factor * constant)
    }

    fn prox(&self, z: Image, gamma: f64) -> Result<(Image, InnerSolve), Error> {
        self.inner.prox(z, gamma * self.factor)
    }
}
