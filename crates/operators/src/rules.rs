//! Rules that choose a parameter from a grid of reconstructions. None sees the truth.
//!
//! Every rule takes quantities of reconstructions in order of increasing strength (weight of the prior), finite, and returns the
//! index of its choice with its score; `None` if the grid does not hold what the rule looks for, such as a corner or an
//! interior minimum (then the grid should be extended). Runs that failed are left out by the caller.

mod balancing;
mod discrepancy;
mod l_curve;
mod quasi_optimality;
mod sure;

pub use balancing::balancing;
pub use discrepancy::discrepancy;
pub use l_curve::l_curve;
pub use quasi_optimality::quasi_optimality;
pub use sure::{monte_carlo_divergence, smallest, sure};

use crate::Error;
use crate::host::parameter;

/// What a rule chose.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Choice {
    /// Index into the grid.
    pub index: usize,
    /// The rule's own score there; each rule says what it is.
    pub score: f64,
}

/// Checks that all values are finite and at least `least`.
fn require_values(operation: &'static str, what: &str, values: &[f64], least: f64) -> Result<(), Error> {
    match values.iter().position(|&value| !(value.is_finite() && value >= least)) {
        None => Ok(()),
        Some(at) => Err(parameter(
            operation,
            format!("{what} finite and >= {least}"),
            format!("{} at index {at}", values[at]),
        )),
    }
}

/// Checks that there is one value for each of `count` reconstructions.
fn require_count(operation: &'static str, what: &str, count: usize, got: usize) -> Result<(), Error> {
    if count == got {
        return Ok(());
    }
    Err(parameter(operation, format!("{count} {what}"), got.to_string()))
}

/// Checks that parameters are positive, finite and increasing.
fn require_increasing(operation: &'static str, parameters: &[f64]) -> Result<(), Error> {
    require_values(operation, "parameters", parameters, f64::MIN_POSITIVE)?;
    if parameters.windows(2).all(|pair| pair[0] < pair[1]) {
        return Ok(());
    }
    Err(parameter(
        operation,
        "increasing parameters".into(),
        format!("{parameters:?}"),
    ))
}

#[cfg(test)]
mod tests;
