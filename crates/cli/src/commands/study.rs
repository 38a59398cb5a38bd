//! `tweedie study`

mod approximation;
mod convergence;

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::Outcome;
use crate::options::Common;

/// Measure how fast algorithms converge, and how the error falls with the noise
///
/// A study is a TOML manifest: images, a task, a denoiser, algorithms. docs/study.md explains its keys; docs/studies has
/// some to start from. Into --out go results.csv (every measured value), results.json (what --json writes too: fitted
/// rates, the manifest as it was understood, the sha256 of every file that was read) and report.html (tables and plots);
/// files that are there are replaced. -C KEY=VALUE sets a value of the manifest, such as -C noise=2.55.
#[derive(Args)]
pub struct Study {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Run algorithms against their own limits, fit the rates, compare them with the known ones
    ///
    /// Each algorithm runs twice: to its limit, and again to measure residual, objective gap and distance to that limit.
    /// A linear rate v_k ~ q^k and a power law v_k ~ k^-p are fitted to each curve. With --checkpoint gaussian:WIDTH, for
    /// which the iteration is affine, the known factor is computed too.
    #[command(after_help = CONVERGENCE)]
    Convergence(Files),
    /// Fit the exponent of the restoration error against the noise level, with the strength chosen by each rule
    ///
    /// At every noise level each image is restored over a grid of strengths, and every parameter-choice rule chooses
    /// from the same restorations; the loss against the best choice, which sees the truth, is reported in decibels.
    #[command(after_help = APPROXIMATION)]
    Approximation(Files),
}

const CONVERGENCE: &str = "\
Examples:
  tweedie study convergence docs/studies/linear.toml --out runs/linear
  tweedie study convergence docs/studies/gray.toml --out runs/gray -C iterations=50 -C noise=2.55";

const APPROXIMATION: &str = "\
Examples:
  tweedie study approximation docs/studies/rules.toml --out runs/rules
  tweedie study approximation docs/studies/rules.toml --out runs/rules -C 'noise=[7.65]' -C 'images.paths=[\"Set12\"]'";

/// The files of a study.
#[derive(Args)]
struct Files {
    /// What to study (TOML)
    #[arg(value_name = "MANIFEST")]
    manifest: PathBuf,
    /// Folder of the results
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    #[command(flatten)]
    common: Common,
}

impl Study {
    pub fn run(self) -> anyhow::Result<Outcome> {
        match self.action {
            Action::Convergence(files) => convergence::run(&files),
            Action::Approximation(files) => approximation::run(&files),
        }
    }
}
