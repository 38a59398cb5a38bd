//! Solver options, and one restoration with its scores.

use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;

use clap::Args;
use indicatif::ProgressBar;
use serde::Serialize;
use toml::{Table, Value};
use tweedie_imaging::{Image, Sigma, SigmaSupport, psnr, ssim};
use tweedie_operators::{DataFidelity, L2, LinearOperator};
use tweedie_solver::{
    Discrepancy, Entry, Executor, Observer, ObserverError, Prior, Problem, RunInfo, StopReason, StopRules, TraceRow,
    find,
};

use crate::session::Session;
use crate::strength::{Found, Search, Strength, Tried};
use crate::task::Task;
use crate::usage::usage;

/// The algorithm and its parameters.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Solver")]
pub struct SolverOptions {
    /// Algorithm: pnp-hqs, pnp-admm, red-gd, ...; --help-solver with a wrong name lists them all
    #[arg(long, value_name = "A", default_value = "pnp-hqs")]
    pub solver: String,
    /// Weight of the prior, or auto or auto:RULE: found for each image by discrepancy, quasi-optimality, balancing, l-curve, sure
    /// or (with --simulate, for comparison) oracle [default: the solver's own]
    #[arg(long, value_name = "L|auto[:RULE]")]
    pub strength: Option<Strength>,
    /// The denoiser's noise level in grey levels, or the first one of solvers that lower it, or auto: the solver's own
    #[arg(long, value_name = "S|auto", default_value = "auto")]
    pub sigma: Auto,
    /// Iterations [default: the solver's own]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub iterations: Option<u32>,
    /// Stop once the fixed-point residual (root mean square change, 1 = white) is at most T
    #[arg(long, value_name = "T")]
    pub tolerance: Option<f64>,
    /// Stop once the data are fitted to TAU times the noise (discrepancy principle, TAU >= 1)
    #[arg(long, value_name = "TAU")]
    pub discrepancy: Option<f64>,
    /// Stop after the iteration in which an image has taken this many seconds
    #[arg(long, value_name = "SECONDS")]
    pub budget: Option<f64>,
}

/// A number, or `auto`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Auto {
    /// The program chooses.
    Auto,
    /// The user chose.
    Given(f64),
}

impl FromStr for Auto {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.parse::<f64>() {
            Ok(value) if value.is_finite() => Ok(Self::Given(value)),
            _ if text == "auto" => Ok(Self::Auto),
            _ => Err("expected a number or auto".to_owned()),
        }
    }
}

/// A measurement to restore.
#[derive(Clone)]
pub struct Measurement {
    /// Name of the image.
    pub name: String,
    pub task: Task,
    pub operator: Arc<dyn LinearOperator>,
    pub y: Image,
    /// The clean image, where it is known: for scores alone.
    pub truth: Option<Image>,
}

/// What a restoration leaves.
pub struct Restored {
    pub image: Image,
    pub trace: Vec<TraceRow>,
    pub stop: StopReason,
    pub scores: Scores,
    /// What was tried to find the strength, with --strength auto.
    pub sweep: Vec<Tried>,
}

/// One result, as the JSON has it.
#[derive(Clone, Debug, Serialize)]
pub struct Scores {
    pub name: String,
    pub task: &'static str,
    pub solver: &'static str,
    pub psnr_db: Option<f64>,
    pub ssim: Option<f64>,
    /// PSNR of the first estimate: the measurement, or where that is no picture of the scene what the operator makes
    /// of it (filled holes, cubic interpolation, ...).
    pub psnr_input_db: Option<f64>,
    pub iterations: usize,
    pub stop: StopReason,
    /// Solver time.
    pub seconds: f64,
    pub denoiser_calls: u32,
    pub fixed_point_residual: Option<f64>,
    /// How the strength was found, with --strength auto.
    pub strength: Option<Found>,
}

/// A solver with the options that do not depend on the image.
pub struct Solver {
    pub entry: Entry,
    options: SolverOptions,
    parameters: Table,
    pub search: Option<Search>,
}

impl SolverOptions {
    /// The default options for a solver.
    pub fn of(solver: &str) -> Self {
        Self {
            solver: solver.to_owned(),
            strength: None,
            sigma: Auto::Auto,
            iterations: None,
            tolerance: None,
            discrepancy: None,
            budget: None,
        }
    }

    /// Finds the solver and collects its parameters; `settings` is the section `solver` of -C.
    pub fn resolve(&self, mut settings: Table, seed: Option<u64>) -> anyhow::Result<Solver> {
        let search = Search::resolve(self.strength, settings.remove("grid"))?;
        let entry = find(&self.solver).map_err(|error| usage(error.to_string()))?;
        let mut parameters = settings;
        let mut set = |key: &str, value: Value| match parameters.insert(key.to_owned(), value) {
            None => Ok(()),
            Some(_) => Err(usage(format!("--{key}: expected once, got -C solver.{key} too"))),
        };
        let has_strength = entry
            .about
            .parameters
            .iter()
            .any(|parameter| parameter.name == "strength");
        match self.strength {
            Some(_) if !has_strength => {
                return Err(usage(format!(
                    "--strength: solver '{}' has no strength",
                    entry.about.name
                )));
            }
            Some(Strength::Given(strength)) => set("strength", strength.into())?,
            // Set for each run of the search, and not by -C besides.
            Some(Strength::Auto(_)) => set("strength", 1.0.into())?,
            None => {}
        }
        if let Some(iterations) = self.iterations {
            set("iterations", i64::from(iterations).into())?;
        }
        let is_random = entry.about.parameters.iter().any(|parameter| parameter.name == "seed");
        if let (true, Some(seed)) = (is_random, seed) {
            set(
                "seed",
                i64::try_from(seed)
                    .map_err(|_| usage("--seed: expected at most 2^63 - 1"))?
                    .into(),
            )?;
        }
        if search.is_some() {
            parameters.remove("strength");
        }
        if let (Auto::Given(_), true) = (self.sigma, parameters.contains_key("sigma")) {
            return Err(usage("--sigma: expected once, got -C solver.sigma too"));
        }
        if self.discrepancy.is_some_and(|tau| !(tau.is_finite() && tau >= 1.0)) {
            return Err(usage("--discrepancy: expected a finite factor >= 1"));
        }
        Ok(Solver {
            entry,
            options: self.clone(),
            parameters,
            search,
        })
    }
}

impl Solver {
    /// Whether a seed changes its result.
    pub fn is_random(&self) -> bool {
        self.entry
            .about
            .parameters
            .iter()
            .any(|parameter| parameter.name == "seed")
    }

    /// Names and values of all that decides a run, for reports.
    pub fn described(&self) -> Vec<(String, String)> {
        let options = &self.options;
        let mut described: Vec<(String, String)> = Vec::new();
        for info in self.entry.parameters() {
            let given = self.parameters.get(info.parameter.name).map(Value::to_string);
            let by_option = match (info.parameter.name, options.sigma) {
                ("sigma", Auto::Given(level)) => Some(format!("{level} grey levels")),
                _ => None,
            };
            let by_search = match (info.parameter.name, self.search) {
                ("strength", Some(search)) => Some(search.to_string()),
                _ => None,
            };
            let value = by_option
                .or(by_search)
                .or(given)
                .or(info.default)
                .unwrap_or_else(|| "auto".to_owned());
            let unit = if info.parameter.unit.is_empty() {
                String::new()
            } else {
                format!(" ({})", info.parameter.unit)
            };
            described.push((format!("{}{unit}", info.parameter.name), value));
        }
        let rules = [
            ("tolerance", options.tolerance),
            ("discrepancy", options.discrepancy),
            ("budget (s)", options.budget),
        ];
        described.extend(
            rules
                .into_iter()
                .filter_map(|(name, value)| Some((name.to_owned(), value?.to_string()))),
        );
        described
    }

    /// Restores one measurement, at the strength that a rule finds if one is to be found.
    pub fn run(
        &self,
        session: &Session,
        measurement: &Measurement,
        prior: Prior,
        bar: &ProgressBar,
    ) -> anyhow::Result<Restored> {
        match self.search {
            Some(search) => search.run(self, session, measurement, prior, bar),
            None => self.attempt(session, measurement, prior, bar, Attempt::default()),
        }
    }

    /// Restores one measurement at one strength.
    pub fn attempt(
        &self,
        session: &Session,
        measurement: &Measurement,
        prior: Prior,
        bar: &ProgressBar,
        attempt: Attempt<'_>,
    ) -> anyhow::Result<Restored> {
        let Measurement {
            name,
            task,
            operator,
            y,
            truth,
        } = measurement;
        let start = task.start(operator.as_ref(), y.clone())?;
        let fidelity: Arc<dyn DataFidelity> = Arc::new(L2::new(Arc::clone(operator), y.clone())?);
        let mut parameters = self.parameters.clone();
        if let Some(strength) = attempt.strength {
            parameters.insert("strength".to_owned(), strength.into());
        }
        if let Auto::Given(levels) = self.options.sigma {
            let sigma = self.levels(
                Sigma::from_grey_levels(levels)?,
                task.noise,
                prior.denoiser().info().sigma,
            );
            parameters.insert("sigma".to_owned(), sigma);
        }
        let discrepancy = self.options.discrepancy.map(|tau| {
            let measured = measured_values(task, y.dims());
            Discrepancy::gaussian(Arc::clone(&fidelity), task.noise, tau, measured)
        });
        let problem = Problem {
            fidelity,
            prior,
            noise: task.noise,
        };
        let algorithm = self.entry.build(parameters, problem)?;
        let rules = StopRules {
            tolerance: self.options.tolerance,
            discrepancy,
            budget_s: self.options.budget,
            interrupt: Some(Arc::clone(&session.interrupt)),
            ..StopRules::default()
        };
        let mut watch = Watch { session, bar, name };
        let mut executor = Executor::new(algorithm.as_ref()).rules(rules).observe(&mut watch);
        if let Some(truth) = truth {
            executor = executor.truth(truth);
        }
        // Where a run goes on to a tolerance, and its map never changes, its end does not depend on its start.
        let is_free = self.options.tolerance.is_some() && algorithm.settled_from() == 0;
        let first_image = attempt.warm_start.filter(|_| is_free).unwrap_or(&start);
        let run = executor.run(first_image.clone())?;
        let score = |image: &Image| truth.as_ref().map(|truth| psnr(image, truth)).transpose();
        let first = |values: Option<Vec<f64>>| values.and_then(|values| values.first().copied());
        let last = run.trace.last();
        let scores = Scores {
            name: name.clone(),
            task: task.degradation.kind().name(),
            solver: self.entry.about.name,
            psnr_db: first(score(&run.image)?),
            ssim: first(truth.as_ref().map(|truth| ssim(&run.image, truth)).transpose()?),
            psnr_input_db: first(score(&start)?),
            iterations: run.trace.len(),
            stop: run.stop,
            seconds: last.map_or(0.0, |row| row.solver_s),
            denoiser_calls: last.map_or(0, |row| row.work.denoiser_calls),
            fixed_point_residual: last.map(|row| row.fixed_point_residual),
            strength: None,
        };
        Ok(Restored {
            image: run.image,
            trace: run.trace,
            stop: run.stop,
            scores,
            sweep: Vec::new(),
        })
    }

    /// `--sigma` for this solver: its level, or the first one where the solver lowers it to the noise level.
    fn levels(&self, first: Sigma, noise: Sigma, support: SigmaSupport) -> Value {
        if !matches!(self.entry.about.name, "pnp-hqs" | "diffpir") {
            return first.value().into();
        }
        // The end that these solvers choose by themselves: the noise level, at least one grey level.
        let end = noise.value().max(1.0 / 255.0);
        let end = match support {
            SigmaSupport::Blind => end,
            SigmaSupport::Range { min, max } => end.clamp(min.value(), max.value()),
        };
        let schedule = [
            ("from".to_owned(), first.value().into()),
            ("to".to_owned(), end.min(first.value()).into()),
        ];
        Value::Table(schedule.into_iter().collect())
    }
}

/// What one of several restorations of a measurement is given.
#[derive(Clone, Copy, Default)]
pub struct Attempt<'a> {
    /// In place of the solver's own.
    pub strength: Option<f64>,
    /// Where the run starts, if its end does not depend on that; else it starts as ever.
    pub warm_start: Option<&'a Image>,
}

/// How many numbers of y carry noise.
pub fn measured_values(task: &Task, dims: [usize; 4]) -> usize {
    use crate::degradation::Degradation;
    let [_, channels, rows, cols] = dims;
    let chosen = match &task.degradation {
        Degradation::Holes(pixels) | Degradation::Fourier(pixels) => pixels.values([rows, cols], task.seed).ok(),
        _ => None,
    };
    channels * chosen.map_or(rows * cols, |mask| mask.iter().filter(|&&value| value != 0.0).count())
}

/// Shows the iterations.
struct Watch<'a> {
    session: &'a Session,
    bar: &'a ProgressBar,
    name: &'a str,
}

impl Observer for Watch<'_> {
    fn on_start(&mut self, info: &RunInfo, _: &Image) -> Result<(), ObserverError> {
        self.bar.set_message(format!(
            "{}: {} iterations of {}",
            self.name, info.iterations, info.solver
        ));
        Ok(())
    }

    fn on_row(&mut self, row: &TraceRow, _: &Image) -> Result<(), ObserverError> {
        let psnr = row.psnr_db.map_or(String::new(), |psnr| format!(", {psnr:.2} dB"));
        let residual = row.fixed_point_residual;
        self.bar.set_message(format!(
            "{}: iteration {}, residual {residual:.1e}{psnr}",
            self.name, row.iter
        ));
        if self.session.verbose {
            let sigma = row.sigma;
            self.bar.suspend(|| {
                self.session.detail(format_args!(
                    "{} {}: sigma {sigma}, residual {residual:.3e}{psnr}",
                    self.name, row.iter
                ));
            });
        }
        Ok(())
    }
}

/// Writes a trace as CSV, atomically; a missing value is an empty cell.
pub fn write_trace(path: &Path, trace: &[TraceRow]) -> anyhow::Result<()> {
    use std::io::Write as _;
    tweedie_imaging::write_atomic(path, |file| {
        writeln!(
            file,
            "iteration,solver_s,sigma_grey_levels,fixed_point_residual,rel_change,objective,data_value,psnr_db,\
             denoiser_calls,inner_iterations"
        )?;
        let cell = |value: Option<f64>| value.map_or(String::new(), |value| value.to_string());
        for row in trace {
            writeln!(
                file,
                "{},{:.6},{},{},{},{},{},{},{},{}",
                row.iter,
                row.solver_s,
                row.sigma.grey_levels(),
                row.fixed_point_residual,
                cell(row.rel_change),
                cell(row.objective),
                cell(row.data_value),
                cell(row.psnr_db),
                row.work.denoiser_calls,
                row.work.inner_iterations
            )?;
        }
        Ok(())
    })?;
    Ok(())
}

/// A stop reason in words, as the JSON has it.
pub fn stop_text(stop: StopReason) -> &'static str {
    match stop {
        StopReason::MaxIters => "max-iters",
        StopReason::Converged => "converged",
        StopReason::Discrepancy => "discrepancy",
        StopReason::Budget => "budget",
        StopReason::Diverged => "diverged",
        StopReason::Interrupted => "interrupted",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_auto() {
        assert_eq!("auto".parse(), Ok(Auto::Auto));
        assert_eq!("2.5".parse(), Ok(Auto::Given(2.5)));
        assert!("nan".parse::<Auto>().is_err() && "x".parse::<Auto>().is_err());
    }

    #[test]
    fn the_first_level_of_a_falling_schedule_or_the_constant_one() {
        let level = |grey| Sigma::from_grey_levels(grey).unwrap();
        let support = SigmaSupport::Range {
            min: level(5.0),
            max: level(50.0),
        };
        let solver = |name| SolverOptions::of(name).resolve(Table::new(), None).unwrap();
        assert_eq!(
            solver("red-gd").levels(level(20.0), level(1.0), support),
            Value::Float(20.0 / 255.0)
        );
        let falling = solver("pnp-hqs").levels(level(49.0), level(1.0), support);
        assert_eq!(falling["from"], Value::Float(49.0 / 255.0));
        assert_eq!(
            falling["to"],
            Value::Float(5.0 / 255.0),
            "the end is moved into the denoiser's range"
        );
    }

    #[test]
    fn a_parameter_given_twice_is_refused() {
        let settings = || toml::from_str::<Table>("strength = 1.0\nsigma = 0.1").unwrap();
        let options = SolverOptions {
            strength: Some(Strength::Given(2.0)),
            ..SolverOptions::of("red-gd")
        };
        assert!(options.resolve(settings(), None).is_err());
        let options = SolverOptions {
            sigma: Auto::Given(2.0),
            ..SolverOptions::of("red-gd")
        };
        assert!(options.resolve(settings(), None).is_err());
        assert!(SolverOptions::of("red-gd").resolve(settings(), None).is_ok());
    }
}
