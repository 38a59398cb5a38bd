//! Activations with a derivative that is a function of their output.
//!
//! A vector-Jacobian product through them needs nothing but the outputs of the forward pass.

use crate::Error;
use crate::elementwise::map;

/// Where [`Smooth::Squareplus`] bends: a fifth of the standard deviation of a strong noise in an image, so that f is
/// neither nearly linear on what the layers see nor nearly a kink.
const S: f32 = 0.1;

/// An activation f with f(0) = 0, so that padding stays zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Smooth {
    /// f(v) = (v + sqrt(v^2 + s^2) - s) / 2 with s = 0.1, the square-root softplus (Barron 2021, "Squareplus") moved so that
    /// f(0) = 0. With t = 2 y + s its slope is t^2 / (t^2 + s^2), in (0, 1): no exponential.
    Squareplus,
    /// f(v) = v for v > 0, else e^v - 1 (Clevert et al. 2016): its slope is 1 or y + 1.
    Elu,
}

impl Smooth {
    fn value(self, v: f32) -> f32 {
        match self {
            Self::Squareplus => 0.5 * (v + (v * v + S * S).sqrt() - S),
            Self::Elu if v > 0.0 => v,
            Self::Elu => v.exp_m1(),
        }
    }

    /// f'(v), where y = f(v).
    fn slope(self, y: f32) -> f32 {
        match self {
            Self::Squareplus => {
                let t_sq = (2.0 * y + S).powi(2);
                t_sq / (t_sq + S * S)
            }
            Self::Elu => 1.0 + y.min(0.0),
        }
    }

    /// The derivative of the slope in y.
    fn slope_derivative(self, y: f32) -> f32 {
        match self {
            Self::Squareplus => {
                let t = 2.0 * y + S;
                let sum = t * t + S * S;
                4.0 * S * S * t / (sum * sum)
            }
            Self::Elu => f32::from(u8::from(y < 0.0)),
        }
    }

    /// `y = f(v)`.
    ///
    /// # Errors
    /// [`Error::Length`] unless the slices have the same length.
    pub fn forward(self, v: &[f32], y: &mut [f32]) -> Result<(), Error> {
        match self {
            Self::Squareplus => map("smooth", [v], y, |[v]| Self::Squareplus.value(v)),
            Self::Elu => map("smooth", [v], y, |[v]| Self::Elu.value(v)),
        }
    }

    /// `out = f'(v) u`, where `y = f(v)`.
    ///
    /// # Errors
    /// As [`Self::forward`].
    pub fn gate(self, u: &[f32], y: &[f32], out: &mut [f32]) -> Result<(), Error> {
        match self {
            Self::Squareplus => map("smooth gate", [u, y], out, |[u, y]| u * Self::Squareplus.slope(y)),
            Self::Elu => map("smooth gate", [u, y], out, |[u, y]| u * Self::Elu.slope(y)),
        }
    }

    /// `out = d f'(v) / dy u w`, where `y = f(v)`: the derivative of [`Self::gate`] in y along w.
    ///
    /// # Errors
    /// As [`Self::forward`].
    pub fn gate_grad(self, u: &[f32], y: &[f32], w: &[f32], out: &mut [f32]) -> Result<(), Error> {
        map("smooth gate's gradient", [u, y, w], out, |[u, y, w]| {
            u * w * self.slope_derivative(y)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Central differences with a step of 1e-3: their own error is h^2 f''' / 6 < 1e-3 / s^2 1e-3 / 6 = 2e-5 of f' and
    /// 1e-7 / h = 1e-4 by rounding.
    #[test]
    fn slopes_are_derivatives() {
        let h = 1e-3;
        for smooth in [Smooth::Squareplus, Smooth::Elu] {
            for v in [-3.0, -0.2, -0.05, 0.02, 0.1, 0.7, 5.0_f32] {
                let (y, slope) = (smooth.value(v), smooth.slope(smooth.value(v)));
                let central = (smooth.value(v + h) - smooth.value(v - h)) / (2.0 * h);
                assert!(
                    (slope - central).abs() < 5e-4,
                    "{smooth:?} at {v}: {slope} and {central}"
                );
                let step = 1e-3 * (1.0 + y.abs());
                let central = (smooth.slope(y + step) - smooth.slope(y - step)) / (2.0 * step);
                let derivative = smooth.slope_derivative(y);
                assert!(
                    (derivative - central).abs() < 2e-2 * (1.0 + central.abs()),
                    "{smooth:?} at {v}: {derivative} and {central}"
                );
            }
            assert_eq!(smooth.value(0.0), 0.0);
        }
    }

    #[test]
    fn buffers_are_mapped_value_by_value() {
        let v: Vec<f32> = (0..40_000).map(|i| (i % 101) as f32 / 25.0 - 2.0).collect();
        let (mut y, mut gated) = (vec![0.0; v.len()], vec![0.0; v.len()]);
        for smooth in [Smooth::Squareplus, Smooth::Elu] {
            smooth.forward(&v, &mut y).unwrap();
            smooth.gate(&v, &y, &mut gated).unwrap();
            for ((v, y), gated) in v.iter().zip(&y).zip(&gated) {
                assert_eq!((*y, *gated), (smooth.value(*v), v * smooth.slope(*y)));
            }
        }
        assert!(Smooth::Elu.forward(&v, &mut [0.0]).is_err());
    }
}
