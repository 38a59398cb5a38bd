//! `--task` and its options.

use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, ValueEnum};
use serde::{Deserialize, Serialize};
use tweedie_imaging::{ColorMode, Sigma};
use tweedie_operators::{BayerPattern, Boundary, Downsampling, Kernel};

use crate::degradation::{Degradation, Pixels};
use crate::locate;
use crate::session::Session;
use crate::solver_options::Auto;
use crate::usage::usage;

/// What is to be undone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TaskKind {
    /// Noise alone
    Denoise,
    /// Blur by --kernel
    Deblur,
    /// Lost pixels: --keep or --mask
    Inpaint,
    /// Low resolution: blur, then every --scale-th pixel
    Sr,
    /// One colour per pixel: a Bayer sensor, --pattern
    Demosaic,
    /// Magnetic resonance imaging with the sampling --mask (gray images)
    Csmri,
    /// Parallel-beam tomography from --angles directions
    Radon,
    /// Compressed sensing: a --ratio of transform coefficients
    Compressed,
}

impl TaskKind {
    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Denoise => "denoise",
            Self::Deblur => "deblur",
            Self::Inpaint => "inpaint",
            Self::Sr => "sr",
            Self::Demosaic => "demosaic",
            Self::Csmri => "csmri",
            Self::Radon => "radon",
            Self::Compressed => "compressed",
        }
    }
}

/// What `--boundary` takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BoundaryOption {
    #[value(help = "periodically; has a closed form")]
    Circular,
    #[value(help = "by the nearest border pixel; closer to photographs, solved iteratively")]
    Replicate,
}

impl From<BoundaryOption> for Boundary {
    fn from(boundary: BoundaryOption) -> Self {
        match boundary {
            BoundaryOption::Circular => Self::Circular,
            BoundaryOption::Replicate => Self::Replicate,
        }
    }
}

/// How the measurement was, or is to be, made.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Task")]
pub struct TaskOptions {
    /// What is to be undone
    #[arg(long, value_name = "T")]
    pub task: Option<TaskKind>,
    /// deblur, sr: FILE.npy, FILE.png, gaussian:1.6 (or 1.6x25), uniform:9, levin:1 to levin:8; sr: default gaussian:1.6x7
    #[arg(long, value_name = "K")]
    pub kernel: Option<String>,
    /// Folder of levin09_1.npy to levin09_8.npy [default: datasets/kernels]
    #[arg(long, value_name = "DIR")]
    pub kernels: Option<PathBuf>,
    /// deblur, sr: how images continue beyond their border [default: circular]
    #[arg(long, value_name = "MODE")]
    pub boundary: Option<BoundaryOption>,
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

/// A task with its parameters and files.
#[derive(Clone, Debug)]
pub struct Task {
    pub degradation: Degradation,
    /// Noise level of the measurement.
    pub noise: Sigma,
    /// The same as it was given; dividing by 255 and multiplying again may change the last digit.
    pub noise_grey_levels: f64,
    /// Seed of masks, samplings and simulated noise.
    pub seed: u64,
}

impl Task {
    /// A task; refuses a noise level that is negative or not finite.
    pub fn new(degradation: Degradation, noise_grey_levels: f64, seed: u64) -> Result<Self, tweedie_imaging::Error> {
        Ok(Self {
            degradation,
            noise: Sigma::from_grey_levels(noise_grey_levels)?,
            noise_grey_levels,
            seed,
        })
    }
}

impl TaskOptions {
    /// Whether no option was given.
    pub fn is_empty(&self) -> bool {
        self.task.is_none() && self.given().iter().all(|(given, ..)| !given) && self.noise.is_none()
    }

    /// Whether each measurement's noise level is to be estimated; the resolved task has a placeholder.
    pub fn noise_is_auto(&self) -> bool {
        self.noise == Some(Auto::Auto)
    }

    /// Checks the options and reads their files.
    ///
    /// # Errors
    /// As [`Self::degradation`], and a usage error for a noise level that the task does not take.
    pub fn resolve(&self, session: &Session, seed: u64) -> anyhow::Result<Task> {
        let degradation = self.degradation(session)?;
        let (kind, task) = (degradation.kind(), degradation.kind().name());
        let level = match self.noise {
            None => 0.0,
            Some(Auto::Given(level)) => level,
            // The caller estimates it for each image.
            Some(Auto::Auto) if matches!(kind, TaskKind::Denoise | TaskKind::Deblur) => f64::from(u8::MAX),
            Some(Auto::Auto) => return Err(usage(format!("--noise auto: expected a number for --task {task}"))),
        };
        if kind == TaskKind::Denoise && level == 0.0 {
            return Err(missing(task, "--noise above 0"));
        }
        Task::new(degradation, level, seed).map_err(|error| usage(format!("--noise: {error}")))
    }

    /// The forward model, with its files read; the noise is left out.
    ///
    /// # Errors
    /// A usage error if the task misses an option, or one was given that it does not use.
    pub fn degradation(&self, session: &Session) -> anyhow::Result<Degradation> {
        let kind = self
            .task
            .ok_or_else(|| usage("--task: expected denoise, deblur, inpaint, sr, ..., got none"))?;
        let task = kind.name();
        if let Some((.., option)) = self
            .given()
            .iter()
            .find(|(given, kinds, _)| *given && !kinds.contains(&kind))
        {
            return Err(usage(format!("{option}: it has no effect on --task {task}")));
        }
        let missing = |options: &str| missing(task, options);
        let boundary = self.boundary.unwrap_or(BoundaryOption::Circular);
        Ok(match kind {
            TaskKind::Denoise => Degradation::Noise,
            TaskKind::Deblur => {
                let kernel = self.kernel(session)?.ok_or_else(|| missing("--kernel"))?;
                Degradation::Blur { kernel, boundary }
            }
            TaskKind::Inpaint => Degradation::Holes(match (&self.mask, self.keep) {
                (Some(path), None) => Pixels::read(session, path)?,
                (None, Some(keep)) if keep > 0.0 && keep <= 1.0 => Pixels::Random { keep },
                (None, Some(keep)) => return Err(usage(format!("--keep: expected a share in (0, 1], got {keep}"))),
                _ => return Err(missing("either --keep or --mask")),
            }),
            TaskKind::Sr => {
                let factor = self.scale.ok_or_else(|| missing("--scale"))? as usize;
                let kernel = self.kernel(session)?.map_or_else(Downsampling::default_kernel, Ok)?;
                Degradation::Decimation {
                    factor,
                    kernel,
                    boundary,
                }
            }
            TaskKind::Demosaic => Degradation::Bayer(self.pattern.ok_or_else(|| missing("--pattern"))?),
            TaskKind::Csmri => {
                let path = self.mask.as_ref().ok_or_else(|| missing("--mask"))?;
                Degradation::Fourier(Pixels::read(session, path)?)
            }
            TaskKind::Radon => Degradation::Lines {
                angles: self.angles.ok_or_else(|| missing("--angles"))? as usize,
            },
            TaskKind::Compressed => match self.ratio {
                Some(ratio) if ratio > 0.0 && ratio <= 1.0 => Degradation::Coefficients { ratio },
                Some(ratio) => return Err(usage(format!("--ratio: expected a share in (0, 1], got {ratio}"))),
                None => return Err(missing("--ratio")),
            },
        })
    }

    /// Each option, whether it was given, and the tasks that use it.
    fn given(&self) -> [(bool, &'static [TaskKind], &'static str); 9] {
        use TaskKind::{Compressed, Csmri, Deblur, Demosaic, Inpaint, Radon, Sr};
        [
            (self.kernel.is_some(), &[Deblur, Sr], "--kernel"),
            (self.kernels.is_some(), &[Deblur, Sr], "--kernels"),
            (self.boundary.is_some(), &[Deblur, Sr], "--boundary"),
            (self.keep.is_some(), &[Inpaint], "--keep"),
            (self.mask.is_some(), &[Inpaint, Csmri], "--mask"),
            (self.scale.is_some(), &[Sr], "--scale"),
            (self.pattern.is_some(), &[Demosaic], "--pattern"),
            (self.angles.is_some(), &[Radon], "--angles"),
            (self.ratio.is_some(), &[Compressed], "--ratio"),
        ]
    }

    fn kernel(&self, session: &Session) -> anyhow::Result<Option<Kernel>> {
        let Some(specification) = &self.kernel else {
            return Ok(None);
        };
        let folder = match &self.kernels {
            Some(_) if !specification.starts_with("levin:") => {
                return Err(usage("--kernels: it has no effect without --kernel levin:N"));
            }
            Some(folder) => folder.clone(),
            None => {
                let folders = locate::folders("datasets")
                    .into_iter()
                    .map(|folder| folder.join("kernels"));
                folders
                    .into_iter()
                    .find(|folder| folder.is_dir())
                    .unwrap_or_else(|| "datasets/kernels".into())
            }
        };
        let kernel = Kernel::parse(specification, &folder)?;
        // The file that was read, if it was one.
        let levin = specification
            .strip_prefix("levin:")
            .map(|n| folder.join(format!("levin09_{n}.npy")));
        let path = levin.unwrap_or_else(|| PathBuf::from(specification));
        if path.is_file() {
            session.hash_file(&path)?;
        }
        Ok(Some(kernel))
    }
}

fn missing(task: &str, options: &str) -> anyhow::Error {
    usage(format!("--task {task}: expected {options}, got none"))
}

impl Pixels {
    /// A mask from a file: 1 where it is not 0.
    fn read(session: &Session, path: &std::path::Path) -> anyhow::Result<Self> {
        let mask = session.read_image(path, ColorMode::Gray).context("reading the mask")?;
        let [_, _, rows, cols] = mask.dims;
        let values = mask.values.iter().map(|&value| f32::from(value != 0.0)).collect();
        Ok(Self::Given {
            rows,
            cols,
            values,
            path: path.to_path_buf(),
        })
    }
}
