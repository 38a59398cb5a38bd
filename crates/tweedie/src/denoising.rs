//! One picture denoised, with noise that is given or estimated.

use burn::tensor::Device;
use tweedie_imaging::{Image, JpegCompression, SigmaSupport, vec_from_image};
use tweedie_operators::NoiseModel;

use crate::checkpoint::require_finite;
use crate::choice::Choice;
use crate::measured_noise::estimate_noise;
use crate::noise_level::{Noise, NoiseUsed, grey_levels};
use crate::noise_option::NoiseOption;
use crate::task::Task;
use crate::{Events, Result};

/// What is taken away may exceed the noise by this factor before a warning: more than noise went.
const TAKEN: f64 = 1.5;

/// What is taken away, in grey levels, is no reason for a warning up to here, whatever the noise.
const UNSEEN: f64 = 2.0;

/// A denoised picture.
#[derive(Clone, Debug)]
pub struct Denoised {
    /// It.
    pub image: Image,
    /// The noise that was taken.
    pub noise: NoiseUsed,
    /// What looks wrong, and what to try; empty if nothing does.
    pub warnings: Vec<String>,
}

/// Denoisers and the noise that their pictures have.
pub struct Denoising<'a> {
    checkpoints: &'a Choice,
    option: &'a NoiseOption,
    /// `None` where each picture has to tell.
    given: Option<Noise>,
    events: &'a dyn Events,
}

impl<'a> Denoising<'a> {
    /// With these checkpoints, for pictures on `device` that have the noise of `option`.
    ///
    /// # Errors
    /// If a map of levels cannot be read.
    pub fn new(
        checkpoints: &'a Choice,
        option: &'a NoiseOption,
        device: &Device,
        events: &'a dyn Events,
    ) -> Result<Self> {
        Ok(Self {
            checkpoints,
            option,
            given: Noise::given(option, events, device)?,
            events,
        })
    }

    /// Denoises a picture `[N, C, H, W]` called `name`; `compression` is that of its file.
    ///
    /// An estimated level outside the checkpoint's range becomes the nearest in it, with a note; one that was given is refused. A map goes
    /// into the network if it reads one, with levels moved into its range; else see [`NoiseModel::denoise`].
    ///
    /// # Errors
    /// If the noise cannot be estimated, a map does not fit, the level is refused, or the denoiser fails.
    pub fn denoise(&self, name: &str, image: Image, compression: Option<&JpegCompression>) -> Result<Denoised> {
        let mut noise = match &self.given {
            Some(noise) => noise.clone(),
            None => {
                let noise = estimate_noise(self.option, &Task::denoise(), &image, compression)?;
                self.events.note(&format!("{name}: {}", noise.line()));
                noise
            }
        };
        let checkpoint = self.checkpoints.of_channels(image.dims()[1]);
        checkpoint.note_channels(image.dims()[1], self.events);
        let denoiser = checkpoint.for_channels(image.dims()[1])?;
        let mut used = noise.model.clone();
        if let (None, NoiseModel::White(found)) = (&self.given, &noise.model) {
            let level = denoiser.info().sigma.nearest(*found);
            if level != *found {
                self.events.note(&format!(
                    "{name}: {:.2} grey levels is the nearest noise that the checkpoint takes",
                    level.grey_levels()
                ));
                noise.used.level_grey_levels = grey_levels(level);
            }
            used = NoiseModel::White(level);
        }
        let denoised = match used {
            NoiseModel::White(level) => denoiser.denoise(image.clone(), level)?,
            NoiseModel::Map(map) if checkpoint.takes_maps() && map.dims()[1] == 1 => {
                let (least, most) = match denoiser.info().sigma {
                    SigmaSupport::Blind => (0.0, f64::INFINITY),
                    SigmaSupport::Range { min, max } => (min.value(), max.value()),
                };
                let map = map.repeat_dim(0, image.dims()[0]).clamp(least, most);
                checkpoint.denoise_map(image.clone(), map)?
            }
            model => model.denoise(denoiser.as_ref(), image.clone())?,
        };
        if noise.model.is_varying() {
            noise.used.level_grey_levels = grey_levels(noise.model.level(&image)?);
        }
        // Devices work in the background: the image is there when its values are.
        require_finite(&checkpoint.name, &vec_from_image(&denoised)?)?;
        let taken = vec_from_image(&(denoised.clone() - image))?;
        let taken = 255.0 * (taken.iter().map(|&v| f64::from(v).powi(2)).sum::<f64>() / taken.len() as f64).sqrt();
        let level = noise.used.level_grey_levels;
        let warnings = (taken > TAKEN * level.max(UNSEEN)).then(|| {
            format!("{taken:.1} grey levels were taken away where the noise is {level:.1}: detail may be lost, try a smaller level")
        });
        Ok(Denoised {
            image: denoised,
            noise: noise.used,
            warnings: warnings.into_iter().collect(),
        })
    }
}
