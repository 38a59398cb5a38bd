//! Measures of one patch, from its whole Jacobian.

use tweedie_imaging::{Image, Sigma};

use super::lanczos::{Extreme, largest_eigenvalue};
use super::subject::Subject;
use super::vectors::{distance, host, norm};
use crate::Error;

/// e of the first measure of local homogeneity, as in Reehorst and Schniter 2018.
const SCALE_STEP: f64 = 1e-3;

/// Relative tolerance of norms and eigenvalues, and the products that they may cost; the Jacobian is on the host.
const TOLERANCE: f64 = 1e-7;
const MAX_PRODUCTS: usize = 200;

/// The measures of [`super::LevelMeasures`] for one patch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PatchMeasures {
    /// ||J - J^T||_F^2 / ||J||_F^2.
    pub jacobian_asymmetry: f64,
    /// ||(1 + e) D(x) - D((1 + e) x)||^2 / ||(1 + e) D(x)||^2, e = 1e-3.
    pub homogeneity_1: f64,
    /// ||J x - D(x)||^2 / ||D(x)||^2.
    pub homogeneity_2: f64,
    /// ||J||.
    pub spectral_norm_j: Extreme,
    /// ||J - I||.
    pub spectral_norm_residual: Extreme,
    /// ||2 J - I||.
    pub spectral_norm_reflection: Extreme,
    /// The largest eigenvalue of (J + J^T)/2.
    pub symmetric_part_max: Extreme,
    /// ||D(x)|| / ||x||.
    pub passivity: f64,
    /// ||J - K||_F / ||J||_F, K by other differences: see [`super::LevelMeasures::differentiability`].
    pub differentiability: f64,
}

/// Measures a denoiser at one patch x, `[1, C, H, W]`.
///
/// # Errors
/// As [`Subject::jacobian`].
pub fn measure_patch(subject: Subject<'_>, x: &Image, sigma: Sigma) -> Result<PatchMeasures, Error> {
    let j = subject.jacobian(x, sigma)?;
    let pixels = host(x)?;
    let d = subject.denoise(&pixels, x, sigma)?;

    let stretched = |values: &[f64]| values.iter().map(|v| (1.0 + SCALE_STEP) * v).collect::<Vec<_>>();
    let (of_stretched, stretched) = (subject.denoise(&stretched(&pixels), x, sigma)?, stretched(&d));
    let homogeneity_1 = (distance(&stretched, &of_stretched) / norm(&stretched)).powi(2);
    let homogeneity_2 = (distance(&j.apply(&pixels), &d) / norm(&d)).powi(2);

    let n = j.size();
    let largest = |apply: &dyn Fn(&[f64]) -> Vec<f64>| largest_eigenvalue(n, MAX_PRODUCTS, TOLERANCE, |v| Ok(apply(v)));
    // (factor J - I) v and its transpose.
    let minus_identity = |factor: f64, product: Vec<f64>, v: &[f64]| {
        product.iter().zip(v).map(|(a, b)| factor * a - b).collect::<Vec<_>>()
    };
    let norm_minus_identity = |factor: f64| {
        let gram = |v: &[f64]| {
            let w = minus_identity(factor, j.apply(v), v);
            minus_identity(factor, j.apply_transposed(&w), &w)
        };
        Ok::<_, Error>(largest(&gram)?.sqrt())
    };
    let mean = |a: Vec<f64>, b: Vec<f64>| a.iter().zip(b).map(|(a, b)| 0.5 * (a + b)).collect::<Vec<_>>();
    Ok(PatchMeasures {
        jacobian_asymmetry: j.asymmetry(),
        homogeneity_1,
        homogeneity_2,
        spectral_norm_j: largest(&|v| j.apply_transposed(&j.apply(v)))?.sqrt(),
        spectral_norm_residual: norm_minus_identity(1.0)?,
        spectral_norm_reflection: norm_minus_identity(2.0)?,
        symmetric_part_max: largest(&|v| mean(j.apply(v), j.apply_transposed(v)))?,
        passivity: norm(&d) / norm(&pixels),
        differentiability: j.relative_distance(&subject.second_jacobian(x, sigma)?),
    })
}
