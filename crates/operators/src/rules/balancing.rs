//! The balancing principle.

use super::{Choice, require_values};
use crate::Error;
use crate::host::require_positive;

/// The balancing principle of Lepskii: the largest i with ||x_i - x_j|| <= kappa rho_j for all j < i, that is, the strongest regularisation whose
/// reconstruction is told from no weaker one by more than that one's noise.
///
/// `noise` are bounds or estimates rho_j of the norm of the noise in x_j, not increasing in j (for a linear method sigma times the
/// Frobenius norm of its matrix; else ||x_j(y + noise) - x_j(y)|| for simulated noise); `distance(i, j)` gives ||x_i - x_j||, asked for j < i.
/// kappa is 4 in the theory for worst-case noise and around 1 in practice for rho as a root mean square. The score is the largest ||x_i - x_j|| / rho_j of the choice.
/// `None` for an empty grid.
///
/// Lepskii, *On a problem of adaptive estimation in Gaussian white noise*, 1990; Bauer and Lukas 2011.
///
/// # Errors
/// If a noise bound or distance is negative or not finite, the noise increases, or `kappa` is not positive and finite.
pub fn balancing(
    noise: &[f64],
    kappa: f64,
    mut distance: impl FnMut(usize, usize) -> f64,
) -> Result<Option<Choice>, Error> {
    require_values("balancing principle", "noise", noise, 0.0)?;
    require_positive("balancing principle", "kappa", kappa)?;
    let mut choice = None;
    for i in 0..noise.len() {
        let distances: Vec<f64> = (0..i).map(|j| distance(i, j)).collect();
        require_values("balancing principle", "distances", &distances, 0.0)?;
        // 0 / 0: two equal reconstructions without noise do not differ.
        let ratio = |(&d, &rho): (&f64, &f64)| if d == 0.0 { 0.0 } else { d / rho };
        let score = distances.iter().zip(noise).map(ratio).fold(0.0, f64::max);
        if score <= kappa {
            choice = Some(Choice { index: i, score });
        }
    }
    Ok(choice)
}
