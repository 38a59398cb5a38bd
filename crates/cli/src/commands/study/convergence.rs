//! `tweedie study convergence`

use std::collections::HashSet;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use toml::Table;
use tweedie_imaging::write_atomic;
use tweedie_operators::L2;
use tweedie_solver::study::{Convergence, ConvergenceRow, Limit, RateFit, RateModel, Theory, measure_convergence};
use tweedie_solver::{Algorithm, Entry, Problem};

use super::algorithm::{AlgorithmSection, parameters_text, resolved};
use super::manifest::{Images, TaskSection, denoiser, folder_of, read};
use super::{Files, convergence_page, csv, scenes};
use crate::checkpoint::{Kind, Loaded};
use crate::scores::stop_text;
use crate::session::{Results, Session};
use crate::solve::Measurement;
use crate::task::{Task, TaskKind};
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
    #[serde(rename = "algorithm")]
    pub algorithms: Vec<AlgorithmSection>,
}

fn one() -> f64 {
    1.0
}

/// An algorithm on an image, as the JSON has it.
#[derive(Clone, Debug, Serialize)]
pub struct Studied {
    pub image: String,
    pub algorithm: String,
    pub solver: &'static str,
    pub parameters: Map<String, Value>,
    /// Iterations that were measured.
    pub iterations: usize,
    /// The first iteration, from 0, from which the level and the step stay; at least the number of iterations of the run
    /// to the limit if there is none.
    pub settled_from: u32,
    pub limit: Limit,
    /// Fits of the three curves.
    pub residual: Option<RateFit>,
    pub objective_gap: Option<RateFit>,
    pub distance: Option<RateFit>,
    pub theory: Option<Theory>,
    /// ln(fitted factor) / ln(known factor) - 1 of the residual and of the distance: the relative error of the digits
    /// per iteration.
    pub residual_deviation: Option<f64>,
    pub distance_deviation: Option<f64>,
    /// The last measured iteration.
    pub last: Option<ConvergenceRow>,
    /// Every iteration, for the CSV and the plots.
    #[serde(skip)]
    pub rows: Vec<ConvergenceRow>,
}

/// An algorithm of the manifest.
struct Candidate<'a> {
    section: &'a AlgorithmSection,
    entry: Entry,
    iterations: u32,
    /// With the iterations of the run to the limit.
    parameters: Table,
}

pub fn run(files: &Files) -> anyhow::Result<Outcome> {
    let session = Session::start("study convergence", &files.common)?;
    session.run(|results| work(&session, files, results))
}

fn work(session: &Session, files: &Files, results: &mut Results<'_, Studied>) -> anyhow::Result<Outcome> {
    let manifest: Manifest = read(session, &files.manifest, &files.common.settings)?;
    let prepare = || {
        let candidates = candidates(&manifest)?;
        let folder = folder_of(&files.manifest);
        let inputs = scenes::inputs(&manifest.images, folder)?;
        let degradation = manifest.task.degradation(session, folder).context("task")?;
        let task = Task::new(degradation, manifest.noise, manifest.seed).context("noise")?;
        let denoiser = denoiser(session, folder, &manifest.checkpoint, manifest.denoiser.clone())?;
        Ok::<_, anyhow::Error>((candidates, inputs, task, denoiser))
    };
    let (candidates, inputs, task, denoiser) = prepare().with_context(|| files.manifest.display().to_string())?;
    output::folder(&files.out)?;
    session.also_json(&files.out.join("results.json"));
    session.fact("manifest", &manifest)?;
    let affine = matches!(denoiser.kind, Kind::Linear(_));
    let bar = progress::bar(
        session,
        (inputs.len() * candidates.len()) as u64,
        "{bar:30} {pos}/{len} runs {wide_msg} ETA {eta}",
    );
    let mut outcome = Outcome::Done;
    'images: for input in &inputs {
        let clean = scenes::clean(session, &manifest.images, input)?;
        let measurement = scenes::measurement(&task, input, &clean)?;
        let x0 = task.start(measurement.operator.as_ref(), measurement.y.clone())? * manifest.start_scale;
        bar.suspend(|| say_head(session, &measurement));
        // All of them first, so that a wrong parameter shows before the first long run.
        let algorithms = candidates
            .iter()
            .map(|candidate| build(candidate, &measurement, &denoiser))
            .collect::<anyhow::Result<Vec<_>>>()?;
        for (candidate, algorithm) in candidates.iter().zip(&algorithms) {
            let label = candidate.section.label();
            bar.set_message(format!("{}: {label}", input.name));
            let study = measure_convergence(
                algorithm.as_ref(),
                &x0,
                candidate.iterations,
                affine,
                &session.interrupt,
            );
            let Some(study) = study.with_context(|| format!("{}, {label}", input.name))? else {
                outcome = Outcome::Interrupted;
                break 'images;
            };
            let studied = studied(&measurement, candidate, algorithm.as_ref(), study)?;
            if studied.settled_from >= candidate.iterations {
                session.note(format_args!(
                    "{label}: its level or step changes in all measured iterations, so that they approach no fixed point; \
                     parameters.sigma sets a constant level"
                ));
            }
            bar.suspend(|| say_row(session, &studied));
            bar.inc(1);
            results.push(studied)?;
            write_rows(&files.out.join("results.csv"), results.items())?;
        }
    }
    bar.finish_and_clear();
    if results.items().is_empty() {
        return Ok(outcome);
    }
    let page = files.out.join("report.html");
    convergence_page::write(session, &page, &manifest, &denoiser, results.items())?;
    session.say(format_args!("\nreport: {}", page.display()));
    Ok(outcome)
}

fn candidates(manifest: &Manifest) -> anyhow::Result<Vec<Candidate<'_>>> {
    if manifest.algorithms.is_empty() {
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
    let candidate = |section: &'_ AlgorithmSection| {
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
    let sections = manifest.algorithms.iter().map(|section| {
        let label = section.label();
        if !labels.insert(label) {
            bail!("algorithm '{label}': expected different labels, got it twice");
        }
        let (entry, iterations, parameters) = candidate(section).with_context(|| format!("algorithm '{label}'"))?;
        Ok(Candidate {
            section,
            entry,
            iterations,
            parameters,
        })
    });
    sections.collect()
}

fn build(
    candidate: &Candidate<'_>,
    measurement: &Measurement,
    denoiser: &Loaded,
) -> anyhow::Result<Box<dyn Algorithm>> {
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
    candidate: &Candidate<'_>,
    algorithm: &dyn Algorithm,
    study: Convergence,
) -> anyhow::Result<Studied> {
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
    })
}

/// Writes every iteration as CSV, atomically; a missing value is an empty cell.
fn write_rows(path: &Path, results: &[Studied]) -> anyhow::Result<()> {
    write_atomic(path, |file| {
        writeln!(
            file,
            "image,algorithm,iteration,residual,objective,objective_gap,distance"
        )?;
        for studied in results {
            let (image, algorithm) = (csv::text(&studied.image), csv::text(&studied.algorithm));
            for row in &studied.rows {
                writeln!(
                    file,
                    "{image},{algorithm},{},{},{},{},{}",
                    row.iteration,
                    row.residual,
                    csv::number(row.objective),
                    csv::number(row.objective_gap),
                    csv::number(row.distance)
                )?;
            }
        }
        Ok(())
    })?;
    Ok(())
}

fn say_head(session: &Session, measurement: &Measurement) {
    let [channels, rows, cols] = measurement.operator.domain();
    session.say(format_args!(
        "{}: {}, noise {}, {channels}x{rows}x{cols}\n{:<18}  {:<15}  {:<26}  {:<26}  {:<26}  {:>8}  {:>7}",
        measurement.name,
        measurement.task.degradation.kind().name(),
        measurement.task.noise_grey_levels,
        "algorithm",
        "limit",
        "residual",
        "objective gap",
        "distance",
        "known",
        "off"
    ));
}

fn say_row(session: &Session, studied: &Studied) {
    let known = known_text(studied);
    let off = deviation_text(studied.distance_deviation.or(studied.residual_deviation));
    session.say(format_args!(
        "{:<18}  {:<15}  {:<26}  {:<26}  {:<26}  {known:>8}  {off:>7}",
        studied.algorithm,
        limit_text(studied),
        rate_text(studied.residual),
        rate_text(studied.objective_gap),
        rate_text(studied.distance),
    ));
}

/// How the run to the limit ended, and how well the limit is known.
pub fn limit_text(studied: &Studied) -> String {
    let stop = stop_text(studied.limit.stop);
    match studied.limit.uncertainty {
        Some(uncertainty) => format!("{stop} {uncertainty:.0e}"),
        None => stop.to_owned(),
    }
}

/// The chosen model with its range and its R^2.
pub fn rate_text(fit: Option<RateFit>) -> String {
    let Some(fit) = fit else { return "-".to_owned() };
    let model = match fit.chosen.model {
        RateModel::Linear { factor } => format!("{factor:.4}^k"),
        RateModel::Power { exponent } => format!("k^{:.2}", -exponent),
    };
    format!("{model} {}-{} R2 {:.3}", fit.from, fit.to, fit.chosen.r_squared)
}

/// The known factor.
pub fn known_text(studied: &Studied) -> String {
    match studied.theory {
        Some(theory) if theory.spectral_radius.converged => format!("{:.4}", theory.factor),
        Some(theory) => format!(">{:.4}", theory.factor),
        None => String::new(),
    }
}

/// A deviation in percent.
pub fn deviation_text(deviation: Option<f64>) -> String {
    deviation.map_or(String::new(), |value| format!("{:+.1} %", 100.0 * value))
}

/// Settings for the page.
pub fn settings(manifest: &Manifest, denoiser: &Loaded) -> Vec<(String, String)> {
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
    let given = |section: &AlgorithmSection| {
        let name = format!("{} ({})", section.label(), section.solver);
        (name, parameters_text(&section.parameters))
    };
    settings.extend(manifest.algorithms.iter().map(given));
    settings
}
