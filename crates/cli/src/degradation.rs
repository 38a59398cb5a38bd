//! The forward model of a task: operators, and the measurement of a clean image.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::bail;
use burn::tensor::{Device, Tensor};
use tweedie_imaging::{Image, Sigma, image_from_vec, noise};
use tweedie_operators::{
    BayerPattern, Blur, CompressedSensing, Demosaicking, Downsampling, Field, Identity, Kernel, LinearOperator, Mask,
    Mri, Radon,
};

use crate::task::{BoundaryOption, Task, TaskKind};

/// The forward model, without image sizes.
#[derive(Clone, Debug)]
pub enum Degradation {
    Noise,
    Blur {
        kernel: Kernel,
        boundary: BoundaryOption,
    },
    Holes(Pixels),
    Decimation {
        factor: usize,
        kernel: Kernel,
        boundary: BoundaryOption,
    },
    Bayer(BayerPattern),
    Fourier(Pixels),
    Lines {
        angles: usize,
    },
    Coefficients {
        ratio: f64,
    },
}

/// A choice of pixels or frequencies.
#[derive(Clone, Debug)]
pub enum Pixels {
    /// A share, drawn by the task's seed; images of the same size have the same choice.
    Random { keep: f64 },
    /// 1 where chosen, else 0, in row order.
    Given {
        rows: usize,
        cols: usize,
        values: Vec<f32>,
        path: PathBuf,
    },
}

impl Pixels {
    /// 0 and 1 for an image of `rows` x `cols`.
    pub fn values(&self, size: [usize; 2], seed: u64) -> anyhow::Result<Vec<f32>> {
        match self {
            Self::Random { keep } => Ok(Mask::random([1, size[0], size[1]], *keep, seed)?.values().to_vec()),
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
            Self::Fourier(_) => TaskKind::Csmri,
            Self::Lines { .. } => TaskKind::Radon,
            Self::Coefficients { .. } => TaskKind::Compressed,
        }
    }

    /// Whether the task's seed decides what is measured, noise apart.
    pub fn is_random(&self) -> bool {
        matches!(self, Self::Holes(Pixels::Random { .. }) | Self::Coefficients { .. })
    }

    /// `[C, H, W]` of the image behind a measurement of `[C, H, W]`, where that follows from the measurement.
    pub fn domain(&self, [c, h, w]: [usize; 3]) -> anyhow::Result<[usize; 3]> {
        match self {
            Self::Noise | Self::Blur { .. } | Self::Holes(_) => Ok([c, h, w]),
            Self::Decimation { factor, .. } => Ok([c, factor * h, factor * w]),
            Self::Bayer(_) if c == 1 => Ok([3, h, w]),
            Self::Bayer(_) => bail!("a sensor's image: expected 1 channel, got {c}"),
            Self::Fourier(_) if c == 2 => Ok([1, h, w]),
            Self::Fourier(_) => bail!("frequencies: expected 2 channels (real and imaginary part), got {c}"),
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
}

impl Task {
    /// The operator on images `[C, H, W]`.
    pub fn operator(&self, domain: [usize; 3]) -> anyhow::Result<Arc<dyn LinearOperator>> {
        let [channels, rows, cols] = domain;
        Ok(match &self.degradation {
            Degradation::Noise => Arc::new(Identity::new(domain)?),
            Degradation::Blur { kernel, boundary } => Arc::new(Blur::new(domain, kernel, (*boundary).into())?),
            Degradation::Holes(pixels) => Arc::new(Mask::new(domain, &pixels.values([rows, cols], self.seed)?)?),
            Degradation::Decimation {
                factor,
                kernel,
                boundary,
            } => Arc::new(Downsampling::new(domain, *factor, kernel, (*boundary).into())?),
            Degradation::Bayer(pattern) if channels == 3 => Arc::new(Demosaicking::new([rows, cols], *pattern)?),
            Degradation::Bayer(_) => bail!("--task demosaic: expected a colour image, got {channels} channel(s)"),
            Degradation::Fourier(pixels) if channels == 1 => Arc::new(Mri::new(
                Field::Real,
                [rows, cols],
                &pixels.values([rows, cols], self.seed)?,
            )?),
            Degradation::Fourier(_) => {
                bail!("--task csmri: expected a gray image (--color gray), got {channels} channels")
            }
            Degradation::Lines { angles } => Arc::new(Radon::new(domain, *angles)?),
            Degradation::Coefficients { ratio } => Arc::new(CompressedSensing::new(domain, *ratio, self.seed)?),
        })
    }

    /// y = A x + n for a clean image x called `name`, n drawn by the seed and the name.
    pub fn measure(&self, operator: &dyn LinearOperator, clean: Image, name: &str) -> anyhow::Result<Image> {
        let device = clean.device();
        let y = operator.apply(clean)?;
        let noise = self.noise(y.dims(), self.noise, name, &device)?;
        Ok(y + noise)
    }

    /// Noise of level `sigma` for a measurement of shape `dims`, drawn by the seed and the name.
    pub fn noise(&self, dims: [usize; 4], sigma: Sigma, name: &str, device: &Device) -> anyhow::Result<Image> {
        let [_, channels, rows, cols] = dims;
        let noise = noise::gaussian(dims, sigma, self.seed, noise::stream_from_name(name), device)?;
        // What is not measured carries no noise either: it is zero in the measurement.
        Ok(match &self.degradation {
            Degradation::Holes(pixels) | Degradation::Fourier(pixels) => {
                let mask: Tensor<4> =
                    image_from_vec(pixels.values([rows, cols], self.seed)?, [1, 1, rows, cols], device)?;
                noise * mask.repeat_dim(1, channels)
            }
            _ => noise,
        })
    }

    /// The first estimate, from which solvers start: the measurement where it is an image of the scene itself, else
    /// what the operator makes of it (filled holes, cubic interpolation, filtered back-projection, A^T y).
    pub fn start(&self, operator: &dyn LinearOperator, y: Image) -> anyhow::Result<Image> {
        match self.degradation {
            Degradation::Noise | Degradation::Blur { .. } => Ok(y),
            _ => Ok(operator.start(y)?),
        }
    }

    /// What people see of a measurement: itself if it is a picture, else the first estimate.
    pub fn picture(&self, operator: &dyn LinearOperator, y: Image) -> anyhow::Result<Image> {
        match self.picture_kind() {
            PictureKind::Start => self.start(operator, y),
            PictureKind::Measurement | PictureKind::Parts => Ok(y),
        }
    }

    /// What [`Self::picture`] shows.
    pub fn picture_kind(&self) -> PictureKind {
        match self.degradation {
            Degradation::Noise | Degradation::Blur { .. } => PictureKind::Measurement,
            Degradation::Holes(_) | Degradation::Decimation { .. } | Degradation::Bayer(_) => PictureKind::Parts,
            Degradation::Fourier(_) | Degradation::Lines { .. } | Degradation::Coefficients { .. } => {
                PictureKind::Start
            }
        }
    }
}

/// What a picture of a measurement shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PictureKind {
    /// The measurement, which is also the first estimate.
    Measurement,
    /// The measurement, some pixels or colours of the scene.
    Parts,
    /// The first estimate, since the measurement is no picture.
    Start,
}

/// `[C, H, W]` of a single image.
pub fn single(dims: [usize; 4]) -> anyhow::Result<[usize; 3]> {
    match dims {
        [1, c, h, w] => Ok([c, h, w]),
        [n, ..] => bail!("expected one image, got a batch of {n}"),
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;
    use tweedie_imaging::vec_from_image;

    use super::*;

    fn task(degradation: Degradation, seed: u64) -> Task {
        Task::new(degradation, 25.0, seed).unwrap()
    }

    fn measured(task: &Task, name: &str) -> Vec<f32> {
        let clean: Image = Tensor::full([1, 1, 8, 8], 0.5, &Device::flex());
        let operator = task.operator([1, 8, 8]).unwrap();
        vec_from_image(&task.measure(operator.as_ref(), clean, name).unwrap()).unwrap()
    }

    #[test]
    fn noise_depends_on_seed_and_name_alone() {
        let noisy = |seed, name| measured(&task(Degradation::Noise, seed), name);
        assert_eq!(noisy(1, "a"), noisy(1, "a"));
        assert_ne!(noisy(1, "a"), noisy(2, "a"));
        assert_ne!(noisy(1, "a"), noisy(1, "b"));
    }

    #[test]
    fn lost_pixels_are_zero() {
        let y = measured(&task(Degradation::Holes(Pixels::Random { keep: 0.25 }), 3), "a");
        assert_eq!(y.iter().filter(|&&value| value != 0.0).count(), 16);
    }

    #[test]
    fn sizes_that_do_not_fit_are_named() {
        let mask = Pixels::Given {
            rows: 4,
            cols: 4,
            values: vec![1.0; 16],
            path: "m.png".into(),
        };
        let error = task(Degradation::Holes(mask), 0)
            .operator([1, 8, 8])
            .unwrap_err()
            .to_string();
        assert_eq!(error, "m.png: expected a mask of 8x8 like the image, got 4x4");
        assert!(Degradation::Lines { angles: 3 }.domain([1, 3, 11]).is_err());
        assert!(single([2, 1, 4, 4]).is_err());
    }

    #[test]
    fn clean_images_are_cropped_to_multiples_of_the_factor() {
        let kernel = Downsampling::default_kernel().unwrap();
        let sr = Degradation::Decimation {
            factor: 3,
            kernel,
            boundary: BoundaryOption::Circular,
        };
        let clean: Image = Tensor::zeros([1, 1, 8, 10], &Device::flex());
        assert_eq!(sr.cropped(clean).dims(), [1, 1, 6, 9]);
        assert_eq!(sr.domain([1, 2, 3]).unwrap(), [1, 6, 9]);
    }
}
