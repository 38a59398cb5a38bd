//! Restoration tasks: the operator, and the measurement of a clean image.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use tweedie_imaging::{ColorMode, Image, Sigma, noise, read_image};
use tweedie_operators::{Blur, Boundary, Downsampling, Identity, Kernel, LinearOperator, Mask};

use crate::checkpoint;

/// What is to be undone.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TaskKind {
    /// Noise alone
    Denoise,
    /// Blur with --kernel
    Deblur,
    /// Lost pixels: --keep or --mask
    Inpaint,
    /// Blur and decimation by --scale
    Sr,
}

impl TaskKind {
    pub fn name(self) -> &'static str {
        match self {
            Self::Denoise => "denoise",
            Self::Deblur => "deblur",
            Self::Inpaint => "inpaint",
            Self::Sr => "sr",
        }
    }
}

/// How the measurement was made.
#[derive(Args, Clone)]
pub struct TaskOptions {
    /// What is to be undone
    #[arg(long)]
    pub task: TaskKind,
    /// deblur, sr: FILE.npy, FILE.png, gaussian:1.6[x25], uniform:9, levin:1..8 (levin09_N.npy in --kernels)
    #[arg(long)]
    pub kernel: Option<String>,
    /// Folder with levin09_N.npy; by default `kernels` under datasets/
    #[arg(long, value_name = "DIR")]
    pub kernels: Option<PathBuf>,
    /// inpaint: share of pixels that are kept, at random
    #[arg(long)]
    pub keep: Option<f64>,
    /// inpaint: gray image or array, nonzero where a pixel is known
    #[arg(long, value_name = "FILE")]
    pub mask: Option<PathBuf>,
    /// sr: factor
    #[arg(long)]
    pub scale: Option<usize>,
    /// Noise level of the measurement in grey levels
    #[arg(long, value_name = "S", default_value_t = 0.0)]
    pub noise: f64,
    /// Seed of masks and simulated noise
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
}

impl TaskOptions {
    /// The operator on images `[C, H, W]`.
    pub fn operator(&self, domain: [usize; 3]) -> anyhow::Result<Arc<dyn LinearOperator>> {
        self.check()?;
        Ok(match self.task {
            TaskKind::Denoise => Arc::new(Identity::new(domain)?),
            TaskKind::Deblur => {
                let kernel = self.kernel()?.context("--task deblur: expected --kernel, got none")?;
                Arc::new(Blur::new(domain, &kernel, Boundary::Circular)?)
            }
            TaskKind::Inpaint => match (&self.mask, self.keep) {
                (Some(path), None) => Arc::new(self.mask(path, domain)?),
                (None, Some(keep)) => Arc::new(Mask::random(domain, keep, self.seed)?),
                _ => bail!("--task inpaint: expected either --keep or --mask"),
            },
            TaskKind::Sr => {
                let scale = self.scale.context("--task sr: expected --scale, got none")?;
                let kernel = self.kernel()?.map_or_else(Downsampling::default_kernel, Ok)?;
                Arc::new(Downsampling::new(domain, scale, &kernel, Boundary::Circular)?)
            }
        })
    }

    /// `[C, H, W]` of the image behind a measurement `[C, H, W]`.
    pub fn domain(&self, [c, h, w]: [usize; 3]) -> [usize; 3] {
        match self.scale {
            Some(scale) if self.task == TaskKind::Sr => [c, scale * h, scale * w],
            _ => [c, h, w],
        }
    }

    /// The largest part of a clean image that the task can measure: sides become multiples of --scale.
    pub fn cropped(&self, clean: Image) -> Image {
        let scale = if self.task == TaskKind::Sr { self.scale.unwrap_or(1).max(1) } else { 1 };
        let [n, c, h, w] = clean.dims();
        clean.slice([0..n, 0..c, 0..h - h % scale, 0..w - w % scale])
    }

    /// The noise level.
    pub fn sigma(&self) -> anyhow::Result<Sigma> {
        Ok(Sigma::from_grey_levels(self.noise)?)
    }

    /// A x + noise; `index` is the number of the image among the inputs.
    pub fn measure(&self, operator: &dyn LinearOperator, clean: Image, index: usize) -> anyhow::Result<Image> {
        let device = clean.device();
        let y = operator.apply(clean)?;
        let noise = noise::gaussian(y.dims(), self.sigma()?, self.seed, index as u64, &device)?;
        let [n, c, h, w] = y.dims();
        match &self.task {
            // Lost pixels carry no noise either: they are zero in the measurement.
            TaskKind::Inpaint => Ok(operator.apply(y + noise)?.slice([0..n, 0..c, 0..h, 0..w])),
            _ => Ok(y + noise),
        }
    }

    fn check(&self) -> anyhow::Result<()> {
        let task = self.task.name();
        let blurs = matches!(self.task, TaskKind::Deblur | TaskKind::Sr);
        for (given, fits, option) in [
            (self.kernel.is_some(), blurs, "--kernel"),
            (self.keep.is_some(), self.task == TaskKind::Inpaint, "--keep"),
            (self.mask.is_some(), self.task == TaskKind::Inpaint, "--mask"),
            (self.scale.is_some(), self.task == TaskKind::Sr, "--scale"),
        ] {
            if given && !fits {
                bail!("{option}: expected a task that uses it, got --task {task}");
            }
        }
        Ok(())
    }

    fn kernel(&self) -> anyhow::Result<Option<Kernel>> {
        let Some(specification) = &self.kernel else { return Ok(None) };
        let folder = match &self.kernels {
            Some(folder) => folder.clone(),
            None => {
                let candidates: Vec<PathBuf> =
                    checkpoint::folders("datasets").into_iter().map(|folder| folder.join("kernels")).collect();
                candidates.iter().find(|folder| folder.is_dir()).unwrap_or(&candidates[0]).clone()
            }
        };
        Ok(Some(Kernel::parse(specification, &folder)?))
    }

    fn mask(&self, path: &Path, domain: [usize; 3]) -> anyhow::Result<Mask> {
        let loaded = read_image(path, ColorMode::Gray)?;
        let [_, _, h, w] = loaded.dims;
        if [h, w] != domain[1..] {
            bail!("{}: expected a mask of {}x{}, got {h}x{w}", path.display(), domain[1], domain[2]);
        }
        let kept: Vec<f32> = loaded.values.iter().map(|&value| f32::from(value > 0.0)).collect();
        let values: Vec<f32> = (0..domain[0]).flat_map(|_| kept.iter().copied()).collect();
        Ok(Mask::new(domain, &values)?)
    }
}
