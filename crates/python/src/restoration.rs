//! Restoring and simulating measurements.

use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;

use pyo3::prelude::*;
use serde::Deserialize;
use serde_json::Value;
use tweedie::auto::Auto;
use tweedie::measurement::Measurement;
use tweedie::noise_level::grey_levels;
use tweedie::noise_option::NoiseOption;
use tweedie::picture::{self, Picture, UnknownNoise, Unknowns};
use tweedie::scores::stop_text;
use tweedie::solver::Solver;
use tweedie::solver_options::SolverOptions;
use tweedie::solvers::registry;
use tweedie::strength::Strength;
use tweedie::{Error, Sigma};

use crate::array::{Array, Input};
use crate::denoiser::{Denoiser, table};
use crate::job::{Row, row, run};
use crate::physics::{Physics, wrong_values};

/// What a restoration is told besides the measurement.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Options {
    /// What the picture is called.
    name: String,
    /// Standard deviation of the noise in [0, 1] units; absent: what suits the task.
    noise: Option<f64>,
    /// The noise is to be estimated.
    noise_auto: bool,
    /// `[C, H, W]` of the image, where the measurement does not tell it.
    domain: Option<[usize; 3]>,
    solver: String,
    /// A number, auto, or auto:RULE.
    strength: Option<String>,
    /// In [0, 1] units.
    sigma: Option<f64>,
    iterations: Option<u32>,
    tolerance: Option<f64>,
    discrepancy: Option<f64>,
    budget: Option<f64>,
    /// Of what is random in A.
    seed: u64,
    solver_seed: u64,
    /// The solver's own, as JSON.
    parameters: Value,
}

impl Options {
    /// The solver, its own parameters apart.
    fn solver(&self) -> tweedie::Result<SolverOptions> {
        let strength = self.strength.as_deref().map(str::parse::<Strength>).transpose();
        let sigma = match self.sigma {
            Some(level) => Auto::Given(grey_levels(Sigma::new(level)?)),
            None => Auto::Auto,
        };
        Ok(SolverOptions {
            strength: strength.map_err(|text| Error::Usage(format!("strength: {text}")))?,
            sigma,
            iterations: self.iterations,
            tolerance: self.tolerance,
            discrepancy: self.discrepancy,
            budget: self.budget,
            ..SolverOptions::of(&self.solver)
        })
    }
}

/// The image, the trace, why the run ended, the scores as JSON, the noise level that was used.
type Restored = (Array, Vec<Row>, &'static str, String, f64);

/// Restores a measurement `[1, C, H, W]`, scored against the truth where that is given; `options` are JSON.
#[pyfunction]
pub fn restore(
    py: Python<'_>,
    denoiser: &Denoiser,
    physics: &Physics,
    measured: (Input<'_>, Option<Input<'_>>),
    options: &str,
    tell: &Bound<'_, PyAny>,
    threads: NonZeroUsize,
) -> PyResult<Restored> {
    let options: Options = wrong_values(serde_json::from_str(options))?;
    let parameters = table(&options.parameters.to_string())?;
    let task = physics.task(options.noise.unwrap_or(0.0), options.seed)?;
    let unknowns = Unknowns {
        noise: match (options.noise, options.noise_auto) {
            (_, true) => UnknownNoise::Estimated(NoiseOption::Auto),
            (None, false) => UnknownNoise::Default,
            (Some(_), false) => UnknownNoise::Known,
        },
        kernel: physics.kernel_is_auto,
        mask_marks: false,
    };
    let checkpoint = Arc::clone(&denoiser.checkpoint);
    let (y, truth) = measured;
    let y = y.values()?;
    let truth = truth.map(|truth| truth.values()).transpose()?;
    run(py, threads, Some(tell), move |listener| {
        let seed = (!parameters.contains_key("seed")).then_some(options.solver_seed);
        let solver = Solver::resolve(options.solver()?, parameters, seed)?;
        let mut measurement = match options.domain {
            Some(domain) => Measurement {
                name: options.name.clone(),
                operator: task.operator(domain)?,
                task,
                y: y.image()?,
                truth: None,
            },
            None => {
                let picture = Picture {
                    path: Path::new(&options.name),
                    name: &options.name,
                    image: y.image()?,
                    alpha: None,
                    compression: None,
                };
                picture::measurement(&task, picture, &unknowns, listener)?
            }
        };
        let (expected, got) = (measurement.operator.codomain(), measurement.y.dims());
        if got[1..] != expected {
            return Err(Error::Usage(format!(
                "y: expected a measurement of {expected:?}, got {:?}",
                &got[1..]
            )));
        }
        let [channels, ..] = measurement.operator.domain();
        if let Some(truth) = truth {
            let [rows, cols] = measurement.operator.window().map(|range| range.len());
            let (expected, got) = ([1, channels, rows, cols], truth.dims());
            if got != expected {
                return Err(Error::Usage(format!(
                    "truth: expected an image of {expected:?}, got {got:?}"
                )));
            }
            measurement.truth = Some(truth.image()?);
        }
        checkpoint.note_channels(channels, listener);
        let restored = tweedie::restore(&solver, &measurement, checkpoint.prior(channels)?, listener)?;
        let scores = serde_json::to_string(&restored.scores)?;
        Ok((
            Array::of(&restored.image)?,
            restored.trace.iter().map(row).collect(),
            stop_text(restored.stop),
            scores,
            measurement.task.noise.value(),
        ))
    })
}

/// The measurement of a clean image, and the part of the image that it shows.
#[pyfunction]
pub fn simulate(
    py: Python<'_>,
    physics: &Physics,
    clean: Input<'_>,
    noise: f64,
    seed: u64,
    name: String,
    threads: NonZeroUsize,
) -> PyResult<(Array, Array)> {
    let task = physics.task(noise, seed)?;
    let clean = clean.values()?;
    run(py, threads, None, move |_| {
        let measurement = Measurement::simulate(name, task, clean.image()?)?;
        let truth = measurement.truth.as_ref();
        let truth = truth.ok_or_else(|| Error::Input("the simulation has no truth".to_owned()))?;
        Ok((Array::of(&measurement.y)?, Array::of(truth)?))
    })
}

/// Name and explanation of each solver.
#[pyfunction]
pub fn solvers() -> PyResult<Vec<(String, String)>> {
    let entries = registry();
    Ok(entries
        .iter()
        .map(|entry| (entry.about.name.to_owned(), entry.help()))
        .collect())
}
