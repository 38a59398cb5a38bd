//! Runs one algorithm on one image: timing, stopping, trace.

use std::ops::Range;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use tweedie_imaging::{Image, psnr};

use crate::measure::{entries, norms_sq};
use crate::stop::DivergenceMonitor;
use crate::{Algorithm, Error, Failure, Observer, Restoration, RunInfo, StopReason, StopRules, TraceRow, Work};

/// Runs an [`Algorithm`] on one image.
///
/// A batch is run image by image ([`split_batch`]), since every stop rule is per image: in a joint run the images that
/// are done would still be paid for, and the trace of one would depend on its neighbours.
pub struct Executor<'a> {
    algorithm: &'a dyn Algorithm,
    rules: StopRules,
    truth: Option<&'a Image>,
    /// The rows and columns that the truth has of the estimate; `None` if all.
    window: Option<[Range<usize>; 2]>,
    observers: Vec<&'a mut dyn Observer>,
}

impl<'a> Executor<'a> {
    /// An executor without truth and observers, with the default rules.
    pub fn new(algorithm: &'a dyn Algorithm) -> Self {
        Self {
            algorithm,
            rules: StopRules::default(),
            truth: None,
            window: None,
            observers: Vec::new(),
        }
    }

    /// Sets the rules that may end the run.
    pub fn rules(mut self, rules: StopRules) -> Self {
        self.rules = rules;
        self
    }

    /// Sets the true image, `[1, C, H, W]`: it fills `psnr_db` of the trace and touches nothing else.
    pub fn truth(mut self, truth: &'a Image) -> Self {
        self.truth = Some(truth);
        self
    }

    /// Sets the rows and columns of the estimate that the truth shows, where the estimate is larger.
    pub fn window(mut self, window: [Range<usize>; 2]) -> Self {
        self.window = Some(window);
        self
    }

    /// Adds an observer.
    pub fn observe(mut self, observer: &'a mut dyn Observer) -> Self {
        self.observers.push(observer);
        self
    }

    /// Runs from `x0`, `[1, C, H, W]`, until a rule or the algorithm's number of iterations ends it.
    ///
    /// # Errors
    /// [`Failure`] with the trace so far: if `x0` is not one finite image, the rules do not fit the algorithm, or a
    /// denoiser, data fidelity or observer fails. Divergence is not an error.
    pub fn run(mut self, x0: Image) -> Result<Restoration, Box<Failure>> {
        let mut trace = Vec::new();
        match self.drive(x0, &mut trace) {
            Ok((image, stop)) => {
                let restoration = Restoration { image, trace, stop };
                match self.observers.iter_mut().try_for_each(|o| o.on_end(&restoration)) {
                    Ok(()) => Ok(restoration),
                    Err(error) => Err(Box::new(Failure {
                        source: Error::Observer(error),
                        trace: restoration.trace,
                    })),
                }
            }
            Err(source) => Err(Box::new(Failure { source, trace })),
        }
    }

    fn drive(&mut self, x0: Image, trace: &mut Vec<TraceRow>) -> Result<(Image, StopReason), Error> {
        let iterations = self.algorithm.iterations();
        self.check_rules(iterations)?;
        let start_rms = start_rms(&x0)?;
        let info = RunInfo {
            solver: self.algorithm.name(),
            iterations,
        };
        self.observers
            .iter_mut()
            .try_for_each(|o| o.on_start(&info, &x0))
            .map_err(Error::Observer)?;

        let mut monitor = DivergenceMonitor::new(self.rules.divergence, start_rms);
        let mut work = Work::default();
        let mut last_finite = x0.clone();
        // The estimate of the iteration with the smallest residual, which a run that diverges gives back.
        let mut calmest = (f64::INFINITY, x0.clone());
        let clock = Instant::now();
        let mut iteration = self.algorithm.start(x0)?;
        let mut solver_time = clock.elapsed();
        for k in 0..iterations {
            if self
                .rules
                .interrupt
                .as_ref()
                .is_some_and(|flag| flag.load(Ordering::Relaxed))
            {
                return Ok((last_finite, StopReason::Interrupted));
            }
            let clock = Instant::now();
            let stats = iteration.step(k)?;
            let finite = DivergenceMonitor::is_finite(&stats);
            if finite {
                last_finite = iteration.estimate().clone();
                if stats.fixed_point_residual < calmest.0 {
                    calmest = (stats.fixed_point_residual, last_finite.clone());
                }
            }
            let settled = k >= self.algorithm.settled_from();
            let diverged = monitor.diverged(&stats, settled);
            let data_value = if finite { self.data_value(&last_finite)? } else { None };
            solver_time += clock.elapsed();

            work += stats.work;
            let psnr_db = match self.truth {
                Some(truth) if finite => {
                    let shown = match &self.window {
                        Some([rows, cols]) => {
                            let [batch, channels, ..] = last_finite.dims();
                            let all = last_finite.clone();
                            all.slice([0..batch, 0..channels, rows.clone(), cols.clone()])
                        }
                        None => last_finite.clone(),
                    };
                    psnr(&shown, truth)?.first().copied()
                }
                _ => None,
            };
            let row = TraceRow {
                iter: k + 1,
                solver_s: solver_time.as_secs_f64(),
                sigma: stats.sigma,
                rel_change: stats.rel_change,
                fixed_point_residual: stats.fixed_point_residual,
                objective: stats.objective,
                data_value,
                psnr_db,
                work,
            };
            let stop = if diverged {
                Some(StopReason::Diverged)
            } else if stats.stalled {
                Some(StopReason::Stalled)
            } else {
                self.stop(&row, settled, solver_time)
            };
            trace.push(row);
            let row = &trace[trace.len() - 1];
            let estimate = iteration.estimate();
            self.observers
                .iter_mut()
                .try_for_each(|o| o.on_row(row, estimate))
                .map_err(Error::Observer)?;
            match stop {
                None => {}
                Some(StopReason::Diverged) => return Ok((calmest.1, StopReason::Diverged)),
                Some(reason) => return Ok((last_finite, reason)),
            }
        }
        Ok((last_finite, StopReason::MaxIters))
    }

    fn check_rules(&self, iterations: u32) -> Result<(), Error> {
        let solver = self.algorithm.name();
        let refuse = |parameter, expected: String, got: f64| {
            Err(Error::Parameter {
                solver,
                parameter,
                expected,
                got: got.to_string(),
            })
        };
        if let Some(tolerance) = self.rules.tolerance {
            if !(tolerance.is_finite() && tolerance > 0.0) {
                return refuse("tolerance", "a finite value > 0".to_owned(), tolerance);
            }
            let settled_from = self.algorithm.settled_from();
            if settled_from > 0 && settled_from.saturating_add(1) >= iterations {
                let expected = format!(
                    "none: the noise level or the step changes in each of the {iterations} iterations, so there is no \
                     fixed point to converge to"
                );
                return refuse("tolerance", expected, tolerance);
            }
        }
        if let Some(rule) = &self.rules.discrepancy
            && (rule.threshold.is_nan() || rule.threshold <= 0.0)
        {
            let expected = "a value of the data fidelity > 0: data without noise are never fitted exactly".to_owned();
            return refuse("discrepancy", expected, rule.threshold);
        }
        match self.rules.budget_s {
            Some(budget) if budget.is_nan() || budget <= 0.0 => refuse("budget", "seconds > 0".to_owned(), budget),
            _ => Ok(()),
        }
    }

    fn data_value(&self, estimate: &Image) -> Result<Option<f64>, Error> {
        match &self.rules.discrepancy {
            Some(rule) => Ok(rule.fidelity.value(estimate.clone())?.first().copied()),
            None => Ok(None),
        }
    }

    fn stop(&self, row: &TraceRow, settled: bool, solver_time: Duration) -> Option<StopReason> {
        if settled
            && self
                .rules
                .tolerance
                .is_some_and(|tolerance| row.fixed_point_residual <= tolerance)
        {
            return Some(StopReason::Converged);
        }
        let threshold = self.rules.discrepancy.as_ref().map(|rule| rule.threshold);
        if threshold
            .zip(row.data_value)
            .is_some_and(|(threshold, value)| value <= threshold)
        {
            return Some(StopReason::Discrepancy);
        }
        self.rules
            .budget_s
            .filter(|&budget_s| solver_time.as_secs_f64() > budget_s)
            .map(|_| StopReason::Budget)
    }
}

/// The images of a batch, each `[1, C, H, W]`.
pub fn split_batch(batch: &Image) -> Vec<Image> {
    batch.clone().split(1, 0)
}

/// Root mean square of the start, which must be one finite image.
fn start_rms(x0: &Image) -> Result<f64, Error> {
    let dims = x0.dims();
    if dims[0] != 1 || dims.contains(&0) {
        let expected = "one image, [1, C, H, W]: a batch is run image by image".to_owned();
        let got = format!("{dims:?}");
        return Err(tweedie_imaging::Error::Shape {
            operation: "running a solver",
            expected,
            got,
        }
        .into());
    }
    let rms = (norms_sq(&[x0])?[0] / entries(x0)).sqrt();
    if rms.is_finite() {
        return Ok(rms);
    }
    let values = tweedie_imaging::vec_from_image(x0)?;
    let bad = |v: &&f32| !v.is_finite();
    let count = values.iter().filter(bad).count();
    let first = values.iter().position(|v| bad(&v)).unwrap_or(0);
    Err(tweedie_imaging::Error::NonFinite {
        what: "start of the solver".to_owned(),
        count,
        first,
    }
    .into())
}
