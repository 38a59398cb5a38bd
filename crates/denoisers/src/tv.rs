//! Total variation denoising.

use tweedie_imaging::{Error, Sigma};

use crate::PlaneMethod;

/// Weight of the total variation over sigma.
const WEIGHT: f64 = 0.8;

/// An end for levels and tolerances that f64 cannot resolve: then [`Error::NotConverged`].
const MAX_ITERATIONS: u32 = 50_000;

/// Iterations between two looks at the duality gap, which costs as much as an iteration.
const LOOK_EVERY: u32 = 10;

/// Total variation denoising.
///
/// D(x, sigma) = argmin_z 1/2 ||z - x||^2 + 0.8 sigma TV(z), TV(z) = sum_i ||(G z)_i||_2 with forward differences G that are
/// zero across the border (Rudin, Osher and Fatemi 1992): a proximal operator, hence nonexpansive and with a symmetric
/// Jacobian, up to the tolerance.
///
/// The dual problem (Chambolle 2004), max over ||p_i|| <= 1 with z = x - w G^T p, w = 0.8 sigma, is solved by accelerated
/// projected gradients with step 1 / (8 w^2) (FGP, Beck and Teboulle 2009), restarted where momentum points uphill
/// (O'Donoghue and Candes 2015). The duality gap g bounds the error, ||z - D(x)||^2 <= 2 g: iterations end where it proves
/// that the root mean square error is at most `tolerance` sigma. Where 50,000 iterations do not prove it,
/// [`Error::NotConverged`] says what they did.
#[derive(Clone, Copy, Debug)]
pub struct TotalVariation {
    tolerance: f64,
}

impl TotalVariation {
    /// Root mean square error that is allowed, in units of sigma: far below what an 8-bit image resolves.
    pub const DEFAULT_TOLERANCE: f64 = 1e-3;

    /// A tolerance for difference quotients.
    pub const TIGHT_TOLERANCE: f64 = 1e-7;

    /// Sets the root mean square error of a result that is allowed, in units of sigma; at most 1, and 1e-9 at least, which is
    /// what f64 can prove.
    ///
    /// # Errors
    /// [`Error::Shape`] for a tolerance outside that range.
    pub fn with_tolerance(tolerance: f64) -> Result<Self, Error> {
        if (1e-9..=1.0).contains(&tolerance) {
            return Ok(Self { tolerance });
        }
        Err(Error::Shape {
            operation: "tolerance of total variation denoising",
            expected: "a number from 1e-9 to 1".to_owned(),
            got: tolerance.to_string(),
        })
    }
}

impl Default for TotalVariation {
    fn default() -> Self {
        Self {
            tolerance: Self::DEFAULT_TOLERANCE,
        }
    }
}

impl PlaneMethod for TotalVariation {
    const NAME: &'static str = "tv";

    fn receptive_field(&self) -> usize {
        0
    }

    fn denoise(&self, plane: &[f64], [_, cols]: [usize; 2], sigma: Sigma) -> Result<Vec<f64>, Error> {
        let weight = WEIGHT * sigma.value();
        if weight == 0.0 {
            return Ok(plane.to_vec());
        }
        let tolerance = self.tolerance * sigma.value();
        let mut proven = f64::INFINITY;
        let mut p = vec![[0.0; 2]; plane.len()];
        let mut q = p.clone();
        let mut z = vec![0.0; plane.len()];
        let mut t = 1.0_f64;
        for iteration in 1..=MAX_ITERATIONS {
            primal(&mut z, plane, &q, cols, weight);
            let next_t = 0.5 * (1.0 + (1.0 + 4.0 * t * t).sqrt());
            let momentum = (t - 1.0) / next_t;
            let mut uphill = 0.0;
            for (i, (p, q)) in p.iter_mut().zip(&mut q).enumerate() {
                let gradient = difference(&z, i, cols);
                let moved = [0, 1].map(|k| q[k] + gradient[k] / (8.0 * weight));
                let excess = length(moved[0], moved[1]).max(1.0);
                for k in 0..2 {
                    let new = moved[k] / excess;
                    let step = new - p[k];
                    uphill += (q[k] - new) * step;
                    p[k] = new;
                    q[k] = new + momentum * step;
                }
            }
            t = next_t;
            if uphill > 0.0 {
                t = 1.0;
                q.copy_from_slice(&p);
            }
            if iteration % LOOK_EVERY == 0 {
                primal(&mut z, plane, &p, cols, weight);
                // ||z - D(x)||^2 <= 2 g; rounding may make a gap of zero negative.
                proven = (2.0 * duality_gap(&z, &p, cols, weight).max(0.0) / plane.len() as f64).sqrt();
                if proven <= tolerance {
                    return Ok(z);
                }
            }
        }
        Err(Error::NotConverged {
            name: Self::NAME.to_owned(),
            iterations: MAX_ITERATIONS,
            expected: tolerance,
            got: proven,
        })
    }

    fn precision(&self, sigma: Sigma) -> f64 {
        self.tolerance * sigma.value()
    }
}

/// The root of a^2 + b^2 without the care for overflow of `f64::hypot`, which costs more than the rest of an iteration.
fn length(a: f64, b: f64) -> f64 {
    (a * a + b * b).sqrt()
}

/// (G z)_i: the differences to the pixel below and to the pixel on the right, zero across the border.
fn difference(z: &[f64], i: usize, cols: usize) -> [f64; 2] {
    let down = z.get(i + cols).map_or(0.0, |next| next - z[i]);
    let right = if i % cols + 1 < cols { z[i + 1] - z[i] } else { 0.0 };
    [down, right]
}

/// z = x - w G^T p.
fn primal(z: &mut [f64], x: &[f64], p: &[[f64; 2]], cols: usize, weight: f64) {
    for (row, line) in z.chunks_mut(cols).enumerate() {
        let is_last = (row + 1) * cols == x.len();
        for (col, z) in line.iter_mut().enumerate() {
            let i = row * cols + col;
            // Entries of p that point across the border multiply a zero of G.
            let mut adjoint = 0.0;
            if !is_last {
                adjoint -= p[i][0];
            }
            if row > 0 {
                adjoint += p[i - cols][0];
            }
            if col + 1 < cols {
                adjoint -= p[i][1];
            }
            if col > 0 {
                adjoint += p[i - 1][1];
            }
            *z = x[i] - weight * adjoint;
        }
    }
}

/// w (TV(z) - <p, G z>) for z = x - w G^T p: primal minus dual objective, without their cancellation.
fn duality_gap(z: &[f64], p: &[[f64; 2]], cols: usize, weight: f64) -> f64 {
    let term = |i: usize| {
        let [down, right] = difference(z, i, cols);
        length(down, right) - p[i][0] * down - p[i][1] * right
    };
    weight * (0..z.len()).map(term).sum::<f64>()
}

#[cfg(test)]
mod tests {
    use tweedie_imaging::noise;
    use tweedie_testing::{Tolerance, assert_close};

    use super::*;

    fn level(value: f64) -> Sigma {
        Sigma::new(value).unwrap()
    }

    fn tight() -> TotalVariation {
        TotalVariation::with_tolerance(TotalVariation::TIGHT_TOLERANCE).unwrap()
    }

    fn random(len: usize, seed: u64) -> Vec<f64> {
        noise::gaussian_values(len, 0.2, seed, 0)
            .into_iter()
            .map(f64::from)
            .collect()
    }

    fn objective(z: &[f64], y: &[f64], cols: usize, sigma: f64) -> f64 {
        let fit: f64 = z.iter().zip(y).map(|(a, b)| 0.5 * (a - b).powi(2)).sum();
        let variation = |i| {
            let [a, b] = difference(z, i, cols);
            a.hypot(b)
        };
        fit + WEIGHT * sigma * (0..z.len()).map(variation).sum::<f64>()
    }

    #[test]
    fn a_step_in_one_dimension_is_lowered_by_the_weight() {
        // Two constant pieces of 4 pixels: each moves towards the other by w / 4.
        let y = [0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0];
        let expected = [0.02, 0.02, 0.02, 0.02, 0.98, 0.98, 0.98, 0.98];
        for size in [[1, 8], [8, 1]] {
            let z = tight().denoise(&y, size, level(0.1)).unwrap();
            assert_close("a step", &z, &expected, Tolerance::absolute(1e-7));
        }
        // A large weight leaves the mean.
        let z = tight().denoise(&y, [2, 4], level(1.0)).unwrap();
        assert_close("the mean", &z, &[0.5; 8], Tolerance::absolute(1e-6));
        assert_eq!(tight().denoise(&y, [2, 4], level(0.0)).unwrap(), y);
    }

    #[test]
    fn no_other_image_has_a_lower_objective() {
        let (y, sigma) = (random(63, 1), 0.15);
        let z = tight().denoise(&y, [7, 9], level(sigma)).unwrap();
        let least = objective(&z, &y, 9, sigma);
        for seed in 10..60 {
            let scale = 10.0_f64.powi(-(seed as i32 % 5));
            let step: Vec<f64> = random(63, seed).iter().map(|v| scale * v).collect();
            let other: Vec<f64> = z.iter().zip(&step).map(|(a, b)| a + b).collect();
            // Strong convexity, F(other) >= F(z) + ||step||^2 / 2, up to the gap of z and its effect through the step.
            let norm = step.iter().map(|v| v * v).sum::<f64>().sqrt();
            let rise = objective(&other, &y, 9, sigma) - least - 0.5 * norm * norm;
            assert!(rise > -1e-6 * norm - 1e-13, "{seed}: {rise}");
        }
    }

    #[test]
    fn the_tolerance_is_kept() {
        let (y, sigma) = (random(400, 2), level(0.15));
        let exact = tight().denoise(&y, [16, 25], sigma).unwrap();
        for tolerance in [1e-1, 1e-2, 1e-3, 1e-4] {
            let denoiser = TotalVariation::with_tolerance(tolerance).unwrap();
            let z = denoiser.denoise(&y, [16, 25], sigma).unwrap();
            let sum: f64 = z.iter().zip(&exact).map(|(a, b)| (a - b).powi(2)).sum();
            let error = (sum / 400.0).sqrt();
            assert!(error <= tolerance * 0.15, "{tolerance}: {error}");
        }
        assert!(TotalVariation::with_tolerance(0.0).is_err());
    }

    #[test]
    fn a_tolerance_that_is_not_reached_is_an_error() {
        // Rounding errors of values this large are above what is asked for.
        let y: Vec<f64> = random(16, 4).iter().map(|v| 1e9 * v).collect();
        let denoiser = TotalVariation::with_tolerance(1e-9).unwrap();
        match denoiser.denoise(&y, [4, 4], level(0.1)) {
            Err(Error::NotConverged {
                iterations,
                expected,
                got,
                ..
            }) => assert!(
                iterations == MAX_ITERATIONS && got > expected && expected > 0.0,
                "{got}"
            ),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_mean_is_kept() {
        let y = random(63, 3);
        let z = TotalVariation::default().denoise(&y, [7, 9], level(0.1)).unwrap();
        let sum = |values: &[f64]| values.iter().sum::<f64>();
        assert_close("sum", &[sum(&z)], &[sum(&y)], Tolerance::absolute(1e-12));
    }
}
