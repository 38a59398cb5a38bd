//! When a run ends. Every rule reads the trace of one image; none sees the truth.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use tweedie_imaging::Sigma;
use tweedie_operators::DataFidelity;

use crate::StepStats;

/// The rules that may end a run before its last iteration; the default is divergence alone.
#[derive(Clone, Debug, Default)]
pub struct StopRules {
    /// Converged once the fixed-point residual is at most this, in image units.
    pub tolerance: Option<f64>,
    /// Stops once the data fidelity is what the noise explains.
    pub discrepancy: Option<Discrepancy>,
    /// Stops after the iteration in which this many seconds of solver time are exceeded.
    pub budget_s: Option<f64>,
    /// When iterates count as running away.
    pub divergence: DivergenceRule,
    /// Stops before the next iteration once this is true.
    pub interrupt: Option<Arc<AtomicBool>>,
}

/// The discrepancy principle: stop once l(x, y) <= `threshold`.
#[derive(Clone)]
pub struct Discrepancy {
    /// The data fidelity l.
    pub fidelity: Arc<dyn DataFidelity>,
    /// The value to fall to.
    pub threshold: f64,
}

impl Discrepancy {
    /// For l = 1/2 ||Ax - y||^2 and `measurements` numbers with white Gaussian noise of level s: stops once
    /// ||Ax - y|| <= tau s sqrt(m), that is l <= 1/2 tau^2 s^2 m, tau >= 1 (Morozov 1966). Without noise (s = 0) there is
    /// nothing to fall to, and a run with this rule is refused.
    pub fn gaussian(fidelity: Arc<dyn DataFidelity>, noise: Sigma, tau: f64, measurements: usize) -> Self {
        Self {
            fidelity,
            threshold: 0.5 * (tau * noise.value()).powi(2) * measurements as f64,
        }
    }
}

impl fmt::Debug for Discrepancy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Discrepancy")
            .field("threshold", &self.threshold)
            .finish_non_exhaustive()
    }
}

/// When iterates count as running away: never while they are finite and small, whatever they oscillate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DivergenceRule {
    /// The root mean square of an estimate may be this many times that of the start (or of a white image, if larger).
    pub rms_growth: f64,
    /// The fixed-point residual, once the schedules have settled, may be this many times its calmest level so far, the
    /// smallest maximum over `window` iterations in a row ...
    pub residual_growth: f64,
    /// ... which a residual that oscillates through zero does not lower ...
    pub window: u32,
    /// ... in fewer than this many iterations in a row ...
    pub patience: u32,
    /// ... or as long as it stays below this, in image units: the residuals of a converged run are rounding errors.
    pub residual_floor: f64,
}

impl Default for DivergenceRule {
    /// Ten times: more than momentum's oscillations leave over a window of 20; five in a row: a single kick is no trend;
    /// half a grey level an iteration: below it an image hardly changes in a run.
    fn default() -> Self {
        Self {
            rms_growth: 10.0,
            residual_growth: 10.0,
            window: 20,
            patience: 5,
            residual_floor: 0.5 / 255.0,
        }
    }
}

/// Applies a [`DivergenceRule`] to the rows of a run.
#[derive(Debug)]
pub(crate) struct DivergenceMonitor {
    rule: DivergenceRule,
    rms_limit: f64,
    recent: VecDeque<f64>,
    calmest: f64,
    grown: u32,
}

impl DivergenceMonitor {
    pub(crate) fn new(rule: DivergenceRule, start_rms: f64) -> Self {
        let rms_limit = rule.rms_growth * start_rms.max(1.0);
        Self {
            rule,
            rms_limit,
            recent: VecDeque::new(),
            calmest: f64::INFINITY,
            grown: 0,
        }
    }

    /// Whether all of the row's numbers are finite, and so (sums of squares) are all pixels.
    pub(crate) fn is_finite(stats: &StepStats) -> bool {
        stats.fixed_point_residual.is_finite()
            && stats.estimate_rms.is_finite()
            && stats.rel_change.is_none_or(f64::is_finite)
            && stats.objective.is_none_or(f64::is_finite)
    }

    /// Whether the run has diverged, given its next row; `settled`: levels and steps no longer change.
    pub(crate) fn diverged(&mut self, stats: &StepStats, settled: bool) -> bool {
        if !Self::is_finite(stats) || stats.estimate_rms > self.rms_limit {
            return true;
        }
        if !settled {
            return false;
        }
        let residual = stats.fixed_point_residual;
        self.recent.push_back(residual);
        if self.recent.len() > self.rule.window.max(1) as usize {
            self.recent.pop_front();
            self.calmest = self.calmest.min(self.recent.iter().copied().fold(0.0, f64::max));
        }
        let limit = (self.rule.residual_growth * self.calmest).max(self.rule.residual_floor);
        self.grown = if residual > limit { self.grown + 1 } else { 0 };
        self.grown >= self.rule.patience
    }
}
