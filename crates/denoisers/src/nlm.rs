//! Non-local means.

use tweedie_imaging::{Error, Sigma};

use crate::PlaneMethod;
use crate::planes::mirror_pad;

/// Radius of the patches that are compared, 5x5 pixels, and of the window that is searched, 21x21 pixels; and the filter
/// parameter h over sigma: the choices of Buades, Coll and Morel 2011 for gray images and medium noise.
const PATCH: usize = 2;
const SEARCH: usize = 10;
const FILTER: f64 = 0.4;

/// Non-local means: each pixel becomes an average of the pixels in its surroundings, weighted by how much the patches
/// around them resemble its own.
///
/// D(x, sigma)_i = sum_j w_ij x_j / sum_j w_ij over the 21x21 window of i inside the image, with
/// w_ij = exp(-max(d_ij - 2 sigma^2, 0) / h^2), d_ij = 1/25 ||P_i x - P_j x||^2 over 5x5 patches (mirrored at the border)
/// and h = 0.4 sigma (Buades, Coll and Morel 2005, in the form of 2011). Sigma is the noise that two equal patches are
/// expected to differ by, and the scale of what counts as resembling.
///
/// The weights depend on x, so that D is neither linear nor has a symmetric Jacobian.
#[derive(Clone, Copy, Debug, Default)]
pub struct NonLocalMeans;

impl PlaneMethod for NonLocalMeans {
    const NAME: &'static str = "nlm";

    fn receptive_field(&self) -> usize {
        2 * (SEARCH + PATCH) + 1
    }

    fn denoise(&self, plane: &[f64], [rows, cols]: [usize; 2], sigma: Sigma) -> Result<Vec<f64>, Error> {
        let variance = sigma.value().powi(2);
        if variance == 0.0 {
            return Ok(plane.to_vec());
        }
        let width = cols + 2 * PATCH;
        let padded = mirror_pad(plane, [rows, cols], PATCH, [rows + 2 * PATCH, width]);
        // Of each pixel with itself: weight 1.
        let (mut sums, mut weights) = (plane.to_vec(), vec![1.0; plane.len()]);
        let mut column = vec![0.0; width];
        let mut shared = vec![0.0; cols];
        let patch_pixels = ((2 * PATCH + 1) * (2 * PATCH + 1)) as f64;
        // w_ij = w_ji: the half of the offsets that point down, or right in the same row, gives all pairs.
        let reach = SEARCH as isize;
        for (down, right) in (0..=reach).flat_map(|down| (-reach..=reach).map(move |right| (down, right))) {
            let (dy, dx) = (down as usize, right.unsigned_abs());
            if (down == 0 && right <= 0) || dy >= rows || dx >= cols {
                continue;
            }
            // Columns of i and of j = i + offset: they overlap in cols - dx places.
            let (from, to) = if right >= 0 { (0, dx) } else { (dx, 0) };
            let overlap = cols - dx;
            for row in 0..rows - dy {
                let column = &mut column[..overlap + 2 * PATCH];
                column.fill(0.0);
                for k in row..=row + 2 * PATCH {
                    let here = &padded[k * width + from..][..column.len()];
                    let there = &padded[(k + dy) * width + to..][..column.len()];
                    for ((sum, a), b) in column.iter_mut().zip(here).zip(there) {
                        *sum += (a - b) * (a - b);
                    }
                }
                let shared = &mut shared[..overlap];
                for (weight, window) in shared.iter_mut().zip(column.windows(2 * PATCH + 1)) {
                    let distance = window.iter().sum::<f64>() / patch_pixels;
                    *weight = libm::exp(-(distance - 2.0 * variance).max(0.0) / (FILTER * FILTER * variance));
                }
                let (i, j) = (row * cols + from, (row + dy) * cols + to);
                for (k, &weight) in shared.iter().enumerate() {
                    sums[i + k] += weight * plane[j + k];
                    weights[i + k] += weight;
                    sums[j + k] += weight * plane[i + k];
                    weights[j + k] += weight;
                }
            }
        }
        Ok(sums.iter().zip(&weights).map(|(sum, weight)| sum / weight).collect())
    }
}

#[cfg(test)]
mod tests {
    use tweedie_imaging::noise;

    use super::*;
    use crate::planes::mirrored;

    fn level(value: f64) -> Sigma {
        Sigma::new(value).unwrap()
    }

    fn random(len: usize, seed: u64) -> Vec<f64> {
        noise::gaussian_values(len, 0.1, seed, 0)
            .into_iter()
            .map(f64::from)
            .collect()
    }

    fn largest_difference(a: &[f64], b: &[f64]) -> f64 {
        a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
    }

    /// The formula as it stands.
    fn direct(plane: &[f64], [rows, cols]: [usize; 2], sigma: f64) -> Vec<f64> {
        let at = |row: isize, col: isize| plane[mirrored(row, rows) * cols + mirrored(col, cols)];
        let near = |a: usize, b: usize| a.abs_diff(b) <= SEARCH;
        let patch = |i: usize| {
            let (row, col) = ((i / cols) as isize, (i % cols) as isize);
            (-2..=2).flat_map(move |p| (-2..=2).map(move |q| at(row + p, col + q)))
        };
        let pixel = |i: usize| {
            let (mut sum, mut total) = (0.0, 0.0);
            for j in (0..plane.len()).filter(|j| near(i / cols, j / cols) && near(i % cols, j % cols)) {
                let d = patch(i).zip(patch(j)).map(|(a, b)| (a - b).powi(2)).sum::<f64>() / 25.0;
                let w = (-(d - 2.0 * sigma * sigma).max(0.0) / (0.4 * sigma).powi(2)).exp();
                sum += w * plane[j];
                total += w;
            }
            sum / total
        };
        (0..plane.len()).map(pixel).collect()
    }

    #[test]
    fn it_is_the_formula() {
        for size in [[13, 25], [3, 1], [24, 4]] {
            let plane = random(size[0] * size[1], 1);
            // The level is below the noise, so that weights differ.
            let found = NonLocalMeans.denoise(&plane, size, level(0.06)).unwrap();
            let gap = largest_difference(&found, &direct(&plane, size, 0.06));
            assert!(gap < 1e-13, "{size:?}: {gap}");
            assert!(largest_difference(&found, &plane) > 1e-3, "{size:?}");
        }
    }

    #[test]
    fn constants_stay_and_brightness_and_scale_pass_through() {
        let nlm = NonLocalMeans;
        assert!(largest_difference(&nlm.denoise(&[0.3; 63], [7, 9], level(0.1)).unwrap(), &[0.3; 63]) < 1e-15);
        let plane = random(63, 2);
        let denoised = nlm.denoise(&plane, [7, 9], level(0.1)).unwrap();
        let brighter: Vec<f64> = plane.iter().map(|v| v + 0.5).collect();
        let shifted: Vec<f64> = denoised.iter().map(|v| v + 0.5).collect();
        assert!(largest_difference(&nlm.denoise(&brighter, [7, 9], level(0.1)).unwrap(), &shifted) < 1e-13);
        let doubled: Vec<f64> = plane.iter().map(|v| 2.0 * v).collect();
        let expected: Vec<f64> = denoised.iter().map(|v| 2.0 * v).collect();
        assert!(largest_difference(&nlm.denoise(&doubled, [7, 9], level(0.2)).unwrap(), &expected) < 1e-13);
        assert_eq!(nlm.denoise(&plane, [7, 9], level(0.0)).unwrap(), plane);
    }

    #[test]
    fn a_turned_image_gives_the_turned_result() {
        let plane = random(63, 3);
        let turned = |plane: &[f64]| plane.iter().rev().copied().collect::<Vec<_>>();
        let nlm = NonLocalMeans;
        let found = turned(&nlm.denoise(&turned(&plane), [7, 9], level(0.06)).unwrap());
        assert!(largest_difference(&found, &nlm.denoise(&plane, [7, 9], level(0.06)).unwrap()) < 1e-13);
    }
}
