//! The restoration error against the noise level, the strength chosen by each rule.

use std::path::{Path, PathBuf};

use burn::tensor::Device;
use serde::{Deserialize, Serialize};
use toml::{Table, Value};
use tweedie_imaging::{Image, psnr, vec_from_image};
use tweedie_solver::study::Rule;

use super::manifest::{Images, denoiser, folder_of};
use super::points::{Chosen, Point};
use super::scenes;
use super::solvers::refuse_iterations;
use crate::checkpoint::Checkpoint;
use crate::error::{Context as _, bail};
use crate::events::{Progress, Unit};
use crate::inputs::Input;
use crate::measurement::Measurement;
use crate::solver::Solver;
use crate::solver_options::SolverOptions;
use crate::strength::{Grid, Strength};
use crate::sweep::Sweep;
use crate::task::Task;
use crate::task_options::TaskOptions;
use crate::{Events, Result};

/// The manifest of a study of the approximation error.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ApproximationStudy {
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
    /// Noise levels of the measurements in grey levels.
    pub noise: Levels,
    /// Seed of masks, samplings, noise and random solvers.
    #[serde(default)]
    pub seed: u64,
    /// Rules that see no truth; the oracle comes besides.
    #[serde(default = "blind_rules")]
    pub rules: Vec<Rule>,
    /// Strengths that are tried.
    #[serde(default)]
    pub grid: Grid,
    /// The solver of all restorations.
    pub algorithm: StudiedSolver,
}

fn blind_rules() -> Vec<Rule> {
    Rule::ALL.into_iter().filter(|rule| !rule.needs_truth()).collect()
}

/// Noise levels.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(untagged, expecting = "expected a list of noise levels, or { from, to, count }")]
pub enum Levels {
    /// Each of them.
    List(Vec<f64>),
    /// With a constant ratio.
    Range(Grid),
}

/// The solver of all restorations.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct StudiedSolver {
    /// As `--solver`.
    pub solver: String,
    /// As `--iterations`.
    pub iterations: Option<u32>,
    /// As `--tolerance`.
    pub tolerance: Option<f64>,
    /// As `-C solver.KEY`, without the strength.
    #[serde(default)]
    pub parameters: Table,
}

impl ApproximationStudy {
    /// The task at every noise level.
    fn tasks(&self, folder: &Path, events: &dyn Events) -> Result<Vec<Task>> {
        let levels = match &self.noise {
            Levels::List(levels) => levels.clone(),
            Levels::Range(range) => range.values().context("noise")?,
        };
        if levels.is_empty() || !levels.iter().all(|level| level.is_finite() && *level > 0.0) {
            bail!("noise: expected levels above 0, got {levels:?}");
        }
        if levels.windows(2).any(|pair| pair[0] >= pair[1]) {
            bail!("noise: expected increasing levels, got {levels:?}");
        }
        let degradation = self.task.located_in(folder).degradation(events).context("task")?;
        levels
            .into_iter()
            .map(|level| Ok(Task::new(degradation.clone(), level, self.seed)?))
            .collect()
    }

    /// The solver, whose strength the study sets.
    fn solver(&self) -> Result<Solver> {
        if self.rules.is_empty() {
            bail!("rules: expected at least one");
        }
        if self.rules.contains(&Rule::Oracle) {
            bail!("rules: expected rules that see no truth, got oracle, which comes besides");
        }
        if let Some(twice) = (1..self.rules.len()).find(|&i| self.rules[..i].contains(&self.rules[i])) {
            bail!("rules: expected each rule once, got {} twice", self.rules[twice]);
        }
        self.grid.values().context("grid")?;
        let StudiedSolver {
            solver,
            iterations,
            tolerance,
            parameters,
        } = &self.algorithm;
        let prepare = || {
            refuse_iterations(parameters)?;
            for key in ["strength", "grid"] {
                if parameters.contains_key(key) {
                    bail!("parameters.{key}: the study sets it, from the key grid of the manifest");
                }
            }
            let options = SolverOptions {
                strength: Some(Strength::Auto(Rule::Oracle)),
                iterations: *iterations,
                tolerance: *tolerance,
                ..SolverOptions::of(solver)
            };
            Solver::resolve(options, parameters.clone(), Some(self.seed))
        };
        prepare().context("algorithm")
    }
}

/// A study at work: [`Self::next`] gives its points one by one.
pub struct ApproximationRun {
    /// The study.
    pub study: ApproximationStudy,
    /// The denoiser.
    pub checkpoint: Checkpoint,
    /// The study's rules, the oracle last.
    pub rules: Vec<Rule>,
    tasks: Vec<Task>,
    solver: Solver,
    path: PathBuf,
    inputs: Vec<Input>,
    device: Device,
    /// Points that were measured.
    done: usize,
    /// The image of the last point.
    clean: Option<Image>,
}

impl ApproximationStudy {
    /// Checks the study and reads its files; `path` is that of its manifest, beside which files are looked up.
    ///
    /// # Errors
    /// Names the manifest and the key that is wrong.
    pub fn start(self, path: &Path, device: &Device, events: &dyn Events) -> Result<ApproximationRun> {
        let folder = folder_of(path);
        let prepare = || {
            let tasks = self.tasks(folder, events)?;
            let solver = self.solver()?;
            let inputs = scenes::inputs(&self.images, folder, events)?;
            let checkpoint = denoiser(folder, &self.checkpoint, self.denoiser.clone(), device, events)?;
            Ok::<_, crate::Error>((tasks, solver, inputs, checkpoint))
        };
        let (tasks, solver, inputs, checkpoint) = prepare().with_context(|| path.display().to_string())?;
        let rules = self.rules.iter().copied().chain([Rule::Oracle]).collect();
        events.begin(inputs.len() * tasks.len(), Unit::Levels);
        Ok(ApproximationRun {
            study: self,
            checkpoint,
            rules,
            tasks,
            solver,
            path: path.to_path_buf(),
            inputs,
            device: device.clone(),
            done: 0,
            clean: None,
        })
    }
}

impl ApproximationRun {
    /// The files that it reads.
    pub fn inputs(&self) -> Vec<PathBuf> {
        let mut inputs = vec![self.path.clone()];
        inputs.extend(self.inputs.iter().map(|input| input.path.clone()));
        inputs.extend(self.study.task.located_in(folder_of(&self.path)).files());
        inputs.extend(self.checkpoint.files());
        inputs
    }

    /// Measures the next point: all noise levels of an image, then the next image. `None` after the last one, and if the
    /// study was cancelled.
    ///
    /// # Errors
    /// Names the image and the noise level.
    pub fn next(&mut self, events: &dyn Events) -> Result<Option<Point>> {
        let levels = self.tasks.len();
        let Some(input) = self.inputs.get(self.done / levels) else {
            events.progress(Progress::End);
            return Ok(None);
        };
        let clean = match self.clean.take() {
            Some(clean) if !self.done.is_multiple_of(levels) => clean,
            _ => scenes::clean(&self.study.images, input, &self.device, events)?,
        };
        let point = self.point(&self.tasks[self.done % levels], input, &clean, events)?;
        self.clean = Some(clean);
        self.done += 1;
        events.progress(Progress::Done(1));
        Ok(point)
    }

    /// Restores an image at a noise level over the grid, and lets the rules choose; `None` if a signal ended it.
    fn point(&self, task: &Task, input: &Input, clean: &Image, events: &dyn Events) -> Result<Option<Point>> {
        let measurement = scenes::measurement(task, input, clean)?;
        let work = || {
            let strengths = self.study.grid.values()?;
            let prior = self.checkpoint.prior(measurement.operator.domain()[0])?;
            let mut swept = Sweep::run(
                &self.solver,
                &measurement,
                &prior,
                &strengths,
                self.rules.iter().any(|rule| rule.needs_probe()),
                events,
            )?;
            if swept.interrupted().is_some() {
                return Ok(None);
            }
            let observations = swept.observations(&measurement, prior.denoiser())?;
            let mut choices = Vec::with_capacity(self.rules.len());
            for &rule in &self.rules {
                let choice = observations.choose(rule, &swept.candidates)?;
                let index = choice.map(|choice| choice.index);
                choices.push(chosen(rule, index, &swept, &measurement)?);
            }
            let best = choices.last().and_then(|oracle| oracle.psnr_db);
            for choice in &mut choices {
                choice.loss_db = best.zip(choice.psnr_db).map(|(best, psnr)| best - psnr);
            }
            Ok(Some(Point {
                image: input.name.clone(),
                noise_grey_levels: task.noise_grey_levels,
                tried: swept.candidates.len(),
                choices,
            }))
        };
        let point: Result<Option<Point>> = work();
        point.with_context(|| format!("{}, noise {}", input.name, task.noise_grey_levels))
    }
}

fn chosen(rule: Rule, index: Option<usize>, swept: &Sweep, measurement: &Measurement) -> Result<Chosen> {
    let mut chosen = Chosen {
        rule,
        strength: None,
        at_edge: None,
        error_rms: None,
        psnr_db: None,
        loss_db: None,
    };
    if let (Some(index), Some(truth)) = (index, &measurement.truth) {
        let candidate = &swept.candidates[index];
        let error = vec_from_image(&(candidate.image.clone() - truth.clone()))?;
        let squares: f64 = error.iter().map(|&e| f64::from(e).powi(2)).sum();
        chosen.strength = Some(candidate.strength);
        chosen.at_edge = Some(index == 0 || index + 1 == swept.candidates.len());
        chosen.error_rms = Some((squares / error.len() as f64).sqrt());
        chosen.psnr_db = psnr(&candidate.image, truth)?.first().copied();
    }
    Ok(chosen)
}

/// Settings for the page.
pub(super) fn settings(manifest: &ApproximationStudy, denoiser: &Checkpoint) -> Vec<(String, String)> {
    let StudiedSolver {
        solver,
        iterations,
        tolerance,
        parameters,
    } = &manifest.algorithm;
    let mut settings = vec![
        ("task".to_owned(), manifest.task.task.name().to_owned()),
        ("seed".to_owned(), manifest.seed.to_string()),
        ("solver".to_owned(), solver.clone()),
    ];
    let mut add = |name: &str, value: Option<String>| settings.extend(value.map(|value| (name.to_owned(), value)));
    add("iterations", iterations.map(|n| n.to_string()));
    add("tolerance", tolerance.map(|t| t.to_string()));
    for (name, value) in parameters {
        add(name, Some(Value::to_string(value)));
    }
    let Grid { from, to, count } = manifest.grid;
    add("strengths", Some(format!("{count} from {from} to {to}")));
    add("checkpoint", Some(denoiser.origin()));
    add("sha256 of its weights", denoiser.info().weights_sha256.clone());
    settings
}
