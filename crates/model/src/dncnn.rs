//! DnCNN: a stack of 3x3 convolutions at full resolution.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

use crate::architecture::require_range;
use crate::conv::stack::{self, SMALL_GAIN, Widths};
use crate::{Conv3x3, Error, periodic};

/// How a network learns the noise level.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Conditioning {
    /// A further input channel holds sigma (in [0, 1] units) at every pixel.
    #[default]
    NoiseMap,
    /// Not at all: the network estimates the noise from the image.
    Blind,
}

/// What the convolutions see beyond the border of the image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Padding {
    /// Zeros, behind every layer.
    #[default]
    Zero,
    /// The image again, as if it were periodic.
    Circular,
}

/// Configuration of [`Dncnn`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DncnnConfig {
    /// Image channels: 1 or 3.
    #[serde(default = "one")]
    pub channels: usize,
    /// Number of convolutions, 2 or more.
    pub depth: usize,
    /// Channels between the convolutions.
    pub width: usize,
    /// Whether the convolutions have a bias. Without one, D is positively homogeneous of degree 1 in (x, sigma)
    /// (Mohan et al. 2020).
    #[serde(default = "yes")]
    pub bias: bool,
    /// Whether the network predicts the noise: D(x) = x - N(x).
    #[serde(default = "yes")]
    pub residual: bool,
    /// How the network learns the noise level.
    #[serde(default)]
    pub conditioning: Conditioning,
    /// What is beyond the border.
    #[serde(default)]
    pub padding: Padding,
}

pub(crate) fn one() -> usize {
    1
}

pub(crate) fn yes() -> bool {
    true
}

/// A plain convolutional denoiser, ReLU between the layers, no batch normalisation (Zhang et al. 2017, with a noise
/// map as in FFDNet where it is conditioned).
#[derive(Module, Debug)]
pub struct Dncnn {
    layers: Vec<Conv3x3>,
    #[module(skip)]
    config: DncnnConfig,
}

impl DncnnConfig {
    /// Checks the configuration and makes the network with seeded weights.
    ///
    /// # Errors
    /// [`Error::Config`] naming the key that is out of range.
    pub fn init(&self, seed: u64, device: &Device) -> Result<Dncnn, Error> {
        require_range("architecture.channels", self.channels, 1, 3)?;
        require_range("architecture.depth", self.depth, 2, 64)?;
        require_range("architecture.width", self.width, 1, 1024)?;
        let inputs = self.channels + usize::from(self.conditioning == Conditioning::NoiseMap);
        let widths = Widths {
            inputs,
            between: self.width,
            outputs: self.channels,
        };
        let layers = widths.init(self.depth, self.bias, SMALL_GAIN, seed, device);
        Ok(Dncnn {
            layers,
            config: self.clone(),
        })
    }

    /// Side length of the receptive field: 2 depth + 1.
    pub fn receptive_field(&self) -> usize {
        2 * self.depth + 1
    }
}

impl Dncnn {
    /// D(x, sigma).
    ///
    /// # Shapes
    /// `x`: `[N, C, H, W]`; `sigma`: `[N]`, in [0, 1] units (ignored by a blind network).
    pub fn forward(&self, x: Tensor<4>, sigma: Tensor<1>) -> Tensor<4> {
        let output = match self.config.padding {
            Padding::Zero => self.stack(x.clone(), sigma),
            // Zeros beyond the border reach one pixel further with every layer.
            Padding::Circular => {
                let margin = self.layers.len();
                periodic::crop(self.stack(periodic::wrap(x.clone(), margin), sigma), margin)
            }
        };
        if self.config.residual { x - output } else { output }
    }

    fn stack(&self, x: Tensor<4>, sigma: Tensor<1>) -> Tensor<4> {
        let [n, _, h, w] = x.dims();
        let input = match self.config.conditioning {
            Conditioning::Blind => x,
            Conditioning::NoiseMap => {
                let map = sigma.reshape([n, 1, 1, 1]).expand([n, 1, h, w]);
                Tensor::cat(vec![x, map], 1)
            }
        };
        stack::forward(&self.layers, input)
    }

    /// The configuration that the network was made with.
    pub fn config(&self) -> &DncnnConfig {
        &self.config
    }
}
