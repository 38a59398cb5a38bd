//! Randomised measures on whole images, where the Jacobian is too large to form.

use serde::Serialize;
use tweedie_imaging::{DifferentiableDenoiser, Image, Sigma, image_from_vec, noise};

use super::jacobian::vjp;
use super::lanczos::{Extreme, largest_eigenvalue};
use super::vectors::{distance, host};
use crate::Error;

/// Step of the central differences that stand for J v, along a vector of unit entries. Autodiff gives J^T v exactly;
/// J v = (D(x + h v) - D(x - h v)) / (2 h) carries f32 rounding of 1e-7 / h and the curvature of kinks within h.
const DIFFERENCE_STEP: f64 = 2e-3;

/// Randomised measures of one image, with standard errors over the probes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct WholeMeasures {
    /// ||J - J^T||_F^2 / ||J||_F^2, from E ||(J - J^T) v||^2 and E ||J^T v||^2 over v ~ N(0, I).
    pub jacobian_asymmetry: f64,
    /// Its standard error.
    pub jacobian_asymmetry_stderr: f64,
    /// ||J||; a lower bound unless converged.
    pub spectral_norm_j: f64,
    /// ||J - I||; a lower bound unless converged.
    pub spectral_norm_residual: f64,
    /// Whether both norms settled to 1 %.
    pub converged: bool,
}

/// Measures a denoiser at one image x, `[1, C, H, W]`, with `probes` >= 2 random vectors and at most `max_products`
/// products with J^T J for each norm.
///
/// # Errors
/// As [`vjp`]; [`tweedie_imaging::Error::Shape`] for fewer than two probes.
pub fn measure_whole(
    denoiser: &dyn DifferentiableDenoiser,
    x: &Image,
    sigma: Sigma,
    probes: u32,
    max_products: usize,
    seed: u64,
) -> Result<WholeMeasures, Error> {
    if probes < 2 {
        let (expected, got) = ("at least 2 probes".to_owned(), probes.to_string());
        return Err(tweedie_imaging::Error::Shape {
            operation: "measure_whole",
            expected,
            got,
        }
        .into());
    }
    let n: usize = x.dims().iter().product();
    let push = |v: &Image| -> Result<Image, Error> {
        let step = v.clone() * DIFFERENCE_STEP;
        let ahead = denoiser.denoise(x.clone() + step.clone(), sigma)?;
        Ok((ahead - denoiser.denoise(x.clone() - step, sigma)?) * (0.5 / DIFFERENCE_STEP))
    };
    let pull = |v: &Image| vjp(denoiser, x, sigma, v).map(|(_, product)| product);

    let mut pairs = Vec::new();
    for probe in 0..probes {
        let v = image_from_vec(
            noise::gaussian_values(n, 1.0, seed, probe.into()),
            x.dims(),
            &x.device(),
        )?;
        let (forward, backward) = (host(&push(&v)?)?, host(&pull(&v)?)?);
        let energy = backward.iter().map(|b| b * b).sum::<f64>();
        pairs.push((distance(&forward, &backward).powi(2), energy));
    }
    let (ratio, stderr) = ratio_of_means(&pairs);

    // Unit entries on average, so that the differences see a step of the size that they are made for.
    let scale = (n as f64).sqrt();
    let norm_of = |residual: bool| -> Result<Extreme, Error> {
        let found = largest_eigenvalue(n, max_products, 0.02, |v| {
            let v = v.iter().map(|a| (a * scale) as f32).collect();
            let v = image_from_vec(v, x.dims(), &x.device())?;
            let forward = push(&v)?;
            let forward = if residual { forward - v } else { forward };
            let backward = pull(&forward)?;
            let backward = if residual { backward - forward } else { backward };
            Ok(host(&backward)?.into_iter().map(|a| a / scale).collect())
        })?;
        Ok(found.sqrt())
    };
    let (norm_j, norm_residual) = (norm_of(false)?, norm_of(true)?);
    Ok(WholeMeasures {
        jacobian_asymmetry: ratio,
        jacobian_asymmetry_stderr: stderr,
        spectral_norm_j: norm_j.value,
        spectral_norm_residual: norm_residual.value,
        converged: norm_j.converged && norm_residual.converged,
    })
}

/// The ratio of the means of pairs, and its standard error by the delta method.
fn ratio_of_means(pairs: &[(f64, f64)]) -> (f64, f64) {
    let n = pairs.len() as f64;
    let (top, bottom) = pairs
        .iter()
        .fold((0.0, 0.0), |sum, pair| (sum.0 + pair.0 / n, sum.1 + pair.1 / n));
    let ratio = top / bottom;
    let variance = pairs.iter().map(|(a, b)| (a - ratio * b).powi(2)).sum::<f64>() / (n - 1.0);
    (ratio, (variance / n).sqrt() / bottom)
}
