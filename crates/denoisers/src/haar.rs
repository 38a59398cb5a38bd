//! Soft thresholding of Haar wavelet coefficients.

use tweedie_imaging::{Error, Sigma};

use crate::PlaneMethod;
use crate::planes::mirror_pad;

/// Levels of the transform, which works on blocks of 4x4 pixels.
const LEVELS: u32 = 2;
const BLOCK: usize = 1 << LEVELS;

/// Soft thresholding at sigma of all coefficients of an orthonormal Haar transform with two levels.
///
/// D(x, sigma) = W^T S(W x, sigma), S(c, t) = sign(c) max(|c| - t, 0), with W the orthonormal two-dimensional Haar
/// transform (Donoho and Johnstone 1994, with their threshold replaced by sigma): the proximal operator of
/// sigma ||W x||_1, hence nonexpansive, passive and with a symmetric Jacobian.
/// As in the experiment of Reehorst and Schniter 2018 the means of the 4x4 blocks are thresholded too, which darkens an
/// image by sigma / 4.
///
/// Sides that are no multiple of 4 are extended by mirroring, and the result is cropped; at these borders D is not the
/// proximal operator.
#[derive(Clone, Copy, Debug, Default)]
pub struct HaarThreshold;

impl PlaneMethod for HaarThreshold {
    const NAME: &'static str = "haar";

    fn receptive_field(&self) -> usize {
        // A pixel depends on the others of its block alone: at most 3 pixels away.
        2 * BLOCK - 1
    }

    fn denoise(&self, plane: &[f64], [rows, cols]: [usize; 2], sigma: Sigma) -> Result<Vec<f64>, Error> {
        let size = [rows.next_multiple_of(BLOCK), cols.next_multiple_of(BLOCK)];
        let mut values = mirror_pad(plane, [rows, cols], 0, size);
        transform(&mut values, size, 0..LEVELS);
        for value in &mut values {
            *value = value.signum() * (value.abs() - sigma.value()).max(0.0);
        }
        // Each level is its own inverse.
        transform(&mut values, size, (0..LEVELS).rev());
        let inside = values.chunks(size[1]).take(rows).flat_map(|row| &row[..cols]);
        Ok(inside.copied().collect())
    }
}

/// The given levels of the transform, in place: level l takes each 2x2 group of the pixels whose coordinates are
/// multiples of 2^l to ((a+b+c+d)/2, (a-b+c-d)/2, (a+b-c-d)/2, (a-b-c+d)/2), which is symmetric and orthogonal.
fn transform(values: &mut [f64], [rows, cols]: [usize; 2], levels: impl Iterator<Item = u32>) {
    for level in levels {
        let near = 1 << level;
        for row in (0..rows).step_by(2 * near) {
            for col in (0..cols).step_by(2 * near) {
                let at = [(0, 0), (0, near), (near, 0), (near, near)].map(|(i, j)| (row + i) * cols + col + j);
                let [a, b, c, d] = at.map(|index| values[index]);
                let coefficients = [a + b + c + d, a - b + c - d, a + b - c - d, a - b - c + d];
                at.iter()
                    .zip(coefficients)
                    .for_each(|(&index, value)| values[index] = 0.5 * value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tweedie_imaging::noise;
    use tweedie_testing::{Tolerance, assert_close};

    use super::*;

    const SIZE: [usize; 2] = [8, 12];

    fn level(value: f64) -> Sigma {
        Sigma::new(value).unwrap()
    }

    fn random(len: usize, seed: u64) -> Vec<f64> {
        noise::gaussian_values(len, 0.3, seed, 0)
            .into_iter()
            .map(f64::from)
            .collect()
    }

    fn dot(a: &[f64], b: &[f64]) -> f64 {
        a.iter().zip(b).map(|(a, b)| a * b).sum()
    }

    #[test]
    fn the_transform_is_orthonormal_and_inverted() {
        let (x, z) = (random(96, 1), random(96, 2));
        let forward = |x: &[f64]| {
            let mut c = x.to_vec();
            transform(&mut c, SIZE, 0..LEVELS);
            c
        };
        let products = [dot(&forward(&x), &forward(&z))];
        assert_close("<W x, W z>", &products, &[dot(&x, &z)], Tolerance::absolute(1e-12));
        let mut back = forward(&x);
        transform(&mut back, SIZE, (0..LEVELS).rev());
        assert_close("back", &back, &x, Tolerance::absolute(1e-14));
        // A constant block of 4x4 has one coefficient: 4 times its value.
        let constant = forward(&[0.5; 96]);
        assert_eq!(constant.iter().filter(|c| **c == 2.0).count(), 6);
        assert_eq!(constant.iter().filter(|c| **c == 0.0).count(), 90);
    }

    #[test]
    fn it_is_the_proximal_operator_of_the_l1_norm_of_the_coefficients() {
        let (y, sigma) = (random(96, 3), level(0.2));
        let x = HaarThreshold.denoise(&y, SIZE, sigma).unwrap();
        let objective = |x: &[f64]| {
            let mut c = x.to_vec();
            transform(&mut c, SIZE, 0..LEVELS);
            let fit: f64 = x.iter().zip(&y).map(|(a, b)| 0.5 * (a - b).powi(2)).sum();
            fit + sigma.value() * c.iter().map(|c| c.abs()).sum::<f64>()
        };
        // The objective is 1-strongly convex: F(z) >= F(x) + ||z - x||^2 / 2 for its minimiser x, and for no other point.
        for seed in 10..40 {
            let scale = 10.0_f64.powi(-(seed as i32 % 5));
            let step: Vec<f64> = random(96, seed).iter().map(|v| scale * v).collect();
            let z: Vec<f64> = x.iter().zip(&step).map(|(a, b)| a + b).collect();
            let rise = objective(&z) - objective(&x) - 0.5 * dot(&step, &step);
            assert!(rise > -1e-13, "{seed}: {rise}");
        }
    }

    #[test]
    fn no_noise_means_no_change_and_a_constant_darkens_by_a_quarter() {
        let y = random(35, 4);
        let unchanged = HaarThreshold.denoise(&y, [5, 7], level(0.0)).unwrap();
        assert_close("unchanged", &unchanged, &y, Tolerance::absolute(1e-14));
        for size in [[1, 1], [5, 7], [4, 8]] {
            let constant = vec![0.5; size[0] * size[1]];
            let darker = HaarThreshold.denoise(&constant, size, level(0.2)).unwrap();
            assert_close(
                "darker",
                &darker,
                &vec![0.45; constant.len()],
                Tolerance::absolute(1e-14),
            );
        }
    }
}
