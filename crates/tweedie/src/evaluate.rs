//! Denoising in numbers: PSNR and SSIM on clean images with noise.

use std::path::PathBuf;
use std::time::Instant;

use burn::tensor::Device;
use serde::Serialize;
use tweedie_imaging::{ColorMode, Image, Sigma, noise, psnr, ssim, vec_from_image};

use crate::checkpoint::{Checkpoint, require_finite};
use crate::error::Context as _;
use crate::events::Progress;
use crate::inputs::Input;
use crate::published::{self, Published};
use crate::task::single;
use crate::{Events, Result, output};

/// What is measured, levels apart.
#[derive(Clone, Debug)]
pub struct Evaluation {
    /// Folders of clean images, or images.
    pub data: Vec<PathBuf>,
    /// How they are read.
    pub color: ColorMode,
    /// Seed of the noise.
    pub seed: u64,
}

/// One level, as the JSON has it.
#[derive(Clone, Debug, Serialize)]
pub struct Level {
    /// In grey levels.
    pub sigma: f64,
    /// Mean over the images, range 1, the estimate clipped.
    pub psnr_db: Option<f64>,
    /// Mean over the images.
    pub ssim: Option<f64>,
    /// PSNR of the noisy images.
    pub psnr_input_db: Option<f64>,
    /// What the denoiser is wrapped in, such as an average over flips and turns, which is no figure of the network alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wrapping: Option<String>,
    /// What papers print for this set and level.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub published: Vec<Published>,
    /// Each image.
    pub images: Vec<Score>,
    /// Of the images as they were scored.
    #[serde(skip)]
    pub channels: usize,
}

impl Level {
    /// The first line of a table of levels, with a column for each of the published `methods`.
    pub fn header(methods: &[&str]) -> String {
        let columns: String = methods.iter().map(|method| format!("  {method:>6}")).collect();
        let [sigma, psnr, ssim, noisy, images] = ["sigma", "PSNR (dB)", "SSIM", "noisy (dB)", "images"];
        format!("{sigma:>8}  {psnr:>10}  {ssim:>7}  {noisy:>10}  {images:>6}{columns}")
    }

    /// The line of this level.
    pub fn row(&self, methods: &[&str]) -> String {
        let number =
            |value: Option<f64>, digits: usize| value.map_or(String::new(), |value| format!("{value:.digits$}"));
        let of_method = |method: &&str| {
            let found = self.published.iter().find(|published| published.method == *method);
            format!("  {:>6}", number(found.map(|published| published.psnr_db), 2))
        };
        let published: String = methods.iter().map(of_method).collect();
        format!(
            "{:>8}  {:>10}  {:>7}  {:>10}  {:>6}{published}",
            self.sigma,
            number(self.psnr_db, 2),
            number(self.ssim, 4),
            number(self.psnr_input_db, 2),
            self.images.len()
        )
    }
}

/// An image at a level.
#[derive(Clone, Debug, Serialize)]
pub struct Score {
    /// Name of the image.
    pub name: String,
    /// Range 1, the estimate clipped.
    pub psnr_db: f64,
    /// Gaussian window of 11 pixels.
    pub ssim: f64,
    /// Time of the denoiser.
    pub seconds: f64,
    /// PSNR of the noisy image.
    pub psnr_input_db: f64,
}

impl Evaluation {
    /// Measures a denoiser at a level, in grey levels; `inputs` are the images of [`Self::data`]. `None` if the listener
    /// cancelled.
    ///
    /// # Errors
    /// Names the image that cannot be read or denoised.
    pub fn level(
        &self,
        checkpoint: &Checkpoint,
        inputs: &[Input],
        sigma: (f64, Sigma),
        device: &Device,
        events: &dyn Events,
    ) -> Result<Option<Level>> {
        let (level, sigma) = sigma;
        let mut images = Vec::with_capacity(inputs.len());
        let mut channels = 0;
        for input in inputs {
            if events.is_cancelled() {
                return Ok(None);
            }
            events.progress(Progress::At(&format!("{} at {level}", input.name)));
            let one = || {
                let clean = events.read_image(&input.path, self.color)?.image(device)?;
                let [channels, ..] = single(clean.dims())?;
                checkpoint.note_channels(channels, events);
                Ok((channels, self.score(checkpoint, &input.name, clean, sigma)?))
            };
            let (of_image, score) = { one }().map_err(|error: crate::Error| error.in_file(&input.path))?;
            channels = of_image;
            images.push(score);
            events.progress(Progress::Done(1));
        }
        let mean = |of: fn(&Score) -> f64| output::mean(images.iter().map(of));
        Ok(Some(Level {
            sigma: level,
            psnr_db: mean(|score| score.psnr_db),
            ssim: mean(|score| score.ssim),
            psnr_input_db: mean(|score| score.psnr_input_db),
            wrapping: (!checkpoint.wrapping.is_plain()).then(|| checkpoint.wrapping.text()),
            published: self.published(images.len(), channels, level),
            images,
            channels,
        }))
    }

    /// What papers print for this folder with so many images of so many channels at a level in grey levels.
    pub fn published(&self, images: usize, channels: usize, level: f64) -> Vec<Published> {
        match self.data.as_slice() {
            [folder] => published::for_folder(folder, images, channels, level),
            _ => Vec::new(),
        }
    }

    /// Measures a denoiser at a level on a clean image `[1, C, H, W]` in memory, called `name`, by which its noise is drawn.
    ///
    /// # Errors
    /// As [`Checkpoint::denoise`], and for results that are not finite.
    pub fn score(&self, checkpoint: &Checkpoint, name: &str, clean: Image, sigma: Sigma) -> Result<Score> {
        let denoiser = checkpoint.for_channels(clean.dims()[1])?;
        let stream = noise::stream_from_name(name);
        let noisy = clean.clone() + noise::gaussian(clean.dims(), sigma, self.seed, stream, &clean.device())?;
        let started = Instant::now();
        let estimate = denoiser.denoise(noisy.clone(), sigma)?;
        // Devices work in the background: the image is there when its values are.
        let values = vec_from_image(&estimate)?;
        let seconds = started.elapsed().as_secs_f64();
        require_finite(&checkpoint.name, &values).with_context(|| format!("noise level {}", sigma.grey_levels()))?;
        Ok(Score {
            name: name.to_owned(),
            psnr_db: psnr(&estimate, &clean)?[0],
            ssim: ssim(&estimate, &clean)?[0],
            seconds,
            psnr_input_db: psnr(&noisy, &clean)?[0],
        })
    }
}
