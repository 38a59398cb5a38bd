//! Which network a configuration describes.

use burn::tensor::Device;
use serde::{Deserialize, Serialize};
use tweedie_imaging::SigmaSupport;

use crate::{
    CrrConfig, DncnnConfig, Error, FfdnetConfig, GradientStepConfig, LipschitzConfig, Network, RidgeConfig, UnetConfig,
};

/// The architecture of a denoiser, as it stands in a configuration file under `[architecture]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Architecture {
    /// A stack of 3x3 convolutions at full resolution.
    Dncnn(DncnnConfig),
    /// A stack of 3x3 convolutions at half resolution.
    Ffdnet(FfdnetConfig),
    /// A U-Net of residual blocks.
    Unet(UnetConfig),
    /// A step of gradient descent on a known potential.
    GradientStep(GradientStepConfig),
    /// Firmly nonexpansive by its weights.
    Lipschitz(LipschitzConfig),
    /// A step of gradient descent on a convex ridge regulariser.
    Ridge(RidgeConfig),
    /// A convex ridge regulariser.
    Crr(CrrConfig),
}

impl Architecture {
    /// Checks the configuration and makes a network with seeded He-normal weights.
    ///
    /// # Errors
    /// [`Error::Config`] naming the key that is out of range.
    pub fn init(&self, seed: u64, device: &Device) -> Result<Network, Error> {
        Ok(match self {
            Self::Dncnn(config) => Network::Dncnn(config.init(seed, device)?),
            Self::Ffdnet(config) => Network::Ffdnet(config.init(seed, device)?),
            Self::Unet(config) => Network::Unet(config.init(seed, device)?),
            Self::GradientStep(config) => Network::GradientStep(config.init(seed, device)?),
            Self::Lipschitz(config) => Network::Lipschitz(config.init(seed, device)?),
            Self::Ridge(config) => Network::Ridge(config.init(seed, device)?),
            Self::Crr(config) => Network::Crr(config.init(seed, device)?),
        })
    }

    /// Image channels that the network takes and gives.
    pub fn channels(&self) -> usize {
        match self {
            Self::Dncnn(config) => config.channels,
            Self::Ffdnet(config) => config.channels,
            Self::Unet(config) => config.channels,
            Self::GradientStep(config) => config.channels,
            Self::Lipschitz(config) => config.channels,
            Self::Ridge(config) => config.channels,
            Self::Crr(_) => 1,
        }
    }

    /// Whether the network does not read the noise level.
    pub fn is_blind(&self) -> bool {
        matches!(
            self,
            Self::Crr(_)
                | Self::Dncnn(DncnnConfig {
                    conditioning: crate::dncnn::Conditioning::Blind,
                    ..
                })
        )
    }

    /// Side length in pixels of the input region that one output pixel depends on.
    pub fn receptive_field(&self) -> usize {
        match self {
            Self::Dncnn(config) => config.receptive_field(),
            Self::Ffdnet(config) => config.receptive_field(),
            Self::Unet(config) => config.receptive_field(),
            Self::GradientStep(config) => config.receptive_field(),
            Self::Lipschitz(config) => config.receptive_field(),
            Self::Ridge(config) => config.receptive_field(),
            Self::Crr(config) => config.receptive_field(),
        }
    }

    /// The network treats an image as it treats a part of it that starts at a multiple of this.
    pub fn size_multiple(&self) -> usize {
        match self {
            Self::Dncnn(_) | Self::Ridge(_) | Self::Crr(_) => 1,
            Self::Ffdnet(_) | Self::GradientStep(_) | Self::Lipschitz(_) => 2,
            Self::Unet(config) => config.size_multiple(),
        }
    }

    /// What holds by construction for every checkpoint that training saves, if anything.
    pub fn theory(&self) -> Option<&'static str> {
        match self {
            Self::Dncnn(_) | Self::Ffdnet(_) | Self::Unet(_) | Self::Crr(_) => None,
            Self::GradientStep(_) => Some("D = x - grad g with g known: the Jacobian is symmetric"),
            Self::Lipschitz(_) => Some("D is averaged, so nonexpansive, for images of every size"),
            Self::Ridge(_) => {
                Some("D = x - grad g with g known and convex: the proximal operator of a convex function")
            }
        }
    }

    /// Whether the network takes the image for periodic: then a part of it is no image of its own.
    pub fn is_periodic(&self) -> bool {
        matches!(
            self,
            Self::Dncnn(DncnnConfig {
                padding: crate::Padding::Circular,
                ..
            })
        )
    }

    /// The noise levels that a network of this architecture supports, given the range that it was trained on: a network
    /// of one level is for this level, also where it does not read it.
    pub fn sigma_support(&self, trained: SigmaSupport) -> SigmaSupport {
        match trained {
            SigmaSupport::Range { min, max } if min == max => trained,
            _ if self.is_blind() => SigmaSupport::Blind,
            _ => trained,
        }
    }
}

/// Refuses a configuration value below `min` or above `max`.
pub(crate) fn require_range(key: &'static str, value: usize, min: usize, max: usize) -> Result<(), Error> {
    if (min..=max).contains(&value) {
        return Ok(());
    }
    Err(Error::Config {
        key,
        expected: format!("{min} to {max}"),
        got: value.to_string(),
    })
}
