//! The Poisson log-likelihood.

use std::sync::Arc;

use tweedie_imaging::{Image, vec_from_image};

use super::measurement::Measurement;
use crate::host::{map_blocks, parameter, require_positive};
use crate::{DataFidelity, Error, InnerSolve, LinearOperator};

/// The Kullback-Leibler divergence of photon counts: gain y ~ Poisson(gain (A x + b)), up to a constant in x
///
/// l(x) = gain sum \[u - y + y ln(y / u)\], u = A x + b,
///
/// with `gain` counts for a brightness of 1 and a known background b >= 0. l >= 0, zero at u = y, and +infinity where u < 0, or
/// u = 0 but y > 0; no value is clipped.
///
/// grad l(x) = gain A^T (1 - y / u). Only with a background is it Lipschitz, and only for A x >= 0: gain max(y) ||A||^2 / b^2.
///
/// If the rows of A are orthonormal or zero, prox_{gamma l} is closed: u solves u^2 - (v - gamma gain) u - gamma gain y = 0, v = A z + b
/// (Combettes and Pesquet, *A Douglas-Rachford splitting approach to nonsmooth convex variational signal recovery*, 2007); else it is computed by its dual.
#[derive(Clone, Debug)]
pub struct Poisson {
    measurement: Measurement,
    gain: f64,
    background: f64,
    largest: f64,
}

impl Poisson {
    /// The fidelity to scaled counts `y` = counts / `gain`, `[N, C', H', W']` of the operator's codomain.
    ///
    /// # Errors
    /// If the shape of `y` does not fit, it holds negative values, NaN or an infinity, `gain` is not positive and finite, or
    /// `background` is negative or not finite.
    pub fn new(operator: Arc<dyn LinearOperator>, y: Image, gain: f64, background: f64) -> Result<Self, Error> {
        require_positive("Poisson", "gain", gain)?;
        if !(background.is_finite() && background >= 0.0) {
            return Err(parameter(
                "Poisson",
                "a background that is finite and >= 0".into(),
                background.to_string(),
            ));
        }
        let measurement = Measurement::new("Poisson: measurement", operator, y)?;
        let values = vec_from_image(&measurement.y)?;
        if let Some(value) = values.iter().find(|&&value| value < 0.0) {
            return Err(parameter(
                "Poisson: measurement",
                "values >= 0".into(),
                value.to_string(),
            ));
        }
        let largest = f64::from(values.into_iter().fold(0.0, f32::max));
        Ok(Self {
            measurement,
            gain,
            background,
            largest,
        })
    }

    /// u - y + y ln(y / u).
    fn divergence(u: f64, y: f64) -> f64 {
        match (u, y) {
            _ if u < 0.0 => f64::INFINITY,
            _ if y == 0.0 => u,
            _ if u == 0.0 => f64::INFINITY,
            _ => u - y + y * (y / u).ln(),
        }
    }
}

impl DataFidelity for Poisson {
    fn domain(&self) -> [usize; 3] {
        self.measurement.operator.domain()
    }

    fn value(&self, x: Image) -> Result<Vec<f64>, Error> {
        self.measurement.require("Poisson", &x)?;
        let ax = self.measurement.operator.apply(x)?;
        let length = ax.dims()[1..].iter().product();
        let (ax, y) = (vec_from_image(&ax)?, vec_from_image(&self.measurement.y)?);
        let value = |(ax, y): (&[f32], &[f32])| {
            let terms = ax.iter().zip(y);
            self.gain
                * terms
                    .map(|(&ax, &y)| Self::divergence(f64::from(ax) + self.background, f64::from(y)))
                    .sum::<f64>()
        };
        Ok(ax.chunks_exact(length).zip(y.chunks_exact(length)).map(value).collect())
    }

    fn grad(&self, x: Image) -> Result<Image, Error> {
        self.measurement.require("Poisson: gradient", &x)?;
        let dims = self.measurement.operator.codomain();
        let ax = self.measurement.operator.apply(x)?;
        let slope = map_blocks(
            "Poisson: gradient",
            [(&ax, dims), (&self.measurement.y, dims)],
            dims,
            1,
            |[ax, y], out| {
                for ((out, &ax), &y) in out.iter_mut().zip(ax).zip(y) {
                    let (u, y) = (f64::from(ax) + self.background, f64::from(y));
                    *out = match u {
                        _ if u > 0.0 => self.gain * (1.0 - y / u),
                        _ if u == 0.0 && y == 0.0 => self.gain,
                        _ => f64::NAN,
                    } as f32;
                }
            },
        )?;
        if vec_from_image(&slope)?.iter().any(|value| value.is_nan()) {
            let expected = "A x + background > 0 wherever something was counted, and >= 0 elsewhere";
            return Err(parameter(
                "Poisson: gradient",
                expected.into(),
                "a point where l is infinite".into(),
            ));
        }
        self.measurement.operator.adjoint(slope)
    }

    /// With a background, for A x >= 0; `None` without.
    fn lipschitz(&self) -> Option<f64> {
        let bound = || self.gain * self.largest * self.measurement.operator.norm_sq() / self.background.powi(2);
        (self.background > 0.0).then(bound)
    }

    fn prox(&self, z: Image, gamma: f64) -> Result<(Image, InnerSolve), Error> {
        self.measurement.require_prox("Poisson: prox", &z, gamma)?;
        let dims = self.measurement.operator.codomain();
        self.measurement.prox_of(z, gamma, |az, gamma| {
            let weight = gamma * self.gain;
            map_blocks(
                "Poisson: prox",
                [(&az, dims), (&self.measurement.y, dims)],
                dims,
                1,
                |[az, y], out| {
                    for ((out, &az), &y) in out.iter_mut().zip(az).zip(y) {
                        let half = (f64::from(az) + self.background - weight) / 2.0;
                        let product = weight * f64::from(y);
                        let root = (half * half + product).sqrt();
                        // The positive root of u^2 - 2 half u - product, without cancellation for either sign of half.
                        let u = if half >= 0.0 {
                            half + root
                        } else {
                            product / (root - half)
                        };
                        *out = (u - self.background) as f32;
                    }
                },
            )
        })
    }
}
