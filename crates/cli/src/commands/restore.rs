//! `tweedie restore`

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use anyhow::{Context, bail};
use clap::Args;
use serde::Serialize;
use toml::Table;
use tweedie_imaging::{ColorMode, Denoiser, Depth, Image, Sigma, psnr, read_image, ssim, write_image};
use tweedie_operators::{L2, LinearOperator};
use tweedie_solver::{Executor, Prior, Problem, Restoration, StopReason, StopRules, find};

use crate::options::{Common, FileHash, Session};
use crate::task::TaskOptions;
use crate::{Outcome, checkpoint, interrupt, output};

/// Restores measurements with a denoiser as the prior
#[derive(Args)]
pub struct Restore {
    /// Measurements, or clean images with --simulate; files or folders
    inputs: Vec<PathBuf>,
    #[command(flatten)]
    task: TaskOptions,
    #[command(flatten)]
    solver: SolverOptions,
    /// Name under checkpoints/, or a folder
    #[arg(long)]
    checkpoint: String,
    /// Folder of the results
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// The inputs are clean: degrade them first, and score the results
    #[arg(long)]
    simulate: bool,
    #[command(flatten)]
    common: Common,
}

/// The algorithm and its parameters.
#[derive(Args, Clone)]
pub struct SolverOptions {
    /// pnp-hqs, pnp-admm, red-gd
    #[arg(long, default_value = "pnp-hqs")]
    pub solver: String,
    /// Print what a solver does and its parameters
    #[arg(long, value_name = "SOLVER", exclusive = true)]
    pub help_solver: Option<String>,
    /// Weight of the prior
    #[arg(long, value_name = "L")]
    pub strength: Option<f64>,
    /// The denoiser's noise level in grey levels
    #[arg(long, value_name = "S")]
    pub sigma: Option<f64>,
    /// Iterations
    #[arg(long, value_name = "N")]
    pub iterations: Option<u32>,
    /// Stop once the fixed-point residual is at most this
    #[arg(long, value_name = "T")]
    pub tolerance: Option<f64>,
    /// Another parameter of the solver: solver.KEY=VALUE
    #[arg(short = 'C', value_name = "KEY=VALUE")]
    pub config: Vec<String>,
}

#[derive(Serialize)]
pub struct Result {
    pub name: String,
    pub task: &'static str,
    pub solver: String,
    pub psnr_db: Option<f64>,
    pub ssim: Option<f64>,
    pub psnr_input_db: Option<f64>,
    pub iterations: usize,
    pub stop: StopReason,
    pub seconds: f64,
    pub denoiser_calls: u32,
    pub fixed_point_residual: Option<f64>,
}

impl SolverOptions {
    fn parameters(&self) -> anyhow::Result<Table> {
        let mut table = Table::new();
        for setting in &self.config {
            let (key, value) = setting.split_once('=').with_context(|| format!("-C {setting}: expected KEY=VALUE"))?;
            let key = key.strip_prefix("solver.").with_context(|| format!("-C {key}: expected solver.KEY"))?;
            let parsed: Table = toml::from_str(&format!("value = {value}"))
                .ok()
                .with_context(|| format!("-C {setting}: expected a number, a list or a table, got '{value}'"))?;
            table.extend(parsed.into_iter().map(|(_, value)| (key.to_owned(), value)));
        }
        let mut set = |key: &str, value: toml::Value| match table.insert(key.to_owned(), value) {
            Some(_) => bail!("--{key}: expected it once, got it by -C solver.{key} too"),
            None => Ok(()),
        };
        if let Some(strength) = self.strength {
            set("strength", strength.into())?;
        }
        if let Some(sigma) = self.sigma {
            set("sigma", Sigma::from_grey_levels(sigma)?.value().into())?;
        }
        if let Some(iterations) = self.iterations {
            set("iterations", i64::from(iterations).into())?;
        }
        Ok(table)
    }

    /// Restores one image from its measurement.
    pub fn run(
        &self,
        operator: Arc<dyn LinearOperator>,
        y: Image,
        noise: Sigma,
        denoiser: Arc<dyn Denoiser>,
        truth: Option<&Image>,
        interrupt: Arc<AtomicBool>,
    ) -> anyhow::Result<Restoration> {
        let x0 = operator.start(y.clone())?;
        let problem = Problem { fidelity: Arc::new(L2::new(operator, y)?), prior: Prior::Plain(denoiser), noise };
        let algorithm = find(&self.solver)?.build(self.parameters()?, problem)?;
        let rules = StopRules { tolerance: self.tolerance, interrupt: Some(interrupt), ..StopRules::default() };
        let mut executor = Executor::new(algorithm.as_ref()).rules(rules);
        if let Some(truth) = truth {
            executor = executor.truth(truth);
        }
        Ok(executor.run(x0)?)
    }
}

impl Restore {
    pub fn run(self) -> anyhow::Result<Outcome> {
        if let Some(name) = &self.solver.help_solver {
            print!("{}", find(name)?.help());
            return Ok(Outcome::Done);
        }
        let session = self.common.start()?;
        let interrupted = interrupt::flag()?;
        let inputs = output::inputs(&self.inputs)?;
        if inputs.is_empty() {
            bail!("restore: expected at least one input, got none");
        }
        find(&self.solver.solver)?;
        output::folder(&self.out)?;
        let (mut results, mut files) = (Vec::new(), Vec::new());
        for (index, input) in inputs.iter().enumerate() {
            let loaded = read_image(input, ColorMode::AsStored)?;
            files.push(FileHash { path: input.display().to_string(), sha256: loaded.sha256.clone() });
            let image = loaded.image(&session.device)?;
            let name = output::stem(input);
            let result = self.one(&session, &name, image, index, Arc::clone(&interrupted));
            results.push(result.with_context(|| input.display().to_string())?);
            if results.last().is_some_and(|result| result.stop == StopReason::Interrupted) {
                session.finish("restore", &results, &files)?;
                return Ok(Outcome::Interrupted);
            }
        }
        if session.talk && results.len() > 1 {
            let mean = |of: fn(&Result) -> Option<f64>| output::mean(results.iter().filter_map(of));
            if let (Some(before), Some(after)) = (mean(|r| r.psnr_input_db), mean(|r| r.psnr_db)) {
                println!("mean: {before:.2} -> {after:.2} dB");
            }
        }
        session.finish("restore", &results, &files)?;
        Ok(Outcome::Done)
    }

    fn one(
        &self,
        session: &Session,
        name: &str,
        image: Image,
        index: usize,
        interrupt: Arc<AtomicBool>,
    ) -> anyhow::Result<Result> {
        let denoiser = checkpoint::load(&self.checkpoint, &session.device)?;
        let denoiser = Arc::from(checkpoint::for_channels(denoiser, image.dims()[1])?);
        let (operator, y, truth) = if self.simulate {
            let clean = self.task.cropped(image);
            let [_, c, h, w] = clean.dims();
            let operator = self.task.operator([c, h, w])?;
            let y = self.task.measure(operator.as_ref(), clean.clone(), index)?;
            (operator, y, Some(clean))
        } else {
            let [_, c, h, w] = image.dims();
            (self.task.operator(self.task.domain([c, h, w]))?, image, None)
        };
        let input = operator.start(y.clone())?;
        let noise = self.task.sigma()?;
        let run = self.solver.run(operator, y.clone(), noise, denoiser, truth.as_ref(), interrupt)?;
        write_image(&self.out.join(format!("{name}.png")), &run.image, Depth::Eight)?;
        write_image(&self.out.join(format!("{name}_measurement.png")), &y, Depth::Eight)?;
        let score = |image: &Image| truth.as_ref().map(|truth| psnr(image, truth)).transpose();
        let (before, after) = (score(&input)?, score(&run.image)?);
        let similarity = truth.as_ref().map(|truth| ssim(&run.image, truth)).transpose()?;
        let last = run.trace.last();
        let result = Result {
            name: name.to_owned(),
            task: self.task.task.name(),
            solver: self.solver.solver.clone(),
            psnr_db: after.map(|values| values[0]),
            ssim: similarity.map(|values| values[0]),
            psnr_input_db: before.map(|values| values[0]),
            iterations: run.trace.len(),
            stop: run.stop,
            seconds: last.map_or(0.0, |row| row.solver_s),
            denoiser_calls: last.map_or(0, |row| row.work.denoiser_calls),
            fixed_point_residual: last.map(|row| row.fixed_point_residual),
        };
        if session.talk {
            let score = match (result.psnr_input_db, result.psnr_db) {
                (Some(before), Some(after)) => format!("{before:.2} -> {after:.2} dB, "),
                _ => String::new(),
            };
            println!(
                "{name}: {score}{} iterations, {:.2} s, {}",
                result.iterations,
                result.seconds,
                serde_json::to_string(&result.stop)?.trim_matches('"')
            );
        }
        Ok(result)
    }
}
