//! `--task` and its options.

use std::path::PathBuf;

use clap::Args;
use tweedie::auto::Auto;
use tweedie::degradation::TaskKind;
use tweedie::operators::{BayerPattern, Boundary};
use tweedie::task::Task;
use tweedie::task_options::TaskOptions;

use crate::options::choice;
use crate::session::Session;
use crate::usage::usage;

/// How the measurement was, or is to be, made.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Task")]
pub struct TaskArgs {
    /// What is to be undone
    #[arg(long, value_name = "T", value_parser = choice(kinds()))]
    pub task: Option<TaskKind>,
    /// deblur, sr: FILE.npy, FILE.png, gaussian:1.6 (or 1.6x25), uniform:9, levin:1 to levin:8; sr: default gaussian:1.6x7
    #[arg(long, value_name = "K")]
    pub kernel: Option<String>,
    /// Folder of levin09_1.npy to levin09_8.npy [default: datasets/kernels]
    #[arg(long, value_name = "DIR")]
    pub kernels: Option<PathBuf>,
    /// deblur, sr: how images continue beyond their border [default: circular]
    #[arg(long, value_name = "MODE", value_parser = choice(vec![
        ("circular", "periodically; has a closed form", Boundary::Circular),
        ("replicate", "by the nearest border pixel; closer to photographs, solved iteratively", Boundary::Replicate),
    ]))]
    pub boundary: Option<Boundary>,
    /// inpaint: share of the pixels that is kept, chosen at random by --seed
    #[arg(long, value_name = "SHARE")]
    pub keep: Option<f64>,
    /// inpaint: gray image or array, not 0 where a pixel is known; csmri: where a frequency is (zero frequency first)
    #[arg(long, value_name = "FILE")]
    pub mask: Option<PathBuf>,
    /// sr: factor
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(2..=16))]
    pub scale: Option<u64>,
    /// demosaic: colours of the first 2x2 pixels: rggb, bggr, grbg, gbrg
    #[arg(long, value_name = "P")]
    pub pattern: Option<BayerPattern>,
    /// radon: number of directions over the half circle
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=100_000))]
    pub angles: Option<u64>,
    /// compressed: measured values as a share of the pixels
    #[arg(long, value_name = "SHARE")]
    pub ratio: Option<f64>,
    /// Noise level of the measurement in 8-bit grey levels; denoise, deblur without --simulate: or auto [default: 0]
    #[arg(long, value_name = "S|auto", allow_hyphen_values = true)]
    pub noise: Option<Auto>,
}

fn kinds() -> Vec<(&'static str, &'static str, TaskKind)> {
    TaskKind::ALL
        .into_iter()
        .map(|kind| (kind.name(), kind.about(), kind))
        .collect()
}

impl TaskArgs {
    /// Whether no option was given.
    pub fn is_empty(&self) -> bool {
        let Self {
            task,
            kernel,
            kernels,
            boundary,
            keep,
            mask,
            scale,
            pattern,
            angles,
            ratio,
            noise,
        } = self;
        let given = [
            task.is_some(),
            kernel.is_some(),
            kernels.is_some(),
            boundary.is_some(),
            keep.is_some(),
            mask.is_some(),
            scale.is_some(),
            pattern.is_some(),
            angles.is_some(),
            ratio.is_some(),
            noise.is_some(),
        ];
        !given.contains(&true)
    }

    /// Whether each measurement's noise level is to be estimated; the resolved task has a placeholder.
    pub fn noise_is_auto(&self) -> bool {
        self.noise == Some(Auto::Auto)
    }

    /// The files that the options name.
    pub fn files(&self) -> Vec<PathBuf> {
        self.options().map_or_else(Vec::new, |options| options.files())
    }

    fn options(&self) -> Option<TaskOptions> {
        Some(TaskOptions {
            task: self.task?,
            kernel: self.kernel.clone(),
            kernels: self.kernels.clone(),
            boundary: self.boundary,
            keep: self.keep,
            mask: self.mask.clone(),
            scale: self.scale,
            pattern: self.pattern.map(|pattern| pattern.to_string()),
            angles: self.angles,
            ratio: self.ratio,
        })
    }

    /// Checks the options and reads their files.
    pub fn resolve(&self, session: &Session, seed: u64) -> anyhow::Result<Task> {
        match self.options() {
            Some(options) => Ok(options.resolve(self.noise, seed, session)?),
            None => Err(usage("--task: expected denoise, deblur, inpaint, sr, ..., got none")),
        }
    }
}
