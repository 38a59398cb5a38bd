//! Restoring and simulating measurements.

use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;

use pyo3::prelude::*;
use serde::Deserialize;
use serde_json::Value;
use tweedie::auto::Auto;
use tweedie::fidelity::Fidelity;
use tweedie::measured_noise::estimate_noise;
use tweedie::measurement::Measurement;
use tweedie::noise_level::grey_levels;
use tweedie::picture::{self, Picture, UnknownNoise, Unknowns};
use tweedie::scores::stop_text;
use tweedie::solver::Solver;
use tweedie::solver_options::SolverOptions;
use tweedie::solvers::registry;
use tweedie::strength::Strength;
use tweedie::{Error, Events as _, Sigma, Task};

use crate::array::{Array, Input};
use crate::denoiser::{Denoiser, table};
use crate::job::{Row, row, run};
use crate::noise::{Asked, Wanted};
use crate::physics::{Physics, wrong_values};

/// What a restoration is told besides the measurement.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Options {
    /// What the picture is called.
    name: String,
    /// `[C, H, W]` of the image, where the measurement does not tell it.
    domain: Option<[usize; 3]>,
    solver: String,
    /// The data term.
    fidelity: String,
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
        let fidelity = self.fidelity.parse::<Fidelity>();
        let sigma = match self.sigma {
            Some(level) => Auto::Given(grey_levels(Sigma::new(level)?)),
            None => Auto::Auto,
        };
        Ok(SolverOptions {
            strength: strength.map_err(|text| Error::Usage(format!("strength: {text}")))?,
            sigma,
            fidelity: Some(fidelity.map_err(|text| Error::Usage(format!("fidelity: {text}")))?),
            iterations: self.iterations,
            tolerance: self.tolerance,
            discrepancy: self.discrepancy,
            budget: self.budget,
            ..SolverOptions::of(&self.solver)
        })
    }
}

/// A measurement, the truth where it is known, and its noise where something is said of it.
type Measured<'py> = (Input<'py>, Option<Input<'py>>, Option<Asked<'py>>);

/// The image, the trace, why the run ended, the scores as JSON.
type Restored = (Array, Vec<Row>, &'static str, String);

/// Restores a measurement `[1, C, H, W]`, scored against the truth where that is given; `options` are JSON.
#[pyfunction]
pub fn restore(
    py: Python<'_>,
    denoiser: &Denoiser,
    physics: &Physics,
    measured: Measured<'_>,
    options: &str,
    tell: &Bound<'_, PyAny>,
    threads: NonZeroUsize,
) -> PyResult<Restored> {
    let options: Options = wrong_values(serde_json::from_str(options))?;
    let parameters = table(&options.parameters.to_string())?;
    let (degradation, kernel) = (physics.degradation.clone(), physics.kernel_is_auto);
    let checkpoint = Arc::clone(&denoiser.checkpoint);
    let (y, truth, noise) = measured;
    let y = y.values()?;
    let truth = truth.map(|truth| truth.values()).transpose()?;
    let noise = noise.map_or(Ok(Wanted::Default), Asked::wanted)?;
    run(py, threads, Some(tell), move |listener| {
        let seed = (!parameters.contains_key("seed")).then_some(options.solver_seed);
        let solver = Solver::resolve(options.solver()?, parameters, seed)?;
        let y = y.image()?;
        let (mut task, unknown) = match noise.resolve()? {
            Ok(noise) => (Task::with_noise(degradation, noise, options.seed)?, UnknownNoise::Known),
            Err(unknown) => (Task::new(degradation, 0.0, options.seed)?, unknown),
        };
        let mut measurement = match options.domain {
            Some(domain) => {
                if let UnknownNoise::Estimated(option) = &unknown {
                    let noise = estimate_noise(option, &task, &y, None)?;
                    listener.note(&format!("{}: {}", options.name, noise.line()));
                    task = Task::with_noise(task.degradation, noise, task.seed)?;
                }
                Measurement {
                    name: options.name.clone(),
                    operator: task.operator(domain)?,
                    task,
                    y,
                    truth: None,
                }
            }
            None => {
                let picture = Picture {
                    path: Path::new(&options.name),
                    name: &options.name,
                    image: y,
                    alpha: None,
                    compression: None,
                };
                let unknowns = Unknowns {
                    noise: unknown,
                    kernel,
                    mask_marks: false,
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
        ))
    })
}

/// The measurement of a clean image, and the part of the image that it shows.
#[pyfunction]
pub fn simulate(
    py: Python<'_>,
    physics: &Physics,
    clean: Input<'_>,
    noise: Asked<'_>,
    seed: u64,
    name: String,
    threads: NonZeroUsize,
) -> PyResult<(Array, Array)> {
    let (degradation, noise) = (physics.degradation.clone(), noise.wanted()?);
    let clean = clean.values()?;
    run(py, threads, None, move |_| {
        let Ok(noise) = noise.resolve()? else {
            return Err(Error::Usage("noise: expected noise to simulate, got none".to_owned()));
        };
        let task = Task::with_noise(degradation, noise, seed)?;
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
