//! One run against its own limit.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::Serialize;
use tweedie_imaging::Image;

use super::fit::{CurveShape, RateFit, fit_rate};
use super::spectral::{SpectralRadius, spectral_radius};
use crate::measure::{entries, norms_sq};
use crate::{Acceleration, Algorithm, Error, Executor, Observer, ObserverError, StopReason, StopRules, TraceRow};

/// Values this many times above what is lost in rounding, or in not knowing the limit, are fitted.
const ABOVE_FLOOR: f64 = 10.0;

/// Relative to the image, values below this are rounding errors of f32 (1e-7), which slow modes carry on a hundredfold; a
/// run may end in an exact fixed point, so that its own smallest residual, zero, says nothing of them.
const ROUNDING: f64 = 1e-5;

/// One iteration.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ConvergenceRow {
    /// Number of the iteration, from 1.
    pub iteration: u32,
    /// ||T(z) - z|| / sqrt(n), in image units.
    pub residual: f64,
    /// The objective, where there is one.
    pub objective: Option<f64>,
    /// The objective minus its smallest value in the run to the limit.
    pub objective_gap: Option<f64>,
    /// ||x_k - x*|| / ||x*||, x* the limit; `None` for x* = 0.
    pub distance: Option<f64>,
}

/// What is known of the limit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Limit {
    /// Iterations L of the run whose last estimate x_L stands for the limit.
    pub iterations: u32,
    /// ||x_L - x_(L/2)|| / ||x_L||: distances much above it are known.
    pub uncertainty: Option<f64>,
    /// How that run ended.
    pub stop: StopReason,
}

/// The linear rate that theory gives for an affine iteration.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Theory {
    /// Spectral radius r of the iteration's matrix.
    pub spectral_radius: SpectralRadius,
    /// Factor of residual and distance: r, or sqrt(r) with Nesterov's momentum where the eigenvalues are real and not
    /// negative (Sinha and Chaudhury 2024). The objective's gap falls by its square.
    pub factor: f64,
}

/// A run with its rates.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Convergence {
    /// The measured iterations.
    pub rows: Vec<ConvergenceRow>,
    /// The limit.
    pub limit: Limit,
    /// How the residual falls; `None` where too few values are above rounding.
    pub residual: Option<RateFit>,
    /// How the objective's gap falls, where there is an objective.
    pub objective_gap: Option<RateFit>,
    /// How the distance to the limit falls.
    pub distance: Option<RateFit>,
    /// The known rate, where there is one.
    pub theory: Option<Theory>,
}

/// Runs `algorithm` from `x0` to its last iteration, which stands for the limit, then again, measuring the first
/// `measured` iterations against it; fits the rates.
///
/// `affine` says that the denoiser is linear and the data term quadratic: the known rate is then computed as well, for
/// plain iterations and for Nesterov's momentum. `None` if `interrupt` was raised.
///
/// # Errors
/// [`Error::Study`] unless 1 <= `measured` <= half of the algorithm's iterations, and what the run fails with.
pub fn measure_convergence(
    algorithm: &dyn Algorithm,
    x0: &Image,
    measured: u32,
    affine: bool,
    interrupt: &Arc<AtomicBool>,
) -> Result<Option<Convergence>, Error> {
    let iterations = algorithm.iterations();
    if measured < 1 || measured > iterations / 2 {
        return Err(Error::Study {
            setting: "iterations",
            expected: format!("1 to half of the {iterations} iterations of the run to the limit"),
            got: measured.to_string(),
        });
    }
    let mut halfway = Halfway {
        at: iterations / 2,
        estimate: None,
    };
    let rules = |interrupt| StopRules {
        interrupt: Some(interrupt),
        ..StopRules::default()
    };
    let long = Executor::new(algorithm)
        .rules(rules(Arc::clone(interrupt)))
        .observe(&mut halfway)
        .run(x0.clone())
        .map_err(|failure| failure.source)?;
    if long.stop == StopReason::Interrupted {
        return Ok(None);
    }
    let uncertainty = match &halfway.estimate {
        Some(half) => relative_distance(half, &long.image)?,
        None => None,
    };
    let smallest = |values: &mut dyn Iterator<Item = f64>| values.reduce(f64::min);
    let mut objectives = long.trace.iter().filter_map(|row| row.objective);
    let done = Arc::new(AtomicBool::new(false));
    let mut against = Against {
        limit: &long.image,
        best_objective: smallest(&mut objectives),
        last: measured,
        rows: Vec::new(),
        outer: interrupt,
        done: Arc::clone(&done),
    };
    Executor::new(algorithm)
        .rules(rules(done))
        .observe(&mut against)
        .run(x0.clone())
        .map_err(|failure| failure.source)?;
    let rows = against.rows;
    if interrupt.load(Ordering::Relaxed) {
        return Ok(None);
    }
    let limit = Limit {
        iterations: long.trace.len() as u32,
        uncertainty,
        stop: long.stop,
    };
    let map = algorithm.fixed_point_map();
    let shape = match map {
        Some((_, Acceleration::Nesterov)) => CurveShape::Momentum,
        _ => CurveShape::Plain,
    };
    if limit.stop == StopReason::Diverged {
        return Ok(Some(Convergence {
            rows,
            limit,
            residual: None,
            objective_gap: None,
            distance: None,
            theory: None,
        }));
    }
    // The fixed points move until here; algorithms whose steps shrink for ever are fitted from the first iteration.
    let settled = Some(algorithm.settled_from()).filter(|&k| k < measured).unwrap_or(0);
    let mut residuals = long.trace.iter().map(|row| row.fixed_point_residual);
    let limit_rms = (norms_sq(&[&long.image])?[0] / entries(&long.image)).sqrt();
    let residual_floor = (ABOVE_FLOOR * smallest(&mut residuals).unwrap_or(0.0)).max(ROUNDING * limit_rms);
    // The objective sums f32 numbers and is known to about 1e-6 of itself.
    let objective_floor = ABOVE_FLOOR * 1e-6 * against.best_objective.map_or(0.0, f64::abs);
    let fit = |value: fn(&ConvergenceRow) -> Option<f64>, floor: f64| {
        let curve: Vec<Option<f64>> = rows.iter().map(value).collect();
        fit_rate(&curve, floor, settled, shape)
    };
    let theory = match map {
        Some((map, acceleration @ (Acceleration::None | Acceleration::Nesterov))) if affine => {
            let spectral_radius = spectral_radius(map, measured - 1, x0.clone())?;
            let root = if acceleration == Acceleration::Nesterov {
                0.5
            } else {
                1.0
            };
            Some(Theory {
                spectral_radius,
                factor: spectral_radius.value.powf(root),
            })
        }
        _ => None,
    };
    Ok(Some(Convergence {
        residual: fit(|row| Some(row.residual), residual_floor),
        objective_gap: fit(|row| row.objective_gap, objective_floor),
        distance: fit(
            |row| row.distance,
            (ABOVE_FLOOR * uncertainty.unwrap_or(0.0)).max(ROUNDING),
        ),
        theory,
        rows,
        limit,
    }))
}

/// ||a - b|| / ||b||, `None` for b = 0.
fn relative_distance(a: &Image, b: &Image) -> Result<Option<f64>, tweedie_imaging::Error> {
    let difference = a.clone() - b.clone();
    let norms = norms_sq(&[&difference, b])?;
    Ok((norms[1] > 0.0).then(|| (norms[0] / norms[1]).sqrt()))
}

/// Keeps the estimate of one iteration.
struct Halfway {
    at: u32,
    estimate: Option<Image>,
}

impl Observer for Halfway {
    fn on_row(&mut self, row: &TraceRow, estimate: &Image) -> Result<(), ObserverError> {
        if row.iter == self.at {
            self.estimate = Some(estimate.clone());
        }
        Ok(())
    }
}

/// Measures a run against its limit, and ends it.
struct Against<'a> {
    limit: &'a Image,
    best_objective: Option<f64>,
    last: u32,
    rows: Vec<ConvergenceRow>,
    outer: &'a AtomicBool,
    done: Arc<AtomicBool>,
}

impl Observer for Against<'_> {
    fn on_row(&mut self, row: &TraceRow, estimate: &Image) -> Result<(), ObserverError> {
        let gap = row.objective.zip(self.best_objective);
        self.rows.push(ConvergenceRow {
            iteration: row.iter,
            residual: row.fixed_point_residual,
            objective: row.objective,
            objective_gap: gap.map(|(objective, best)| objective - best),
            distance: relative_distance(estimate, self.limit)?,
        });
        if row.iter == self.last || self.outer.load(Ordering::Relaxed) {
            self.done.store(true, Ordering::Relaxed);
        }
        Ok(())
    }
}
