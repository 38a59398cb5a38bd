//! The discrepancy principle.

use super::{Choice, require_values};
use crate::Error;
use crate::host::require_positive;

/// The strongest regularisation that still explains the data: the largest index with ||A x_i - y|| <= tau delta.
///
/// `residual_norms` are ||A x_i - y||, `noise_norm` is delta = ||noise||, about sigma sqrt(m) for m measured values, and tau >= 1 (1.0 to 1.1 is usual)
/// allows for its fluctuation. The score is ||A x_i - y|| / delta. `None` if no residual is small enough.
///
/// Morozov, *On the solution of functional equations by the method of regularization*, 1966.
///
/// # Errors
/// If a residual is negative or not finite, or `noise_norm` or `tau` is not positive and finite.
pub fn discrepancy(residual_norms: &[f64], noise_norm: f64, tau: f64) -> Result<Option<Choice>, Error> {
    require_values("discrepancy principle", "residual norms", residual_norms, 0.0)?;
    require_positive("discrepancy principle", "noise norm", noise_norm)?;
    require_positive("discrepancy principle", "tau", tau)?;
    let last = residual_norms
        .iter()
        .rposition(|&residual| residual <= tau * noise_norm);
    Ok(last.map(|index| Choice {
        index,
        score: residual_norms[index] / noise_norm,
    }))
}
