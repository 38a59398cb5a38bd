//! One restoration with its scores.

use std::sync::Arc;

use indicatif::ProgressBar;
use toml::{Table, Value};
use tweedie_imaging::{Image, Sigma, SigmaSupport, psnr, ssim};
use tweedie_operators::{DataFidelity, L2, LinearOperator};
use tweedie_solver::{
    Discrepancy, Entry, Executor, Observer, ObserverError, Prior, Problem, RunInfo, StopReason, StopRules, TraceRow,
};

use crate::scores::Scores;
use crate::session::Session;
use crate::solver_options::{Auto, SolverOptions};
use crate::strength::{Search, Tried};
use crate::task::Task;

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

/// A solver with the options that do not depend on the image.
pub struct Solver {
    pub entry: Entry,
    pub options: SolverOptions,
    pub parameters: Table,
    pub search: Option<Search>,
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

#[cfg(test)]
mod tests {
    use super::*;

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
}
