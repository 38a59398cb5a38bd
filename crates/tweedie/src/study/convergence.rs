//! Solvers against their own limits: rates, fitted and known.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use burn::tensor::Device;
use serde::{Deserialize, Serialize};
use toml::Table;
use tweedie_imaging::Image;
use tweedie_operators::L2;
use tweedie_solver::study::{Convergence, RateFit, RateModel, measure_convergence};
use tweedie_solver::{Algorithm, Entry, Problem};

use super::manifest::{Images, denoiser, folder_of};
use super::scenes;
use super::solvers::{SolverSection, parameters_text, resolved};
use super::studied::Studied;
use crate::checkpoint::{Checkpoint, Kind};
use crate::degradation::TaskKind;
use crate::error::{Context as _, bail};
use crate::events::{Progress, Unit};
use crate::inputs::Input;
use crate::measurement::Measurement;
use crate::task::Task;
use crate::task_options::TaskOptions;
use crate::{Events, Result};

/// The manifest of a study of convergence.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ConvergenceStudy {
    /// As `--checkpoint`.
    pub checkpoint: String,
    /// As `-C denoiser.KEY`.
    #[serde(default)]
    pub denoiser: Table,
    /// The images.
    #[serde(default)]
    pub images: Images,
    /// The task.
    pub task: TaskOptions,
    /// Noise level of the measurements in grey levels.
    pub noise: f64,
    /// Seed of masks, samplings and noise.
    #[serde(default)]
    pub seed: u64,
    /// Iterations that are measured.
    pub iterations: u32,
    /// Iterations of the run to the limit; four times as many if it is absent.
    pub limit_iterations: Option<u32>,
    /// By what the start image is multiplied: far from the limit, more of a curve is above rounding.
    #[serde(default = "one")]
    pub start_scale: f64,
    /// The solvers that are compared.
    #[serde(rename = "algorithm")]
    pub solvers: Vec<SolverSection>,
}

fn one() -> f64 {
    1.0
}

/// A solver of the manifest.
struct Candidate {
    section: SolverSection,
    entry: Entry,
    iterations: u32,
    /// With the iterations of the run to the limit.
    parameters: Table,
}

/// A study at work: [`Self::next`] gives its results one by one.
pub struct ConvergenceRun {
    /// The study.
    pub study: ConvergenceStudy,
    /// The denoiser.
    pub checkpoint: Checkpoint,
    /// The task of all images.
    pub task: Task,
    candidates: Vec<Candidate>,
    path: PathBuf,
    inputs: Vec<Input>,
    device: Device,
    /// Runs that were measured.
    done: usize,
    scene: Option<Scene>,
}

/// The image of the last result.
struct Scene {
    measurement: Measurement,
    x0: Image,
    solvers: Vec<Box<dyn Algorithm>>,
}

impl ConvergenceStudy {
    /// Checks the study and reads its files; `path` is that of its manifest, beside which files are looked up.
    ///
    /// # Errors
    /// Names the manifest and the key that is wrong.
    pub fn start(self, path: &Path, device: &Device, events: &dyn Events) -> Result<ConvergenceRun> {
        let prepare = || {
            let candidates = candidates(&self)?;
            let folder = folder_of(path);
            let inputs = scenes::inputs(&self.images, folder, events)?;
            let degradation = self.task.located_in(folder).degradation(events).context("task")?;
            let task = Task::new(degradation, self.noise, self.seed).context("noise")?;
            let checkpoint = denoiser(folder, &self.checkpoint, self.denoiser.clone(), device, events)?;
            Ok::<_, crate::Error>((candidates, inputs, task, checkpoint))
        };
        let (candidates, inputs, task, checkpoint) = prepare().with_context(|| path.display().to_string())?;
        events.begin(inputs.len() * candidates.len(), Unit::Runs);
        Ok(ConvergenceRun {
            study: self,
            checkpoint,
            task,
            candidates,
            path: path.to_path_buf(),
            inputs,
            device: device.clone(),
            done: 0,
            scene: None,
        })
    }
}

impl ConvergenceRun {
    /// The files that it reads.
    pub fn inputs(&self) -> Vec<PathBuf> {
        let mut inputs = vec![self.path.clone()];
        inputs.extend(self.inputs.iter().map(|input| input.path.clone()));
        inputs.extend(self.study.task.located_in(folder_of(&self.path)).files());
        inputs.extend(self.checkpoint.files());
        inputs
    }

    /// Measures the next solver: all solvers on an image, then the next image. `None` after the last one, and if the
    /// study was cancelled.
    ///
    /// # Errors
    /// Names the image and the solver.
    pub fn next(&mut self, events: &dyn Events) -> Result<Option<Studied>> {
        let count = self.candidates.len();
        let Some(input) = self.inputs.get(self.done / count) else {
            events.progress(Progress::End);
            return Ok(None);
        };
        let scene = match self.scene.take() {
            Some(scene) if !self.done.is_multiple_of(count) => scene,
            _ => self.scene(input, events)?,
        };
        let index = self.done % count;
        let (candidate, algorithm) = (&self.candidates[index], scene.solvers[index].as_ref());
        let label = candidate.section.label();
        events.progress(Progress::At(&format!("{}: {label}", input.name)));
        let affine = matches!(self.checkpoint.kind, Kind::Linear(_));
        let cancel = events.cancel_flag().unwrap_or_default();
        let study = measure_convergence(algorithm, &scene.x0, candidate.iterations, affine, &cancel);
        let Some(study) = study.with_context(|| format!("{}, {label}", input.name))? else {
            return Ok(None);
        };
        let studied = studied(&scene.measurement, candidate, algorithm, study)?;
        if studied.settled_from >= candidate.iterations {
            events.note(&format!(
                "{label}: its level or step changes in all measured iterations, so that they approach no fixed point; \
                 parameters.sigma sets a constant level"
            ));
        }
        self.scene = Some(scene);
        self.done += 1;
        events.progress(Progress::Done(1));
        Ok(Some(studied))
    }

    fn scene(&self, input: &Input, events: &dyn Events) -> Result<Scene> {
        let clean = scenes::clean(&self.study.images, input, &self.device, events)?;
        let measurement = scenes::measurement(&self.task, input, &clean)?;
        let start = self.task.start(measurement.operator.as_ref(), measurement.y.clone())?;
        // All of them first, so that a wrong parameter shows before the first long run.
        let solvers = self
            .candidates
            .iter()
            .map(|candidate| build(candidate, &measurement, &self.checkpoint))
            .collect::<Result<_>>()?;
        Ok(Scene {
            measurement,
            x0: start * self.study.start_scale,
            solvers,
        })
    }
}

fn candidates(manifest: &ConvergenceStudy) -> Result<Vec<Candidate>> {
    if manifest.solvers.is_empty() {
        bail!("algorithm: expected at least one");
    }
    if !(manifest.start_scale.is_finite() && manifest.start_scale > 0.0) {
        bail!(
            "start_scale: expected a finite number > 0, got {}",
            manifest.start_scale
        );
    }
    if manifest.task.task == TaskKind::Denoise && manifest.noise == 0.0 {
        bail!("noise: expected a level above 0 for the task denoise");
    }
    let mut labels = HashSet::new();
    let candidate = |section: &SolverSection| {
        let entry = section.entry()?;
        let iterations = section.iterations.unwrap_or(manifest.iterations);
        let default = iterations.saturating_mul(4);
        let limit = section
            .limit_iterations
            .or(manifest.limit_iterations)
            .unwrap_or(default);
        if iterations < 1 || iterations > limit / 2 {
            bail!(
                "iterations: expected 1 to half of the {limit} of the run to the limit (limit_iterations), got {iterations}"
            );
        }
        let mut parameters = section.parameters.clone();
        parameters.insert("iterations".to_owned(), i64::from(limit).into());
        Ok((entry, iterations, parameters))
    };
    let sections = manifest.solvers.iter().map(|section| {
        let label = section.label();
        if !labels.insert(label) {
            bail!("algorithm '{label}': expected different labels, got it twice");
        }
        let (entry, iterations, parameters) = candidate(section).with_context(|| format!("algorithm '{label}'"))?;
        Ok(Candidate {
            section: section.clone(),
            entry,
            iterations,
            parameters,
        })
    });
    sections.collect()
}

fn build(candidate: &Candidate, measurement: &Measurement, denoiser: &Checkpoint) -> Result<Box<dyn Algorithm>> {
    let problem = Problem {
        fidelity: Arc::new(L2::new(Arc::clone(&measurement.operator), measurement.y.clone())?),
        prior: denoiser.prior(measurement.operator.domain()[0])?,
        noise: measurement.task.noise,
    };
    let built = candidate.entry.build(candidate.parameters.clone(), problem);
    built.with_context(|| format!("algorithm '{}'", candidate.section.label()))
}

fn studied(
    measurement: &Measurement,
    candidate: &Candidate,
    algorithm: &dyn Algorithm,
    study: Convergence,
) -> Result<Studied> {
    let known = study.theory.map(|theory| theory.factor);
    let deviation = |fit: Option<RateFit>| match (fit.map(|fit| fit.linear.model), known) {
        (Some(RateModel::Linear { factor }), Some(known)) if known < 1.0 => Some(factor.ln() / known.ln() - 1.0),
        _ => None,
    };
    Ok(Studied {
        image: measurement.name.clone(),
        algorithm: candidate.section.label().to_owned(),
        solver: candidate.entry.about.name,
        parameters: resolved(&candidate.entry, &candidate.parameters)?,
        iterations: study.rows.len(),
        settled_from: algorithm.settled_from(),
        limit: study.limit,
        residual: study.residual,
        objective_gap: study.objective_gap,
        distance: study.distance,
        theory: study.theory,
        residual_deviation: deviation(study.residual),
        distance_deviation: deviation(study.distance),
        last: study.rows.last().copied(),
        rows: study.rows,
        size: measurement.operator.domain(),
    })
}

/// Settings for the page.
pub(super) fn settings(manifest: &ConvergenceStudy, denoiser: &Checkpoint) -> Vec<(String, String)> {
    let mut settings = vec![
        ("task".to_owned(), manifest.task.task.name().to_owned()),
        ("noise (grey levels)".to_owned(), manifest.noise.to_string()),
        ("seed".to_owned(), manifest.seed.to_string()),
        ("start is multiplied by".to_owned(), manifest.start_scale.to_string()),
        ("checkpoint".to_owned(), denoiser.origin()),
    ];
    if let Some(sha256) = &denoiser.info().weights_sha256 {
        settings.push(("sha256 of its weights".to_owned(), sha256.clone()));
    }
    let given = |section: &SolverSection| {
        let name = format!("{} ({})", section.label(), section.solver);
        (name, parameters_text(&section.parameters))
    };
    settings.extend(manifest.solvers.iter().map(given));
    settings
}
