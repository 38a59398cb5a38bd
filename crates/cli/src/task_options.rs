//! `--task` and its options.

use std::path::PathBuf;

use clap::Args;
use tweedie::degradation::{Border, TaskKind};
use tweedie::mask::MaskMarks;
use tweedie::noise_option::NoiseOption;
use tweedie::operators::BayerPattern;
use tweedie::picture::{UnknownNoise, Unknowns};
use tweedie::task::Task;
use tweedie::task_options::TaskOptions;

use crate::options::choice;
use crate::session::Session;
use crate::usage::usage;

/// How the measurement was, or is to be, made.
#[derive(Args, Clone, Debug, Default, PartialEq)]
#[command(next_help_heading = "Task")]
pub struct TaskArgs {
    /// What is to be undone
    #[arg(long, value_name = "T", value_parser = choice(kinds()))]
    pub task: Option<TaskKind>,
    /// deblur, sr: FILE.npy, FILE.png, gaussian:1.6 (or 1.6x25), disc:3, motion:15,30 (pixels, degrees), uniform:9, levin:1 to levin:8;
    /// deblur: auto (disc, Gaussian or motion, estimated); sr: bicubic, lanczos, area [default for sr: bicubic, with --simulate
    /// gaussian:1.6x7]
    #[arg(long, value_name = "K")]
    pub kernel: Option<String>,
    /// Folder of levin09_1.npy to levin09_8.npy [default: datasets/kernels]
    #[arg(long, value_name = "DIR")]
    pub kernels: Option<PathBuf>,
    /// deblur, sr: how images continue beyond their border [default: unknown, with --simulate circular]
    #[arg(long, value_name = "MODE", value_parser = choice(vec![
        ("circular", "periodically; for simulations, has a closed form", Border::Circular),
        ("replicate", "by the nearest border pixel; slow", Border::Replicate),
        ("unknown", "nothing is assumed; for a camera's pictures", Border::Unknown),
    ]))]
    pub boundary: Option<Border>,
    /// inpaint: share of the pixels that is kept, chosen at random by --seed
    #[arg(long, value_name = "SHARE")]
    pub keep: Option<f64>,
    /// inpaint: gray image or array, white where a pixel is known (see --mask-marks), or an image whose lost pixels are transparent;
    /// without it the picture's own transparent pixels; csmri: where a frequency is known (zero frequency first)
    #[arg(long, value_name = "FILE")]
    pub mask: Option<PathBuf>,
    /// csmri: array of complex coil sensitivities [coils, H, W], or of real and imaginary parts [2 coils, H, W]
    #[arg(long, value_name = "FILE")]
    pub coils: Option<PathBuf>,
    /// inpaint: what white marks in the mask [default: known]
    #[arg(long, value_name = "WHICH", value_parser = choice(vec![
        ("known", "the pixels that are right", MaskMarks::Known),
        ("damaged", "the pixels that are to be filled", MaskMarks::Damaged),
    ]))]
    pub mask_marks: Option<MaskMarks>,
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
    /// Noise of the measurement, in 8-bit grey levels: a level S; poisson-gaussian:GAIN,SIGMA (variance GAIN x + SIGMA^2);
    /// map:FILE (an image whose value 25 is the level 25); without --simulate also auto, poisson-gaussian:auto and correlated,
    /// estimated from each measurement [default: deblur: auto; sr: 1, or what a JPEG's quantisation says; inpaint and with --simulate: 0]
    #[arg(long, value_name = "S|MODEL", allow_hyphen_values = true)]
    pub noise: Option<NoiseOption>,
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
        *self == Self::default()
    }

    /// What each measurement's noise is to be estimated by; the resolved task has a placeholder.
    pub fn estimated_noise(&self) -> Option<&NoiseOption> {
        self.noise.as_ref().filter(|noise| noise.is_estimated())
    }

    /// What is to be found out from each picture that is no simulation.
    pub fn unknowns(&self) -> Unknowns {
        Unknowns {
            noise: match (&self.noise, self.estimated_noise()) {
                (None, _) => UnknownNoise::Default,
                (_, Some(option)) => UnknownNoise::Estimated(option.clone()),
                (Some(_), None) => UnknownNoise::Known,
            },
            kernel: self.kernel.as_deref() == Some("auto"),
            mask_marks: self.mask_marks.is_none(),
        }
    }

    /// The files that the options name.
    pub fn files(&self) -> Vec<PathBuf> {
        let mut files = self.options().map_or_else(Vec::new, |options| options.files());
        files.extend(self.noise.as_ref().and_then(NoiseOption::file).cloned());
        files
    }

    fn options(&self) -> Option<TaskOptions> {
        Some(TaskOptions {
            task: self.task?,
            kernel: self.kernel.clone(),
            kernels: self.kernels.clone(),
            boundary: self.boundary,
            keep: self.keep,
            mask: self.mask.clone(),
            coils: self.coils.clone(),
            mask_marks: self.mask_marks,
            scale: self.scale,
            pattern: self.pattern.map(|pattern| pattern.to_string()),
            angles: self.angles,
            ratio: self.ratio,
        })
    }

    /// Checks the options and reads their files; `simulate` tells whether the inputs are clean.
    pub fn resolve(&self, session: &Session, seed: u64, simulate: bool) -> anyhow::Result<Task> {
        let Some(options) = self.options() else {
            return Err(usage("--task: expected denoise, deblur, inpaint, sr, ..., got none"));
        };
        if simulate && options.kernel_is_auto() {
            return Err(usage(
                "--kernel auto: expected a kernel with --simulate, there is nothing to estimate it from",
            ));
        }
        let options = if simulate { options } else { options.for_pictures() };
        Ok(options.resolve(self.noise.as_ref(), seed, &session.device, session)?)
    }
}
