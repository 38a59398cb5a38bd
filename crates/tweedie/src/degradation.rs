//! The forward model of a task, without image sizes, noise and seed.

use std::fmt;
use std::ops::Range;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tweedie_imaging::Image;
use tweedie_operators::{BayerPattern, Boundary, Determined, Kernel, LinearOperator, Mask, UnknownBorder};

use crate::coils::Coils;
use crate::error::bail;
use crate::{Error, Result};

/// What is to be undone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TaskKind {
    /// Noise alone.
    Denoise,
    /// Blur.
    Deblur,
    /// Lost pixels.
    Inpaint,
    /// Low resolution.
    Sr,
    /// One colour per pixel: a Bayer sensor.
    Demosaic,
    /// Magnetic resonance imaging.
    Csmri,
    /// Parallel-beam tomography.
    Radon,
    /// Compressed sensing.
    Compressed,
    /// An operator of the caller's own, which no file and no option names.
    #[serde(skip)]
    Operator,
}

impl TaskKind {
    /// All that have a name in files and options.
    pub const ALL: [Self; 8] = [
        Self::Denoise,
        Self::Deblur,
        Self::Inpaint,
        Self::Sr,
        Self::Demosaic,
        Self::Csmri,
        Self::Radon,
        Self::Compressed,
    ];

    /// Its name on the command line and in files.
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
            Self::Operator => "operator",
        }
    }

    /// What it is, and the options that it takes.
    pub fn about(self) -> &'static str {
        match self {
            Self::Denoise => "Noise alone",
            Self::Deblur => "Blur by --kernel",
            Self::Inpaint => "Lost pixels: --keep or --mask",
            Self::Sr => "Low resolution: blur, then every --scale-th pixel",
            Self::Demosaic => "One colour per pixel: a Bayer sensor, --pattern",
            Self::Csmri => "Magnetic resonance imaging with the sampling --mask, of several --coils (gray images)",
            Self::Radon => "Parallel-beam tomography from --angles directions",
            Self::Compressed => "Compressed sensing: a --ratio of transform coefficients",
            Self::Operator => "An operator of the caller's own",
        }
    }
}

impl fmt::Display for TaskKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for TaskKind {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|kind| kind.name() == name);
        found.ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            Error::Usage(format!("task: expected {names}, got '{name}'"))
        })
    }
}

/// How a picture goes on beyond its border.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Border {
    /// Periodically: the field's choice in simulations, with a closed form.
    Circular,
    /// By its nearest border pixel.
    Replicate,
    /// Nobody knows: the model of a camera's picture ([`UnknownBorder`]).
    Unknown,
}

impl Border {
    /// What is assumed, if something is.
    pub(crate) fn assumed(self) -> Option<Boundary> {
        match self {
            Self::Circular => Some(Boundary::Circular),
            Self::Replicate => Some(Boundary::Replicate),
            Self::Unknown => None,
        }
    }
}

/// The forward model, without image sizes.
#[derive(Clone, Debug)]
pub enum Degradation {
    /// A = I.
    Noise,
    /// Convolution.
    Blur {
        /// The kernel.
        kernel: Kernel,
        /// How the image goes on beyond its border.
        border: Border,
    },
    /// Some pixels are known.
    Holes(Pixels),
    /// Convolution, then every factor-th pixel of every factor-th row.
    Decimation {
        /// The factor.
        factor: usize,
        /// The kernel.
        kernel: Kernel,
        /// How the image goes on beyond its border.
        border: Border,
        /// First row and column that are kept.
        phase: usize,
    },
    /// One colour per pixel.
    Bayer(BayerPattern),
    /// Some frequencies are known, of each coil if there are several.
    Fourier(Pixels, Option<Coils>),
    /// Line integrals.
    Lines {
        /// Directions over the half circle.
        angles: usize,
    },
    /// Some coefficients of a random transform.
    Coefficients {
        /// Their share of the pixels, in (0, 1].
        ratio: f64,
    },
    /// An operator of the caller's own, on images of one size.
    Operator(Arc<dyn LinearOperator>),
}

/// A choice of pixels or frequencies.
#[derive(Clone, Debug)]
pub enum Pixels {
    /// A share, drawn by the task's seed; images of the same size have the same choice.
    Random {
        /// The share, in (0, 1].
        keep: f64,
    },
    /// The opaque pixels of each picture; found when the picture is read.
    Transparent,
    /// 1 where chosen, else 0, in row order.
    Given {
        /// Its rows.
        rows: usize,
        /// Its columns.
        cols: usize,
        /// The choice.
        values: Vec<f32>,
        /// Where it came from, for messages.
        path: PathBuf,
    },
}

impl Pixels {
    /// 0 and 1 for an image of `rows` x `cols`.
    pub fn values(&self, size: [usize; 2], seed: u64) -> Result<Vec<f32>> {
        match self {
            Self::Random { keep } => Ok(Mask::random([1, size[0], size[1]], *keep, seed)?.values().to_vec()),
            Self::Transparent => bail!("--task inpaint: expected --keep, --mask or transparent pixels, got none"),
            Self::Given { rows, cols, values, .. } if [*rows, *cols] == size => Ok(values.clone()),
            Self::Given { rows, cols, path, .. } => {
                bail!(
                    "{}: expected a mask of {}x{} like the image, got {rows}x{cols}",
                    path.display(),
                    size[0],
                    size[1]
                )
            }
        }
    }
}

impl Degradation {
    /// The task that it belongs to.
    pub fn kind(&self) -> TaskKind {
        match self {
            Self::Noise => TaskKind::Denoise,
            Self::Blur { .. } => TaskKind::Deblur,
            Self::Holes(_) => TaskKind::Inpaint,
            Self::Decimation { .. } => TaskKind::Sr,
            Self::Bayer(_) => TaskKind::Demosaic,
            Self::Fourier(..) => TaskKind::Csmri,
            Self::Lines { .. } => TaskKind::Radon,
            Self::Coefficients { .. } => TaskKind::Compressed,
            Self::Operator(_) => TaskKind::Operator,
        }
    }

    /// Whether the task's seed decides what is measured, noise apart.
    pub fn is_random(&self) -> bool {
        matches!(self, Self::Holes(Pixels::Random { .. }) | Self::Coefficients { .. })
    }

    /// `[C, H, W]` of the image behind a measurement of `[C, H, W]`, where that follows from the measurement.
    pub fn domain(&self, [c, h, w]: [usize; 3]) -> Result<[usize; 3]> {
        match self {
            Self::Noise | Self::Blur { .. } | Self::Holes(_) => Ok([c, h, w]),
            Self::Decimation { factor, .. } => Ok([c, factor * h, factor * w]),
            Self::Bayer(_) if c == 1 => Ok([3, h, w]),
            Self::Bayer(_) => bail!("a sensor's image: expected 1 channel, got {c}"),
            Self::Fourier(_, coils) => match 2 * coils.as_ref().map_or(1, Coils::count) {
                channels if channels == c => Ok([1, h, w]),
                channels => bail!("frequencies: expected {channels} channels (real and imaginary parts), got {c}"),
            },
            Self::Operator(operator) if operator.codomain() == [c, h, w] => Ok(operator.domain()),
            Self::Operator(operator) => bail!("y: expected {:?}, got {:?}", operator.codomain(), [c, h, w]),
            Self::Lines { .. } | Self::Coefficients { .. } => bail!(
                "--task {} does not tell the image's size: restore the folder that `tweedie simulate` writes",
                self.kind().name()
            ),
        }
    }

    /// The largest part of a clean image that can be measured: sides become multiples of the factor.
    pub fn cropped(&self, clean: Image) -> Image {
        let Self::Decimation { factor, .. } = self else {
            return clean;
        };
        let [n, c, h, w] = clean.dims();
        clean.slice([0..n, 0..c, 0..h - h % factor, 0..w - w % factor])
    }

    /// The rows and columns of a measurement of an image of `size` that need nothing from beyond the image, where its border is
    /// unknown; `None` where all of it is kept.
    pub(crate) fn determined(&self, size: [usize; 2]) -> Result<Option<[Range<usize>; 2]>> {
        let size = |(factor, kernel, phase)| Ok(UnknownBorder::determined(size, factor, kernel, phase)?);
        self.of_unknown_border().map(size).transpose()
    }

    /// Factor, kernel and phase of a blur of whose border nothing is assumed.
    pub(crate) fn of_unknown_border(&self) -> Option<(usize, &Kernel, usize)> {
        match self {
            Self::Blur {
                kernel,
                border: Border::Unknown,
            } => Some((1, kernel, 0)),
            Self::Decimation {
                factor,
                kernel,
                border: Border::Unknown,
                phase,
            } => Some((*factor, kernel, *phase)),
            _ => None,
        }
    }

    /// `[C, H, W]` of the picture that [`Task::camera`](crate::Task::camera) takes for a measurement of `[C, H, W]`.
    ///
    /// # Errors
    /// As [`Self::domain`].
    pub fn picture(&self, measured: [usize; 3]) -> Result<[usize; 3]> {
        match self.of_unknown_border() {
            Some((factor, kernel, phase)) => Ok(Determined::domain_of(measured, factor, kernel, phase)?),
            None => self.domain(measured),
        }
    }
}
