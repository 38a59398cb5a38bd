//! A solver with its options, and one run of it.

use std::sync::Arc;

use toml::{Table, Value};
use tweedie_imaging::{Image, Sigma, psnr, ssim};
use tweedie_solver::{
    Discrepancy, Entry, Executor, Observer, ObserverError, Prior, Problem, RunInfo, StopRules, TraceRow, find,
};

use crate::auto::Auto;
use crate::error::usage;
use crate::events::Progress;
use crate::fidelity::Fidelity;
use crate::measurement::Measurement;
use crate::noise_level::{NoiseUsed, grey_levels};
use crate::scores::{Restored, Scores};
use crate::solver_options::SolverOptions;
use crate::strength::{Search, Strength};
use crate::{Events, Result};

/// A solver with the options that do not depend on the image.
pub struct Solver {
    /// The solver.
    pub entry: Entry,
    /// As they were given.
    pub options: SolverOptions,
    /// Its parameters by name, where they are not the defaults.
    pub parameters: Table,
    /// How the strength is found, if a rule is to find it.
    pub search: Option<Search>,
}

impl Solver {
    /// Finds the solver and collects its parameters; `settings` are further parameters by name, `seed` is for
    /// solvers that draw numbers.
    ///
    /// # Errors
    /// A usage error for an unknown solver, and for options that it does not take or that are given twice.
    pub fn resolve(options: SolverOptions, mut settings: Table, seed: Option<u64>) -> Result<Self> {
        let entry = find(&options.solver).map_err(|error| usage(error.to_string()))?;
        let parameters = entry.parameters();
        let own = parameters.iter().find(|info| info.parameter.name == "strength");
        let own: Option<f64> = own.and_then(|info| info.default.as_ref()?.parse().ok());
        let search = Search::resolve(options.strength, settings.remove("grid"), own)?;
        let mut parameters = settings;
        let is_given_twice = parameters.contains_key("strength");
        let mut set = |key: &str, value: Value| match parameters.insert(key.to_owned(), value) {
            None => Ok(()),
            Some(_) => Err(usage(format!("--{key}: expected once, got -C solver.{key} too"))),
        };
        let has_strength = entry
            .about
            .parameters
            .iter()
            .any(|parameter| parameter.name == "strength");
        match options.strength {
            Some(_) if !has_strength => {
                return Err(usage(format!(
                    "--strength: solver '{}' has no strength",
                    entry.about.name
                )));
            }
            Some(Strength::Given(strength)) => set("strength", strength.into())?,
            Some(Strength::Auto(_)) if is_given_twice => {
                return Err(usage("--strength: expected once, got -C solver.strength too"));
            }
            Some(Strength::Auto(_)) => {}
            None => {}
        }
        if let Some(iterations) = options.iterations {
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
        if let (Auto::Given(_), true) = (options.sigma, parameters.contains_key("sigma")) {
            return Err(usage("--sigma: expected once, got -C solver.sigma too"));
        }
        if options.discrepancy.is_some() && options.fidelity.is_some_and(|fidelity| fidelity != Fidelity::L2) {
            return Err(usage("--discrepancy: it is for --fidelity l2"));
        }
        if options.discrepancy.is_some_and(|tau| !(tau.is_finite() && tau >= 1.0)) {
            return Err(usage("--discrepancy: expected a finite factor >= 1"));
        }
        Ok(Self {
            entry,
            options,
            parameters,
            search,
        })
    }

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

    /// Restores one measurement at one strength. The image is all of x, also beyond the window that is wanted.
    pub fn attempt(
        &self,
        measurement: &Measurement,
        prior: Prior,
        attempt: Attempt<'_>,
        events: &dyn Events,
    ) -> Result<Restored> {
        let Measurement {
            name,
            task,
            operator,
            y,
            truth,
            ..
        } = measurement;
        if self.options.discrepancy.is_some() && task.noise.value() == 0.0 {
            return Err(usage(
                "--discrepancy: expected data with noise (--noise above 0): data without noise are never fitted exactly",
            ));
        }
        let start = task.start(operator.as_ref(), y.clone())?;
        let weighted = measurement.whitened()?;
        let noise = weighted.level;
        let fidelity = self
            .options
            .fidelity
            .unwrap_or_default()
            .build(measurement, &weighted)?;
        let mut parameters = self.parameters.clone();
        if let Some(strength) = attempt.strength {
            parameters.insert("strength".to_owned(), strength.into());
        }
        if let Auto::Given(levels) = self.options.sigma {
            let support = prior.denoiser().info().sigma;
            let about = self.entry.about;
            let schedule = about.schedule(Sigma::from_grey_levels(levels)?, noise, support);
            parameters.insert("sigma".to_owned(), schedule.into());
        }
        let discrepancy = self.options.discrepancy.map(|tau| {
            let measured = measurement.measured_values();
            Discrepancy::gaussian(Arc::clone(&fidelity), noise, tau, measured)
        });
        let problem = Problem { fidelity, prior, noise };
        let algorithm = self.entry.build(parameters, problem)?;
        let rules = StopRules {
            tolerance: self.options.tolerance,
            discrepancy,
            budget_s: self.options.budget,
            interrupt: events.cancel_flag(),
            ..StopRules::default()
        };
        let mut watch = Watch { events, name };
        let mut executor = Executor::new(algorithm.as_ref()).rules(rules).observe(&mut watch);
        if let Some(truth) = truth {
            executor = executor.truth(truth).window(operator.window());
        }
        // Where a run goes on to a tolerance, and its map never changes, its end does not depend on its start.
        let is_free = self.options.tolerance.is_some() && algorithm.settled_from() == 0;
        let first_image = attempt.warm_start.filter(|_| is_free).unwrap_or(&start);
        let run = executor.run(first_image.clone())?;
        let shown = measurement.in_window(run.image.clone());
        let score = |image: &Image| truth.as_ref().map(|truth| psnr(image, truth)).transpose();
        let first = |values: Option<Vec<f64>>| values.and_then(|values| values.first().copied());
        let last = run.trace.last();
        let scores = Scores {
            name: name.clone(),
            task: task.degradation.kind().name().into(),
            solver: self.entry.about.name.into(),
            psnr_db: first(score(&shown)?),
            ssim: first(truth.as_ref().map(|truth| ssim(&shown, truth)).transpose()?),
            psnr_input_db: first(score(&measurement.in_window(start))?),
            iterations: run.trace.len(),
            stop: run.stop,
            seconds: last.map_or(0.0, |row| row.solver_s),
            denoiser_calls: last.map_or(0, |row| row.work.denoiser_calls),
            fixed_point_residual: last.map(|row| row.fixed_point_residual),
            strength: None,
            warnings: Vec::new(),
            noise: NoiseUsed {
                level_grey_levels: if task.noise_model.model.is_varying() {
                    grey_levels(noise)
                } else {
                    task.noise_grey_levels
                },
                ..task.noise_model.used.clone()
            },
            fidelity: self.options.fidelity.unwrap_or_default(),
        };
        Ok(Restored {
            image: run.image,
            trace: run.trace,
            stop: run.stop,
            scores,
            sweep: Vec::new(),
        })
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

/// Passes the iterations on.
struct Watch<'a> {
    events: &'a dyn Events,
    name: &'a str,
}

impl Observer for Watch<'_> {
    fn on_start(&mut self, info: &RunInfo, _: &Image) -> Result<(), ObserverError> {
        let text = format!("{}: {} iterations of {}", self.name, info.iterations, info.solver);
        self.events.progress(Progress::At(&text));
        Ok(())
    }

    fn on_row(&mut self, row: &TraceRow, _: &Image) -> Result<(), ObserverError> {
        self.events.iteration(self.name, row);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_given_twice_is_refused() {
        let settings = || toml::from_str::<Table>("strength = 1.0\nsigma = 0.1").unwrap();
        let options = SolverOptions {
            strength: Some(Strength::Given(2.0)),
            ..SolverOptions::of("red-gd")
        };
        assert!(Solver::resolve(options, settings(), None).is_err());
        let options = SolverOptions {
            sigma: Auto::Given(2.0),
            ..SolverOptions::of("red-gd")
        };
        assert!(Solver::resolve(options, settings(), None).is_err());
        assert!(Solver::resolve(SolverOptions::of("red-gd"), settings(), None).is_ok());
    }
}
