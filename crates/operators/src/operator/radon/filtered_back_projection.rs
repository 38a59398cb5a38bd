//! Filtered back-projection.

use std::f64::consts::PI;

use tweedie_imaging::Image;

use super::Radon;
use crate::fft::{RealFft2, fast_length};
use crate::host::map_blocks;
use crate::{Error, LinearOperator};

impl Radon {
    /// x = sum_theta w_theta (h * y_theta)(x cos theta + y sin theta): the Radon transform's inverse for dense angles, by the
    /// band-limited ramp filter h(0) = 1/4, h(n) = -1/(pi n)^2 for odd n and 0 for even n (Ramachandran and Lakshminarayanan 1971; Kak and Slaney,
    /// *Principles of computerized tomographic imaging*, chapter 3), and weights w_theta, half the gap between the neighbours of theta on the half circle.
    ///
    /// # Errors
    /// If the shape of `y` is not the operator's codomain.
    pub fn filtered_back_projection(&self, y: Image) -> Result<Image, Error> {
        let (from, to) = (self.domain(), self.codomain());
        let [_, _, detectors] = to;
        // Twice the detectors, so that the circular convolution does not wrap around.
        let fft = RealFft2::new(1, fast_length(2 * detectors));
        let filter = fft.forward(|_, values| {
            let n = values.len();
            for (k, value) in values.iter_mut().enumerate() {
                let distance = k.min(n - k);
                *value = match distance {
                    0 => 0.25,
                    d if d % 2 == 1 => -1.0 / (PI * d as f64).powi(2),
                    _ => 0.0,
                };
            }
        });
        let weights = angular_weights(&self.rays.angles);
        map_blocks(
            "radon: filtered back-projection",
            [(&y, to)],
            from,
            from[0],
            |[y], x| {
                let mut filtered = vec![0.0f32; y.len()];
                let lines = y.chunks_exact(detectors).zip(filtered.chunks_exact_mut(detectors));
                for ((line, out), weight) in lines.zip(&weights) {
                    let mut spectrum = fft.forward(|_, values| {
                        values.fill(0.0);
                        for (value, &sample) in values.iter_mut().zip(line) {
                            *value = f64::from(sample);
                        }
                    });
                    for (value, filter) in spectrum.iter_mut().zip(&filter) {
                        *value *= filter * weight * self.scale;
                    }
                    fft.inverse(spectrum, |_, values| {
                        for (out, &value) in out.iter_mut().zip(values) {
                            *out = value as f32;
                        }
                    });
                }
                self.rays.back_project(&filtered, x, 1.0);
            },
        )
    }
}

/// Half the gap between the two neighbours of each angle on the half circle; they sum to pi.
fn angular_weights(angles: &[f64]) -> Vec<f64> {
    let mut order: Vec<(usize, f64)> = angles.iter().map(|angle| angle.rem_euclid(PI)).enumerate().collect();
    order.sort_by(|a, b| a.1.total_cmp(&b.1));
    let n = order.len();
    let mut weights = vec![0.0; n];
    for (k, &(index, _)) in order.iter().enumerate() {
        let next = if k + 1 < n { order[k + 1].1 } else { order[0].1 + PI };
        let previous = if k > 0 { order[k - 1].1 } else { order[n - 1].1 - PI };
        weights[index] = (next - previous) / 2.0;
    }
    weights
}

#[cfg(test)]
mod tests {
    use tweedie_testing::{Tolerance, assert_close};

    use super::*;

    #[test]
    fn angular_weights_cover_the_half_circle_in_any_order() {
        for angles in [vec![0.3], vec![0.0, PI / 2.0], vec![2.0, -1.0, 0.1, 7.0]] {
            let sum: f64 = angular_weights(&angles).iter().sum();
            assert_close(&format!("{angles:?}"), &[sum], &[PI], Tolerance::absolute(1e-12));
        }
        assert_eq!(angular_weights(&[0.0, PI / 2.0]), [PI / 2.0, PI / 2.0]);
    }
}
