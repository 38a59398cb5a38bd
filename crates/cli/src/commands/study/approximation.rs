//! `tweedie study approximation`

use std::io::Write as _;
use std::path::Path;

use anyhow::{Context as _, bail};
use indicatif::ProgressBar;
use serde::{Deserialize, Serialize};
use toml::{Table, Value};
use tweedie_imaging::{Image, psnr, vec_from_image, write_atomic};
use tweedie_solver::study::{Rule, logarithmic_grid};

use super::algorithm::refuse_iterations;
use super::manifest::{Images, TaskSection, denoiser, folder_of, read};
use super::rules::{OfRule, of_rules};
use super::{Files, approximation_page, csv, scenes};
use crate::checkpoint::Loaded;
use crate::inputs::Input;
use crate::session::{Results, Session};
use crate::solve::{Measurement, Solver};
use crate::solver_options::SolverOptions;
use crate::strength::{Grid, Strength, Sweep};
use crate::task::Task;
use crate::{Outcome, output, progress};

/// The manifest.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// As `--checkpoint`.
    pub checkpoint: String,
    /// As `-C denoiser.KEY`.
    #[serde(default)]
    pub denoiser: Table,
    #[serde(default)]
    pub images: Images,
    pub task: TaskSection,
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
    pub algorithm: AlgorithmSection,
}

fn blind_rules() -> Vec<Rule> {
    Rule::ALL.into_iter().filter(|rule| !rule.needs_truth()).collect()
}

/// Noise levels.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(untagged, expecting = "expected a list of noise levels, or { from, to, count }")]
pub enum Levels {
    List(Vec<f64>),
    /// With a constant ratio.
    Range(Grid),
}

/// The algorithm of all restorations.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct AlgorithmSection {
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

/// An image at a noise level, as the JSON has it.
#[derive(Clone, Debug, Serialize)]
pub struct Point {
    pub image: String,
    pub noise_grey_levels: f64,
    /// Strengths that were tried and did not diverge.
    pub tried: usize,
    /// What each rule chose, the oracle last.
    pub choices: Vec<Chosen>,
}

/// What a rule chose.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Chosen {
    pub rule: Rule,
    /// Null where the rule finds none in the grid; then the others are null too.
    pub strength: Option<f64>,
    /// Whether it is the first or last of the grid.
    pub at_edge: Option<bool>,
    /// ||x_delta - x|| / sqrt(n), in image units.
    pub error_rms: Option<f64>,
    pub psnr_db: Option<f64>,
    /// PSNR of the oracle's choice minus this one.
    pub loss_db: Option<f64>,
}

pub fn run(files: &Files) -> anyhow::Result<Outcome> {
    let session = Session::start("study approximation", &files.common)?;
    session.run(|results| work(&session, files, results))
}

fn work(session: &Session, files: &Files, results: &mut Results<'_, Point>) -> anyhow::Result<Outcome> {
    let manifest: Manifest = read(session, &files.manifest, &files.common.settings)?;
    let folder = folder_of(&files.manifest);
    let prepare = || {
        let tasks = manifest.tasks(session, folder)?;
        let solver = manifest.solver()?;
        let inputs = scenes::inputs(&manifest.images, folder)?;
        let denoiser = denoiser(session, folder, &manifest.checkpoint, manifest.denoiser.clone())?;
        Ok::<_, anyhow::Error>((tasks, solver, inputs, denoiser))
    };
    let (tasks, solver, inputs, denoiser) = prepare().with_context(|| files.manifest.display().to_string())?;
    output::folder(&files.out)?;
    session.also_json(&files.out.join("results.json"));
    session.fact("manifest", &manifest)?;
    let bar = progress::bar(
        session,
        (inputs.len() * tasks.len()) as u64,
        "{bar:30} {pos}/{len} levels {wide_msg} ETA {eta}",
    );
    let rules: Vec<Rule> = manifest.rules.iter().copied().chain([Rule::Oracle]).collect();
    let mut outcome = Outcome::Done;
    bar.suspend(|| say_head(session, &rules));
    'images: for input in &inputs {
        let clean = scenes::clean(session, &manifest.images, input)?;
        for task in &tasks {
            let study = Studying {
                session,
                solver: &solver,
                denoiser: &denoiser,
                rules: &rules,
                grid: manifest.grid,
                bar: &bar,
            };
            let Some(point) = study.point(task, input, &clean)? else {
                outcome = Outcome::Interrupted;
                break 'images;
            };
            bar.suspend(|| say_point(session, &point));
            bar.inc(1);
            results.push(point)?;
            write_points(&files.out.join("results.csv"), results.items())?;
        }
    }
    bar.finish_and_clear();
    if results.items().is_empty() {
        return Ok(outcome);
    }
    let fits = of_rules(results.items(), &rules);
    session.fact("rules", &fits)?;
    say_rules(session, &fits);
    let page = files.out.join("report.html");
    approximation_page::write(session, &page, &manifest, &denoiser, results.items(), &fits)?;
    session.say(format_args!("\nreport: {}", page.display()));
    Ok(outcome)
}

impl Manifest {
    /// The task at every noise level.
    fn tasks(&self, session: &Session, folder: &Path) -> anyhow::Result<Vec<Task>> {
        let levels = match &self.noise {
            Levels::List(levels) => levels.clone(),
            Levels::Range(Grid { from, to, count }) => logarithmic_grid(*from, *to, *count).context("noise")?,
        };
        if levels.is_empty() || !levels.iter().all(|level| level.is_finite() && *level > 0.0) {
            bail!("noise: expected levels above 0, got {levels:?}");
        }
        if levels.windows(2).any(|pair| pair[0] >= pair[1]) {
            bail!("noise: expected increasing levels, got {levels:?}");
        }
        let degradation = self.task.degradation(session, folder).context("task")?;
        levels
            .into_iter()
            .map(|level| Ok(Task::new(degradation.clone(), level, self.seed)?))
            .collect()
    }

    /// The solver, whose strength the study sets.
    fn solver(&self) -> anyhow::Result<Solver> {
        if self.rules.is_empty() {
            bail!("rules: expected at least one");
        }
        if self.rules.contains(&Rule::Oracle) {
            bail!("rules: expected rules that see no truth, got oracle, which comes besides");
        }
        if let Some(twice) = (1..self.rules.len()).find(|&i| self.rules[..i].contains(&self.rules[i])) {
            bail!("rules: expected each rule once, got {} twice", self.rules[twice]);
        }
        logarithmic_grid(self.grid.from, self.grid.to, self.grid.count).context("grid")?;
        let AlgorithmSection {
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
            options.resolve(parameters.clone(), Some(self.seed))
        };
        prepare().context("algorithm")
    }
}

/// What is at hand at every noise level.
struct Studying<'a> {
    session: &'a Session,
    solver: &'a Solver,
    denoiser: &'a Loaded,
    rules: &'a [Rule],
    grid: Grid,
    bar: &'a ProgressBar,
}

impl Studying<'_> {
    /// Restores an image at a noise level over the grid, and lets the rules choose; `None` if a signal ended it.
    fn point(&self, task: &Task, input: &Input, clean: &Image) -> anyhow::Result<Option<Point>> {
        let measurement = scenes::measurement(task, input, clean)?;
        let work = || {
            let strengths = logarithmic_grid(self.grid.from, self.grid.to, self.grid.count)?;
            let prior = self.denoiser.prior(measurement.operator.domain()[0])?;
            let mut swept = Sweep::run(
                self.solver,
                self.session,
                &measurement,
                &prior,
                self.bar,
                &strengths,
                self.rules.iter().any(|rule| rule.needs_probe()),
            )?;
            if swept.interrupted().is_some() {
                return Ok(None);
            }
            let observations = swept.observations(&measurement, prior.denoiser())?;
            let mut choices = Vec::with_capacity(self.rules.len());
            for &rule in self.rules {
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
        let point: anyhow::Result<Option<Point>> = work();
        point.with_context(|| format!("{}, noise {}", input.name, task.noise_grey_levels))
    }
}

fn chosen(rule: Rule, index: Option<usize>, swept: &Sweep, measurement: &Measurement) -> anyhow::Result<Chosen> {
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

/// Writes every choice as CSV, atomically; a missing value is an empty cell.
fn write_points(path: &Path, points: &[Point]) -> anyhow::Result<()> {
    write_atomic(path, |file| {
        writeln!(
            file,
            "image,noise_grey_levels,rule,strength,at_edge,error_rms,psnr_db,loss_db"
        )?;
        for point in points {
            let image = csv::text(&point.image);
            for chosen in &point.choices {
                writeln!(
                    file,
                    "{image},{},{},{},{},{},{},{}",
                    point.noise_grey_levels,
                    chosen.rule,
                    csv::number(chosen.strength),
                    chosen.at_edge.map_or(String::new(), |at_edge| at_edge.to_string()),
                    csv::number(chosen.error_rms),
                    csv::number(chosen.psnr_db),
                    csv::number(chosen.loss_db)
                )?;
            }
        }
        Ok(())
    })?;
    Ok(())
}

fn say_head(session: &Session, rules: &[Rule]) {
    let names: Vec<String> = rules.iter().map(|rule| format!("{:>18}", rule.name())).collect();
    session.say(format_args!(
        "{:<20}  {:>7}{}   (PSNR, dB)",
        "image",
        "noise",
        names.concat()
    ));
}

fn say_point(session: &Session, point: &Point) {
    let cell = |chosen: &Chosen| match chosen.psnr_db {
        Some(psnr) => format!("{psnr:>18.2}"),
        None => format!("{:>18}", "none found"),
    };
    let cells: Vec<String> = point.choices.iter().map(cell).collect();
    session.say(format_args!(
        "{:<20}  {:>7.3}{}",
        point.image,
        point.noise_grey_levels,
        cells.concat()
    ));
}

fn say_rules(session: &Session, fits: &[OfRule]) {
    session.say(format_args!(
        "\n{:<18}  {:>18}  {:>6}  {:>8}  {:>8}  {:>10}  {:>7}",
        "rule", "exponent", "R2", "loss dB", "worst dB", "none found", "at edge"
    ));
    for fit in fits {
        let power = fit.fit.map_or(("-".to_owned(), String::new()), |fit| {
            (
                format!("{:.3} +- {:.3}", fit.exponent, fit.exponent_stderr),
                format!("{:.4}", fit.r_squared),
            )
        });
        let decibels = |value: Option<f64>| value.map_or(String::new(), |value| format!("{value:.3}"));
        session.say(format_args!(
            "{:<18}  {:>18}  {:>6}  {:>8}  {:>8}  {:>10}  {:>7}",
            fit.rule.name(),
            power.0,
            power.1,
            decibels(fit.mean_loss_db),
            decibels(fit.max_loss_db),
            fit.none_found,
            fit.at_edge
        ));
    }
}

/// Settings for the page.
pub fn settings(manifest: &Manifest, denoiser: &Loaded) -> Vec<(String, String)> {
    let AlgorithmSection {
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
