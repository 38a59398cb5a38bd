//! The options of a task, as configurations and the command line have them.

use std::path::PathBuf;

use burn::tensor::Device;
use serde::{Deserialize, Serialize};
use tweedie_operators::{BayerPattern, Downsampling, Kernel, Resampling, centred_phase};

use crate::coils::Coils;
use crate::degradation::{Border, Degradation, Pixels, TaskKind};
use crate::error::{Context as _, bail, usage};
use crate::mask::MaskMarks;
use crate::noise_level::Noise;
use crate::noise_option::NoiseOption;
use crate::task::Task;
use crate::{Error, Events, Result, locate};

/// How the measurement was, or is to be, made.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct TaskOptions {
    /// What is to be undone.
    pub task: TaskKind,
    /// deblur, sr: a file, `gaussian:1.6` (or `1.6x25`), `disc:3`, `motion:15,30`, `uniform:9`, `levin:1` to `levin:8`; deblur:
    /// `auto`; sr: `bicubic`, `lanczos`, `area`, default `gaussian:1.6x7`, for pictures of one's own `bicubic`.
    pub kernel: Option<String>,
    /// Folder of `levin09_1.npy` to `levin09_8.npy`; the default is `datasets/kernels`.
    pub kernels: Option<PathBuf>,
    /// deblur, sr: how images continue beyond their border; the default is circular, for pictures of one's own unknown.
    pub boundary: Option<Border>,
    /// inpaint: share of the pixels that is kept, chosen at random.
    pub keep: Option<f64>,
    /// inpaint, csmri: where a pixel or frequency is known.
    pub mask: Option<PathBuf>,
    /// csmri: file of the sensitivities of several coils.
    #[serde(default)]
    pub coils: Option<PathBuf>,
    /// inpaint: what white marks in the mask; the default is known.
    pub mask_marks: Option<MaskMarks>,
    /// sr: factor, 2 to 16.
    pub scale: Option<u64>,
    /// demosaic: colours of the first 2x2 pixels: rggb, bggr, grbg, gbrg.
    pub pattern: Option<String>,
    /// radon: number of directions over the half circle, 1 to 100,000.
    pub angles: Option<u64>,
    /// compressed: measured values as a share of the pixels.
    pub ratio: Option<f64>,
}

impl TaskOptions {
    /// A task without options.
    pub fn of(task: TaskKind) -> Self {
        Self {
            task,
            kernel: None,
            kernels: None,
            boundary: None,
            keep: None,
            mask: None,
            coils: None,
            mask_marks: None,
            scale: None,
            pattern: None,
            angles: None,
            ratio: None,
        }
    }

    /// The same with the defaults for pictures that a camera or another program made, in place of those for simulations: nobody knows
    /// what lies beyond their border, and small ones were made small by an antialiased cubic filter.
    pub fn for_pictures(mut self) -> Self {
        if matches!(self.task, TaskKind::Deblur | TaskKind::Sr) {
            self.boundary.get_or_insert(Border::Unknown);
        }
        if self.task == TaskKind::Sr {
            self.kernel.get_or_insert_with(|| Resampling::Bicubic.name().to_owned());
        }
        self
    }

    /// Whether each picture's kernel is to be estimated; the resolved task has a placeholder.
    pub fn kernel_is_auto(&self) -> bool {
        self.kernel.as_deref() == Some(AUTO)
    }

    /// Checks the options and reads their files; `noise` is the measurement's noise, none if it is absent; a map goes to `device`.
    /// Where it is to be estimated for each measurement the task has a placeholder.
    ///
    /// # Errors
    /// As [`Self::degradation`], and a usage error for a noise level that the task does not take.
    pub fn resolve(
        &self,
        noise: Option<&NoiseOption>,
        seed: u64,
        device: &Device,
        events: &dyn Events,
    ) -> Result<Task> {
        let degradation = self.degradation(events)?;
        let kind = degradation.kind();
        if noise.is_some_and(NoiseOption::is_estimated) && kind == TaskKind::Compressed {
            return Err(usage(format!(
                "--noise: expected a level for --task {kind}, whose values are no picture"
            )));
        }
        let is_picture = matches!(kind, TaskKind::Denoise | TaskKind::Deblur | TaskKind::Sr);
        if matches!(noise, Some(NoiseOption::PoissonGaussianAuto | NoiseOption::Correlated)) && !is_picture {
            return Err(usage(format!(
                "--noise: expected another model for --task {kind}, auto or a level"
            )));
        }
        let noise = noise.unwrap_or(&NoiseOption::Level(0.0));
        let given = Noise::given(noise, events, device).context("--noise")?;
        // Where it is estimated for each image the task has a placeholder.
        let given = match given {
            Some(given) => given,
            None => Noise::white(f64::from(u8::MAX))?,
        };
        if kind == TaskKind::Denoise && given.used.level_grey_levels == 0.0 {
            return Err(missing(kind.name(), "--noise above 0"));
        }
        Ok(Task::with_noise(degradation, given, seed)?)
    }

    /// The forward model, with its files read; the noise is left out.
    ///
    /// # Errors
    /// A usage error if the task misses an option, or one was given that it does not use.
    pub fn degradation(&self, events: &dyn Events) -> Result<Degradation> {
        let kind = self.task;
        let task = kind.name();
        if let Some((.., option)) = self
            .given()
            .iter()
            .find(|(given, kinds, _)| *given && !kinds.contains(&kind))
        {
            return Err(usage(format!("{option}: it has no effect on --task {task}")));
        }
        within(self.scale, 2..=16, "scale")?;
        within(self.angles, 1..=100_000, "angles")?;
        let missing = |options: &str| missing(task, options);
        let border = self.boundary.unwrap_or(Border::Circular);
        Ok(match kind {
            TaskKind::Denoise => Degradation::Noise,
            TaskKind::Deblur => {
                let kernel = match self.kernel_is_auto() {
                    // Estimated for each picture.
                    true => Some(Kernel::resampling(Resampling::Area, 1)?),
                    false => self.kernel(events)?,
                };
                let kernel = kernel.ok_or_else(|| {
                    usage(
                        "--task deblur: expected --kernel, got none: disc:3 is a lens out of focus by 3 pixels, motion:15,30 a \
                         camera that moved by 15 pixels at 30 degrees, gaussian:1.6 a general softness, FILE.npy or FILE.png any \
                         other blur; --kernel auto estimates one from the picture",
                    )
                })?;
                Degradation::Blur { kernel, border }
            }
            TaskKind::Inpaint => Degradation::Holes(match (&self.mask, self.keep) {
                (Some(path), None) => Pixels::read(events, path, self.mask_marks)?,
                (None, None) => Pixels::Transparent,
                (None, Some(keep)) if keep > 0.0 && keep <= 1.0 => Pixels::Random { keep },
                (None, Some(keep)) => return Err(usage(format!("--keep: expected a share in (0, 1], got {keep}"))),
                _ => return Err(missing("either --keep or --mask")),
            }),
            TaskKind::Sr => {
                let factor = self.scale.ok_or_else(|| missing("--scale"))? as usize;
                let (kernel, phase) = self.small(factor, events)?;
                Degradation::Decimation {
                    factor,
                    kernel,
                    border,
                    phase,
                }
            }
            TaskKind::Demosaic => {
                let pattern = self.pattern.as_ref().ok_or_else(|| missing("--pattern"))?;
                Degradation::Bayer(pattern.parse::<BayerPattern>().context("pattern")?)
            }
            TaskKind::Csmri => {
                let path = self.mask.as_ref().ok_or_else(|| missing("--mask"))?;
                let coils = self.coils.as_ref().map(|path| Coils::read(events, path)).transpose()?;
                Degradation::Fourier(Pixels::read(events, path, Some(MaskMarks::Known))?, coils)
            }
            TaskKind::Radon => Degradation::Lines {
                angles: self.angles.ok_or_else(|| missing("--angles"))? as usize,
            },
            TaskKind::Compressed => match self.ratio {
                Some(ratio) if ratio > 0.0 && ratio <= 1.0 => Degradation::Coefficients { ratio },
                Some(ratio) => return Err(usage(format!("--ratio: expected a share in (0, 1], got {ratio}"))),
                None => return Err(missing("--ratio")),
            },
            TaskKind::Operator => return Err(usage("task: an operator of your own has no options")),
        })
    }

    /// Each option, whether it was given, and the tasks that use it.
    fn given(&self) -> [(bool, &'static [TaskKind], &'static str); 11] {
        use TaskKind::{Compressed, Csmri, Deblur, Demosaic, Inpaint, Radon, Sr};
        [
            (self.kernel.is_some(), &[Deblur, Sr], "--kernel"),
            (self.kernels.is_some(), &[Deblur, Sr], "--kernels"),
            (self.boundary.is_some(), &[Deblur, Sr], "--boundary"),
            (self.keep.is_some(), &[Inpaint], "--keep"),
            (self.mask.is_some(), &[Inpaint, Csmri], "--mask"),
            (self.coils.is_some(), &[Csmri], "--coils"),
            (self.mask_marks.is_some(), &[Inpaint], "--mask-marks"),
            (self.scale.is_some(), &[Sr], "--scale"),
            (self.pattern.is_some(), &[Demosaic], "--pattern"),
            (self.angles.is_some(), &[Radon], "--angles"),
            (self.ratio.is_some(), &[Compressed], "--ratio"),
        ]
    }

    /// The files that it names.
    pub fn files(&self) -> Vec<PathBuf> {
        let named = self.mask.clone().into_iter().chain(self.coils.clone());
        self.kernel_file().into_iter().chain(named).collect()
    }

    /// The folder of Levin's kernels.
    fn kernel_folder(&self) -> PathBuf {
        let found = || {
            let folders = locate::folders("datasets").into_iter();
            folders
                .map(|folder| folder.join("kernels"))
                .find(|folder| folder.is_dir())
        };
        let given = self.kernels.clone();
        given.or_else(found).unwrap_or_else(|| "datasets/kernels".into())
    }

    /// The file of the kernel, if it is in one.
    fn kernel_file(&self) -> Option<PathBuf> {
        let specification = self.kernel.as_ref()?;
        let path = match specification.strip_prefix("levin:") {
            Some(n) => self.kernel_folder().join(format!("levin09_{n}.npy")),
            None => PathBuf::from(specification),
        };
        path.is_file().then_some(path)
    }

    /// The kernel of a small picture, and the phase that belongs to it: the middle of the block for the filters of programs and for
    /// files that can be centred, else the first pixel, as in benchmarks.
    fn small(&self, factor: usize, events: &dyn Events) -> Result<(Kernel, usize)> {
        let Some(name) = &self.kernel else {
            return Ok((Downsampling::default_kernel()?, 0));
        };
        if self.kernel_is_auto() {
            return Err(usage("--kernel auto: expected a kernel for --task sr, such as bicubic"));
        }
        if let Ok(resampling) = name.parse::<Resampling>() {
            return Ok((Kernel::resampling(resampling, factor)?, centred_phase(factor)));
        }
        let kernel = self.kernel(events)?.map_or_else(Downsampling::default_kernel, Ok)?;
        let is_file = !name.contains(':');
        let can_be_centred = kernel.dims().iter().all(|size| size % 2 == factor % 2);
        Ok((
            kernel,
            if is_file && can_be_centred {
                centred_phase(factor)
            } else {
                0
            },
        ))
    }

    fn kernel(&self, events: &dyn Events) -> Result<Option<Kernel>> {
        let Some(specification) = &self.kernel else {
            return Ok(None);
        };
        if self.kernels.is_some() && !specification.starts_with("levin:") {
            return Err(usage("--kernels: it has no effect without --kernel levin:N"));
        }
        let kernel = Kernel::parse(specification, &self.kernel_folder())?;
        if let Some(path) = self.kernel_file() {
            events.hash_file(&path)?;
        }
        Ok(Some(kernel))
    }
}

/// The kernel that is estimated.
const AUTO: &str = "auto";

fn missing(task: &str, options: &str) -> Error {
    usage(format!("--task {task}: expected {options}, got none"))
}

fn within(value: Option<u64>, range: std::ops::RangeInclusive<u64>, key: &str) -> Result<()> {
    match value {
        Some(value) if !range.contains(&value) => bail!(
            "{key}: expected a whole number from {} to {}, got {value}",
            range.start(),
            range.end()
        ),
        _ => Ok(()),
    }
}
