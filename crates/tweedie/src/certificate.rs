//! Certificates: what a denoiser is measured and proven to be, and which theorems that serves.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use burn::tensor::Device;
use serde::Serialize;
use serde_json::Value;
use toml::Table;
use tweedie_denoisers::{Classical, TotalVariation};
use tweedie_imaging::{ColorMode, DifferentiableDenoiser, HostDenoiser, Image, Sigma, image_from_vec, read_array};
use tweedie_solver::certify::{
    CertifyOptions, Known, LevelMeasures, Subject, Theorem, certify, certify_patches, verdict,
};

use crate::checkpoint::{self, Checkpoint, Kind};
use crate::error::{bail, usage};
use crate::known::{known_of_classical, known_of_network};
use crate::task::single;
use crate::{Events, Result, inputs};

/// On what a denoiser is measured.
pub enum Patches {
    /// Patches of clean images, to which noise is added.
    Of {
        /// The images, `[1, C, H, W]`.
        images: Vec<Image>,
        /// Size, number and seed.
        options: CertifyOptions,
    },
    /// Patches `[1, C, H, W]` that hold their noise already.
    Noisy(Vec<Image>),
}

/// What was measured of a denoiser, and what follows.
#[derive(Clone, Debug)]
pub struct Certificate {
    /// At each level.
    pub levels: Vec<LevelMeasures>,
    /// What all levels say of each theorem.
    pub theorems: Vec<Theorem>,
}

/// One level, as the JSON has it: the measures, with the level in grey levels, and what they say of each theorem.
#[derive(Clone, Debug, Serialize)]
pub struct Level {
    #[serde(flatten)]
    measures: Value,
    theorems: Vec<Theorem>,
}

impl Certificate {
    /// Measures a denoiser on 17 patches of 16x16 pixels of clean images at each level.
    ///
    /// # Errors
    /// If the images have other channels than the denoiser, or are smaller than a patch.
    pub fn measure(checkpoint: &Checkpoint, images: &[Image], levels: &[Sigma]) -> Result<Self> {
        let patches = Patches::Of {
            images: images.to_vec(),
            options: CertifyOptions {
                patch: 16,
                samples: 17,
                seed: 0,
            },
        };
        let subject = Certifying::new(checkpoint, &patches)?;
        let levels = levels
            .iter()
            .map(|&sigma| subject.measure(sigma))
            .collect::<Result<Vec<_>>>()?;
        Ok(Self {
            theorems: subject.theorems(&levels),
            levels,
        })
    }
}

/// A denoiser that is to be measured, and what is proven of it.
pub struct Certifying<'a> {
    denoiser: Measured,
    known: Known,
    patches: &'a Patches,
}

/// A denoiser with the way to its derivatives.
enum Measured {
    Autodiff(Arc<dyn DifferentiableDenoiser>),
    Differences(Arc<dyn HostDenoiser>),
}

impl<'a> Certifying<'a> {
    /// Collects what is proven of a denoiser.
    ///
    /// # Errors
    /// If the weights cannot be read back from the device.
    pub fn new(checkpoint: &'a Checkpoint, patches: &'a Patches) -> Result<Self> {
        let (denoiser, known) = match &checkpoint.kind {
            Kind::Network { denoiser, .. } => {
                let known = known_of_network(denoiser)?;
                (Measured::Autodiff(Arc::clone(denoiser) as _), known)
            }
            Kind::Classical { method, denoiser } => (
                Measured::Differences(Arc::clone(denoiser)),
                known_of_classical(*method, patches.sides()),
            ),
            Kind::Linear(denoiser) => {
                let known = Known {
                    gradient_step: true,
                    // g = 1/2 x^T (I - W) x is not negative.
                    regular_potential: true,
                    lipschitz: Some(1.0),
                    ..Known::default()
                };
                (Measured::Autodiff(Arc::clone(denoiser) as _), known)
            }
        };
        let wrapping = checkpoint.wrapping;
        let denoiser = match denoiser {
            Measured::Autodiff(denoiser) => wrapping.differentiable(denoiser).map(Measured::Autodiff),
            plain @ Measured::Differences(_) => wrapping.is_plain().then_some(plain),
        };
        let denoiser = denoiser.ok_or_else(|| {
            usage("certify: expected no denoiser.equivariant=random, and for a denoiser without weights no wrapping at all")
        })?;
        // The average over flips and turns keeps all that is known of D.
        let known = wrapping.relaxation.map_or(known, |share| known.relaxed(share));
        Ok(Self {
            denoiser,
            known,
            patches,
        })
    }

    fn subject(&self) -> Subject<'_> {
        match &self.denoiser {
            Measured::Autodiff(denoiser) => Subject::Autodiff(denoiser.as_ref()),
            Measured::Differences(denoiser) => Subject::Differences(denoiser.as_ref()),
        }
    }

    /// Measures at one level.
    ///
    /// # Errors
    /// If the patches do not fit the denoiser, or the device fails.
    pub fn measure(&self, sigma: Sigma) -> Result<LevelMeasures> {
        Ok(match self.patches {
            Patches::Noisy(patches) => certify_patches(self.subject(), patches, sigma)?,
            Patches::Of { images, options } => certify(self.subject(), images, sigma, *options)?,
        })
    }

    /// What these levels say of each theorem.
    pub fn theorems(&self, levels: &[LevelMeasures]) -> Vec<Theorem> {
        verdict(levels, self.known)
    }

    /// A level for the JSON; `sigma` is in grey levels, as it was given.
    ///
    /// # Errors
    /// If a measure cannot be written.
    pub fn level(&self, sigma: f64, measures: &LevelMeasures) -> Result<Level> {
        let mut object = serde_json::to_value(measures)?;
        object["sigma"] = sigma.into();
        Ok(Level {
            measures: object,
            theorems: self.theorems(std::slice::from_ref(measures)),
        })
    }
}

/// Loads a denoiser to be measured: one that iterates to a tolerance gets a tight one, since difference quotients need
/// far more digits than images.
///
/// # Errors
/// As [`checkpoint::load`].
pub fn load(name: &str, mut settings: Table, device: &Device, events: &dyn Events) -> Result<Checkpoint> {
    if name == Classical::TotalVariation.name() && !settings.contains_key("tolerance") {
        settings.insert("tolerance".to_owned(), TotalVariation::TIGHT_TOLERANCE.into());
    }
    checkpoint::load(name, settings, device, events)
}

impl Patches {
    /// Height and width of the patches, where there are any.
    fn sides(&self) -> Option<[usize; 2]> {
        match self {
            Self::Of { options, .. } => Some([options.patch; 2]),
            Self::Noisy(patches) => patches.first().map(|patch| {
                let [_, _, height, width] = patch.dims();
                [height, width]
            }),
        }
    }

    /// Patches of the clean images that `data` names, for a denoiser of `channels` channels (0: any).
    ///
    /// # Errors
    /// Names the image that cannot be read, or has other channels.
    pub fn of_images(
        data: &[PathBuf],
        color: ColorMode,
        channels: usize,
        options: CertifyOptions,
        device: &Device,
        events: &dyn Events,
    ) -> Result<Self> {
        let inputs = inputs::expand(data, events)?;
        // More images than patches are not looked at.
        let first = inputs.iter().take(options.samples);
        let images = first.map(|input| {
            let read = || {
                let image = events.read_image(&input.path, color)?;
                single(image.dims)?;
                let [_, _, h, w] = image.dims;
                if h.min(w) < options.patch {
                    bail!(
                        "expected at least {0}x{0} pixels, the side of a patch, got {h}x{w}",
                        options.patch
                    );
                }
                if channels != 0 && image.dims[1] != channels {
                    bail!("expected {channels} channel(s), got {}; see --color", image.dims[1]);
                }
                Ok(image.image(device)?)
            };
            read().map_err(|error: crate::Error| error.in_file(&input.path))
        });
        Ok(Self::Of {
            images: images.collect::<Result<_>>()?,
            options,
        })
    }

    /// The patches of an array `[N, H, W]` in grey levels, which hold their noise already.
    ///
    /// # Errors
    /// Names the file.
    pub fn read_noisy(path: &Path, device: &Device, events: &dyn Events) -> Result<Self> {
        let patches = noisy(path, device, events).map_err(|error| error.in_file(path))?;
        Ok(Self::Noisy(patches))
    }
}

/// The patches of an array in grey levels.
fn noisy(path: &Path, device: &Device, events: &dyn Events) -> Result<Vec<Image>> {
    events.hash_file(path)?;
    let array = read_array(path)?;
    let [_, h @ 2..=64, w @ 2..=64] = array.shape[..] else {
        bail!(
            "expected an array [N, H, W] with H and W from 2 to 64, got shape {:?}",
            array.shape
        );
    };
    let patch = |values: &[f64]| {
        let values = values.iter().map(|v| (v / 255.0) as f32).collect();
        Ok(image_from_vec(values, [1, 1, h, w], device)?)
    };
    array.values.chunks(h * w).map(patch).collect()
}
