//! Stein's unbiased risk estimate.

use super::{Choice, require_values};
use crate::Error;
use crate::host::{parameter, require_positive};

/// SURE of the predicted risk ||A x - A x_true||^2 / m for Gaussian noise of standard deviation sigma in m measured values:
///
/// ||A x(y) - y||^2 / m - sigma^2 + 2 sigma^2 div / m, div = trace of the Jacobian of y -> A x(y).
///
/// For denoising (A = I) it is the mean squared error's unbiased estimate. `divergence` comes from [`monte_carlo_divergence`] or a closed
/// form. The result may be negative.
///
/// Stein, *Estimation of the mean of a multivariate normal distribution*, 1981.
///
/// # Errors
/// If `residual_norm` is negative, `sigma` is not positive, an argument is not finite, or `measurements` is zero.
pub fn sure(residual_norm: f64, divergence: f64, sigma: f64, measurements: usize) -> Result<f64, Error> {
    require_values("SURE", "residual norm", &[residual_norm], 0.0)?;
    require_values("SURE", "divergence", &[divergence], f64::MIN)?;
    require_positive("SURE", "sigma", sigma)?;
    if measurements == 0 {
        return Err(parameter("SURE", "at least one measured value".into(), "none".into()));
    }
    let m = measurements as f64;
    Ok(residual_norm.powi(2) / m - sigma * sigma + 2.0 * sigma * sigma * divergence / m)
}

/// The divergence of a map f at y from one probe: b . (f(y + epsilon b) - f(y)) / epsilon for b with independent entries of mean 0 and
/// variance 1.
///
/// `probe` is b, `before` is f(y), `after` is f(y + epsilon b). For f32 networks on \[0, 1\] images epsilon about 1e-3 balances rounding against
/// curvature; the relative standard deviation falls with the square root of the number of pixels.
///
/// Ramani, Blu and Unser, *Monte-Carlo SURE: a black-box optimization of regularization parameters for general denoising algorithms*, 2008.
///
/// # Errors
/// If the lengths differ, or `epsilon` is not positive and finite.
pub fn monte_carlo_divergence(probe: &[f32], before: &[f32], after: &[f32], epsilon: f64) -> Result<f64, Error> {
    require_positive("Monte-Carlo divergence", "epsilon", epsilon)?;
    if probe.len() != before.len() || probe.len() != after.len() {
        let got = format!("{}, {} and {}", probe.len(), before.len(), after.len());
        return Err(parameter(
            "Monte-Carlo divergence",
            "probe, f(y) and f(y + epsilon b) of one length".into(),
            got,
        ));
    }
    let terms = probe
        .iter()
        .zip(before)
        .zip(after)
        .map(|((&b, &f), &g)| f64::from(b) * (f64::from(g) - f64::from(f)));
    Ok(terms.sum::<f64>() / epsilon)
}

/// The smallest of several scores, the first if there are ties; `None` for none. With [`sure`] it is the SURE rule.
///
/// # Errors
/// If a score is not finite.
pub fn smallest(scores: &[f64]) -> Result<Option<Choice>, Error> {
    require_values("smallest score", "scores", scores, f64::MIN)?;
    let best = scores.iter().enumerate().min_by(|a, b| a.1.total_cmp(b.1));
    Ok(best.map(|(index, &score)| Choice { index, score }))
}
