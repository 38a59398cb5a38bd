//! One restoration.

use tweedie_solver::Prior;

use crate::fidelity::Fidelity;
use crate::measurement::Measurement;
use crate::scores::Restored;
use crate::solver::{Attempt, Solver};
use crate::sweep::restore_by_rule;
use crate::{Events, Result, guard};

/// Restores one measurement, at the strength that a rule finds if one is to be found, and looks at the result ([`guard`]).
///
/// # Errors
/// What the solver refuses, and what it fails with.
pub fn restore(solver: &Solver, measurement: &Measurement, prior: Prior, events: &dyn Events) -> Result<Restored> {
    let mut restored = match solver.search {
        Some(search) => restore_by_rule(solver, search, measurement, prior, events)?,
        None => solver.attempt(measurement, prior, Attempt::default(), events)?,
    };
    let has_outliers = solver.options.fidelity == Some(Fidelity::L1);
    restored
        .scores
        .warnings
        .extend(guard::warnings(measurement, &restored.image, has_outliers)?);
    restored.image = measurement.in_window(restored.image);
    Ok(restored)
}
