//! The quasi-optimality criterion.

use super::{Choice, require_count, require_increasing, require_values};
use crate::Error;

/// The reconstruction that changes least with the logarithm of the parameter: the deepest interior minimum of
/// ||x_{i+1} - x_i|| / ln(p_{i+1} / p_i), at i + 1. Needs no noise level.
///
/// `parameters` p_i increase; `steps` are the norms ||x_{i+1} - x_i||, one fewer. Only interior minima count, since the changes also
/// vanish towards both ends of a long grid, where they say nothing. The score is the change. `None` without an interior minimum.
///
/// Tikhonov and Glasko, *Use of the regularization method in non-linear problems*, 1965; for a geometric grid this is the discrete form that
/// Bauer and Lukas, *Comparing parameter choice methods for regularization of ill-posed problems*, 2011, recommend.
///
/// # Errors
/// If the parameters are not positive and increasing, or the steps are negative, not finite or of another number.
pub fn quasi_optimality(parameters: &[f64], steps: &[f64]) -> Result<Option<Choice>, Error> {
    require_increasing("quasi-optimality", parameters)?;
    require_count(
        "quasi-optimality",
        "steps",
        parameters.len().saturating_sub(1),
        steps.len(),
    )?;
    require_values("quasi-optimality", "steps", steps, 0.0)?;
    let rates: Vec<f64> = steps
        .iter()
        .zip(parameters.windows(2))
        .map(|(step, p)| step / (p[1] / p[0]).ln())
        .collect();
    let minima = (1..rates.len().saturating_sub(1)).filter(|&i| rates[i] <= rates[i - 1] && rates[i] < rates[i + 1]);
    let deepest = minima.min_by(|&a, &b| rates[a].total_cmp(&rates[b]));
    Ok(deepest.map(|i| Choice {
        index: i + 1,
        score: rates[i],
    }))
}
