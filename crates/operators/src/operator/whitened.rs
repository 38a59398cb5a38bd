//! An operator whose measurements are weighted until their noise is the same everywhere.

use std::sync::Arc;

use tweedie_imaging::{Image, require_dims, vec_from_image};

use crate::host::parameter;
use crate::{Error, LinearOperator};

/// W A with W = diag(w), w = s / s(p): noise of level s(p) at the measured value p has the level s in W y.
///
/// Least squares on W y is then the likelihood of independent Gaussian noise whose level varies, and everything that knows of one
/// level (discrepancy, SURE, schedules) holds as it is. The solution of (A^T W^2 A + rho I) x = b has no closed form any more.
///
/// Aitken, *On least squares and linear combinations of observations*, 1936.
#[derive(Clone, Debug)]
pub struct Whitened {
    inner: Arc<dyn LinearOperator>,
    weights: Image,
    largest: f64,
}

impl Whitened {
    /// `levels`: s(p), `[1, C', H', W']` of the operator's codomain, positive; `level`: s.
    ///
    /// # Errors
    /// If the shape does not fit, or a level is not positive and finite.
    pub fn new(inner: Arc<dyn LinearOperator>, levels: &Image, level: f64) -> Result<Self, Error> {
        require_dims("noise map", levels, inner.codomain())?;
        if levels.dims()[0] != 1 {
            return Err(parameter(
                "noise map",
                "one for all images".into(),
                format!("{:?}", levels.dims()),
            ));
        }
        crate::host::require_positive("noise map", "the level", level)?;
        let values = vec_from_image(levels)?;
        let mut smallest = f64::INFINITY;
        for value in values {
            crate::host::require_positive("noise map", "levels", f64::from(value))?;
            smallest = smallest.min(f64::from(value));
        }
        Ok(Self {
            inner,
            weights: levels.clone().recip() * level as f32,
            largest: level / smallest,
        })
    }

    /// W y.
    ///
    /// # Errors
    /// If the shape of `y` is not the codomain.
    pub fn whiten(&self, y: Image) -> Result<Image, Error> {
        require_dims("noise map", &y, self.codomain())?;
        Ok(y * self.weights.clone())
    }
}

impl LinearOperator for Whitened {
    fn domain(&self) -> [usize; 3] {
        self.inner.domain()
    }

    fn codomain(&self) -> [usize; 3] {
        self.inner.codomain()
    }

    fn apply(&self, x: Image) -> Result<Image, Error> {
        Ok(self.inner.apply(x)? * self.weights.clone())
    }

    fn adjoint(&self, y: Image) -> Result<Image, Error> {
        self.inner.adjoint(self.whiten(y)?)
    }

    fn norm_sq(&self) -> f64 {
        self.inner.norm_sq() * self.largest * self.largest
    }

    fn start(&self, y: Image) -> Result<Image, Error> {
        require_dims("noise map", &y, self.codomain())?;
        self.inner.start(y / self.weights.clone())
    }
}
