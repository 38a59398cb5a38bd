//! Conjugate gradients for (A^T A + rho I) x = b.

use tweedie_imaging::{Image, image_from_vec, require_dims};

use crate::host::{dot_per_image, norm_sq_per_image, require_batch, require_positive};
use crate::{CgOptions, Error, InnerSolve, LinearOperator};

/// Solves (A^T A + rho I) x = b by conjugate gradients from `x0`; each image stops on its own.
///
/// Inner products are f64. The recursive residual drifts from the true one in f32, so when it has fallen below the
/// tolerance the true residual is computed, and the method restarted from it where it is still too large, for as long as
/// a restart at least halves it. The residual that is returned is the true one.
///
/// Hestenes and Stiefel, *Methods of conjugate gradients for solving linear systems*, 1952.
///
/// # Shapes
/// `b`, `x0` and the result: `[N, C, H, W]` of the operator's domain.
///
/// # Errors
/// If shapes do not fit, or `rho` or the tolerance is not positive and finite.
pub fn conjugate_gradient(
    operator: &dyn LinearOperator,
    b: Image,
    x0: Image,
    rho: f64,
    options: CgOptions,
) -> Result<(Image, InnerSolve), Error> {
    require_dims("conjugate_gradient", &b, operator.domain())?;
    require_dims("conjugate_gradient", &x0, operator.domain())?;
    require_batch("conjugate_gradient", &b, &x0)?;
    require_positive("conjugate_gradient", "rho", rho)?;
    require_positive("conjugate_gradient", "tolerance", options.tolerance)?;

    let normal = |x: Image| -> Result<Image, Error> { Ok(operator.normal(x.clone())? + x * rho) };
    let b_norm_sq = norm_sq_per_image(&b)?;
    let target: Vec<f64> = b_norm_sq.iter().map(|b| b * options.tolerance.powi(2)).collect();
    let mut x = x0;
    let mut iterations = 0;
    let mut previous = f64::INFINITY;
    loop {
        let mut r = b.clone() - normal(x.clone())?;
        let mut r_norm_sq = norm_sq_per_image(&r)?;
        let relative_residual = largest_relative(&r_norm_sq, &b_norm_sq);
        let converged = r_norm_sq.iter().zip(&target).all(|(r, target)| r <= target);
        if converged
            || iterations >= options.max_iterations
            || relative_residual.is_nan()
            || relative_residual > 0.5 * previous
        {
            return Ok((
                x,
                InnerSolve::Iterative {
                    iterations,
                    relative_residual,
                    converged,
                },
            ));
        }
        previous = relative_residual;

        let mut p = r.clone();
        while iterations < options.max_iterations {
            let active: Vec<bool> = r_norm_sq.iter().zip(&target).map(|(r, target)| r > target).collect();
            if !active.contains(&true) {
                break;
            }
            let mp = normal(p.clone())?;
            let curvature = dot_per_image(&p, &mp)?;
            let alpha = masked_ratio(&r_norm_sq, &curvature, &active);
            x = x + p.clone() * per_image(&alpha, &p)?;
            r = r - mp * per_image(&alpha, &p)?;
            let next = norm_sq_per_image(&r)?;
            let beta = masked_ratio(&next, &r_norm_sq, &active);
            p = r.clone() + p.clone() * per_image(&beta, &p)?;
            r_norm_sq = next;
            iterations += 1;
        }
    }
}

fn largest_relative(r_norm_sq: &[f64], b_norm_sq: &[f64]) -> f64 {
    let relative = |(&r, &b): (&f64, &f64)| if r == 0.0 { 0.0 } else { (r / b).sqrt() };
    r_norm_sq
        .iter()
        .zip(b_norm_sq)
        .map(relative)
        .fold(0.0, |a, b| if b.is_nan() { b } else { a.max(b) })
}

/// `numerator / denominator` for the active images, 0 for those that are done.
fn masked_ratio(numerator: &[f64], denominator: &[f64], active: &[bool]) -> Vec<f32> {
    let ratio = |((&n, &d), &active): ((&f64, &f64), &bool)| if active { (n / d) as f32 } else { 0.0 };
    numerator.iter().zip(denominator).zip(active).map(ratio).collect()
}

fn per_image(values: &[f32], like: &Image) -> Result<Image, Error> {
    Ok(image_from_vec(
        values.to_vec(),
        [values.len(), 1, 1, 1],
        &like.device(),
    )?)
}
