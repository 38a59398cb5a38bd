//! A restoration task: the forward model, the noise and the seed.

use std::sync::Arc;

use burn::tensor::{Device, Tensor};
use tweedie_imaging::{Image, Sigma, image_from_vec, noise};
use tweedie_operators::{
    BayerPattern, Blur, CompressedSensing, Demosaicking, Determined, Downsampling, Field, Identity, Kernel,
    LinearOperator, Mask, Mri, MultiCoilMri, Radon, UnknownBorder,
};

use crate::Result;
use crate::degradation::{Border, Degradation, Pixels};
use crate::error::bail;
use crate::noise_level::Noise;

/// A task: y = A x + n.
#[derive(Clone, Debug)]
pub struct Task {
    /// A, without image sizes.
    pub degradation: Degradation,
    /// Noise level of the measurement, the root mean square one where it varies.
    pub noise: Sigma,
    /// The same as it was given; dividing by 255 and multiplying again may change the last digit.
    pub noise_grey_levels: f64,
    /// The noise itself.
    pub noise_model: Noise,
    /// Seed of masks, samplings and simulated noise.
    pub seed: u64,
}

impl Task {
    /// A task; refuses a noise level that is negative or not finite.
    pub fn new(degradation: Degradation, noise_grey_levels: f64, seed: u64) -> Result<Self, tweedie_imaging::Error> {
        Self::with_noise(degradation, Noise::white(noise_grey_levels)?, seed)
    }

    /// A task with any noise.
    ///
    /// # Errors
    /// If its level is negative or not finite.
    pub fn with_noise(degradation: Degradation, noise_model: Noise, seed: u64) -> Result<Self, tweedie_imaging::Error> {
        let noise_grey_levels = noise_model.used.level_grey_levels;
        Ok(Self {
            degradation,
            noise: Sigma::from_grey_levels(noise_grey_levels)?,
            noise_grey_levels,
            noise_model,
            seed,
        })
    }

    /// Denoising: A = I.
    pub fn denoise() -> Self {
        Self::without_noise(Degradation::Noise)
    }

    /// Deblurring: A convolves with `kernel`; nothing is assumed beyond the border, see [`Self::boundary`].
    pub fn deblur(kernel: Kernel) -> Self {
        let border = Border::Unknown;
        Self::without_noise(Degradation::Blur { kernel, border })
    }

    /// Inpainting: A keeps some pixels.
    pub fn inpaint(known: Pixels) -> Self {
        Self::without_noise(Degradation::Holes(known))
    }

    /// Super-resolution: A convolves with `kernel`, then keeps every `factor`-th pixel of every `factor`-th row, from
    /// the first one.
    pub fn super_resolve(factor: usize, kernel: Kernel) -> Self {
        Self::without_noise(Degradation::Decimation {
            factor,
            kernel,
            border: Border::Unknown,
            phase: 0,
        })
    }

    /// Demosaicking: A keeps one colour of each pixel.
    pub fn demosaic(pattern: BayerPattern) -> Self {
        Self::without_noise(Degradation::Bayer(pattern))
    }

    /// An operator of the caller's own, on images of its domain.
    pub fn with_operator(operator: Arc<dyn LinearOperator>) -> Self {
        Self::without_noise(Degradation::Operator(operator))
    }

    fn without_noise(degradation: Degradation) -> Self {
        Self {
            degradation,
            noise: Sigma::ZERO,
            noise_grey_levels: 0.0,
            noise_model: Noise::of_level(Sigma::ZERO),
            seed: 0,
        }
    }

    /// With measurements of this noise level; without a call it is 0.
    #[must_use]
    pub fn noise(self, sigma: Sigma) -> Self {
        let noise_model = Noise::of_level(sigma);
        Self {
            noise: sigma,
            noise_grey_levels: noise_model.used.level_grey_levels,
            noise_model,
            ..self
        }
    }

    /// With this seed of masks, samplings and simulated noise; without a call it is 0.
    #[must_use]
    pub fn seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// With images that continue beyond their border in this way, where A is a convolution.
    #[must_use]
    pub fn boundary(mut self, mode: Border) -> Self {
        if let Degradation::Blur { border, .. } | Degradation::Decimation { border, .. } = &mut self.degradation {
            *border = mode;
        }
        self
    }

    /// The operator on images `[C, H, W]`. Where their border is unknown its domain is larger; its window has this size.
    pub fn operator(&self, domain: [usize; 3]) -> Result<Arc<dyn LinearOperator>> {
        let [channels, rows, cols] = domain;
        Ok(match &self.degradation {
            Degradation::Noise => Arc::new(Identity::new(domain)?),
            Degradation::Blur { kernel, border } => match border.assumed() {
                Some(boundary) => Arc::new(Blur::new(domain, kernel, boundary)?),
                None => Arc::new(UnknownBorder::new(domain, 1, kernel, 0)?),
            },
            Degradation::Holes(pixels) => Arc::new(Mask::new(domain, &pixels.values([rows, cols], self.seed)?)?),
            Degradation::Decimation {
                factor,
                kernel,
                border,
                phase,
            } => match border.assumed() {
                Some(boundary) => Arc::new(Downsampling::with_phase(domain, *factor, kernel, boundary, *phase)?),
                None => {
                    let small = [channels, rows / factor, cols / factor];
                    Arc::new(UnknownBorder::new(small, *factor, kernel, *phase)?)
                }
            },
            Degradation::Bayer(pattern) if channels == 3 => Arc::new(Demosaicking::new([rows, cols], *pattern)?),
            Degradation::Bayer(_) => bail!("--task demosaic: expected a colour image, got {channels} channel(s)"),
            Degradation::Fourier(pixels, Some(coils)) if channels == 1 => Arc::new(MultiCoilMri::new(
                Field::Real,
                [rows, cols],
                &pixels.values([rows, cols], self.seed)?,
                coils.values([rows, cols])?,
            )?),
            Degradation::Fourier(pixels, None) if channels == 1 => Arc::new(Mri::new(
                Field::Real,
                [rows, cols],
                &pixels.values([rows, cols], self.seed)?,
            )?),
            Degradation::Fourier(..) => {
                bail!("--task csmri: expected a gray image (--color gray), got {channels} channels")
            }
            Degradation::Lines { angles } => Arc::new(Radon::new(domain, *angles)?),
            Degradation::Coefficients { ratio } => Arc::new(CompressedSensing::new(domain, *ratio, self.seed)?),
            Degradation::Operator(operator) if operator.domain() == domain => Arc::clone(operator),
            Degradation::Operator(operator) => {
                bail!("x: expected an image of {:?}, got {domain:?}", operator.domain())
            }
        })
    }

    /// What a camera does: the operator on clean pictures `[C, H, W]`. It is [`Self::operator`] unless nothing is assumed of what lies
    /// beyond the border; then it keeps the part of the measurement that the picture determines.
    ///
    /// # Errors
    /// As [`Self::operator`], and if the picture determines nothing.
    pub fn camera(&self, picture: [usize; 3]) -> Result<Arc<dyn LinearOperator>> {
        Ok(match self.degradation.of_unknown_border() {
            Some((factor, kernel, phase)) => Arc::new(Determined::new(picture, factor, kernel, phase)?),
            None => self.operator(picture)?,
        })
    }

    /// The measurement of a clean image that fits the task, called `name`, and the part of the image that it shows.
    pub(crate) fn simulate(&self, clean: Image, name: &str) -> Result<(Image, Image)> {
        let [channels, rows, cols] = single(clean.dims())?;
        let Some([top, left]) = self.degradation.determined([rows, cols])? else {
            let operator = self.operator([channels, rows, cols])?;
            let y = self.measure(operator.as_ref(), clean.clone(), name)?;
            return Ok((y, clean));
        };
        let factor = self.degradation.of_unknown_border().map_or(1, |(factor, ..)| factor);
        let y = self.noisy(self.camera([channels, rows, cols])?.apply(clean.clone())?, name)?;
        let truth = clean.slice([
            0..1,
            0..channels,
            factor * top.start..factor * top.end,
            factor * left.start..factor * left.end,
        ]);
        Ok((y, truth))
    }

    /// y = A x + n for a clean image x called `name`, n drawn by the seed and the name.
    pub(crate) fn measure(&self, operator: &dyn LinearOperator, clean: Image, name: &str) -> Result<Image> {
        self.noisy(operator.apply(clean)?, name)
    }

    /// A x with noise.
    fn noisy(&self, y: Image, name: &str) -> Result<Image> {
        let model = &self.noise_model.model;
        if model.is_varying() {
            let noisy = model.sample(&y, self.seed, noise::stream_from_name(name))?;
            return Ok(y.clone() + self.where_measured(noisy - y)?);
        }
        let noise = self.noise_image(y.dims(), self.noise, name, &y.device())?;
        Ok(y + noise)
    }

    /// Noise of level `sigma` for a measurement of shape `dims`, drawn by the seed and the name.
    pub fn noise_image(&self, dims: [usize; 4], sigma: Sigma, name: &str, device: &Device) -> Result<Image> {
        self.where_measured(noise::gaussian(
            dims,
            sigma,
            self.seed,
            noise::stream_from_name(name),
            device,
        )?)
    }

    /// What is not measured carries no noise either: it is zero in the measurement.
    fn where_measured(&self, noise: Image) -> Result<Image> {
        let ([_, channels, rows, cols], device) = (noise.dims(), noise.device());
        Ok(match &self.degradation {
            Degradation::Holes(pixels) | Degradation::Fourier(pixels, _) => {
                let mask: Tensor<4> =
                    image_from_vec(pixels.values([rows, cols], self.seed)?, [1, 1, rows, cols], &device)?;
                noise * mask.repeat_dim(1, channels)
            }
            _ => noise,
        })
    }

    /// The first estimate, from which solvers start: the measurement where it is an image of the scene itself, else
    /// what the operator makes of it (filled holes, cubic interpolation, filtered back-projection, A^T y).
    pub fn start(&self, operator: &dyn LinearOperator, y: Image) -> Result<Image> {
        match self.degradation {
            // Their start is y, continued beyond its border where that is unknown.
            Degradation::Noise | Degradation::Blur { .. } if operator.domain() == operator.codomain() => Ok(y),
            _ => Ok(operator.start(y)?),
        }
    }

    /// What people see of a measurement: itself if it is a picture, else the first estimate.
    pub fn picture(&self, operator: &dyn LinearOperator, y: Image) -> Result<Image> {
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
            Degradation::Fourier(..)
            | Degradation::Lines { .. }
            | Degradation::Coefficients { .. }
            | Degradation::Operator(_) => PictureKind::Start,
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
pub fn single(dims: [usize; 4]) -> Result<[usize; 3]> {
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
    fn an_operator_of_ones_own_is_used_as_it_is() {
        let mask = Mask::random([1, 8, 8], 0.5, 7).unwrap();
        let task = Task::with_operator(Arc::new(mask.clone())).noise(Sigma::from_grey_levels(25.0).unwrap());
        let clean: Image = Tensor::full([1, 1, 8, 8], 0.5, &Device::flex());
        assert_eq!(task.degradation.domain([1, 8, 8]).unwrap(), [1, 8, 8]);
        let operator = task.operator([1, 8, 8]).unwrap();
        let kept: f32 = operator.apply(clean.clone()).unwrap().sum().into_scalar();
        assert_eq!(kept, 0.5 * mask.values().iter().sum::<f32>());
        assert!(task.operator([1, 8, 9]).is_err() && task.degradation.domain([1, 4, 8]).is_err());
        let restored = crate::Measurement::simulate("own", task, clean).unwrap();
        assert_eq!(restored.y.dims(), [1, 1, 8, 8]);
    }

    /// What a camera keeps of a picture is the valid part of its blur, and a picture of that size is told from it.
    #[test]
    fn a_camera_keeps_what_the_picture_determines() {
        let kernel = Kernel::gaussian(1.2, 5).unwrap();
        let task = Task::deblur(kernel.clone());
        let picture: Image = noise::gaussian([1, 1, 12, 10], Sigma::new(0.2).unwrap(), 3, 0, &Device::flex()).unwrap();
        let camera = task.camera([1, 12, 10]).unwrap();
        assert_eq!(camera.codomain(), [1, 8, 6]);
        assert_eq!(task.degradation.picture([1, 8, 6]).unwrap(), [1, 12, 10]);
        let periodic = Blur::new([1, 12, 10], &kernel, tweedie_operators::Boundary::Circular).unwrap();
        let inner = periodic
            .apply(picture.clone())
            .unwrap()
            .slice([0..1, 0..1, 2..10, 2..8]);
        let difference: f32 = (camera.apply(picture).unwrap() - inner).abs().max().into_scalar();
        assert!(difference < 1e-6, "{difference}");
    }

    #[test]
    fn clean_images_are_cropped_to_multiples_of_the_factor() {
        let kernel = Downsampling::default_kernel().unwrap();
        let sr = Degradation::Decimation {
            factor: 3,
            kernel,
            border: Border::Unknown,
            phase: 0,
        };
        let clean: Image = Tensor::zeros([1, 1, 8, 10], &Device::flex());
        assert_eq!(sr.cropped(clean).dims(), [1, 1, 6, 9]);
        assert_eq!(sr.domain([1, 2, 3]).unwrap(), [1, 6, 9]);
    }
}
