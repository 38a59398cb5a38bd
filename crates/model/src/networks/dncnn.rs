//! DnCNN: a stack of 3x3 convolutions at full resolution.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

use super::kind::{Facts, NetworkKind, NoiseInput, one, require_range, yes};
use super::stack::{self, SMALL_GAIN, Widths};
use crate::files::import::stack::Shape;
use crate::files::onnx::frame::{finish, plain_stack};
use crate::files::onnx::graph::{Graph, IMAGE};
use crate::run::periodic;
use crate::{Conv3x3, Error};

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

/// A plain convolutional denoiser, ReLU between the layers, no batch normalisation (Zhang et al. 2017, with a noise
/// map as in FFDNet where it is conditioned).
#[derive(Module, Debug)]
pub struct Dncnn {
    layers: Vec<Conv3x3>,
    #[module(skip)]
    config: DncnnConfig,
}

impl NetworkKind for Dncnn {
    type Config = DncnnConfig;

    fn init(config: &DncnnConfig, seed: u64, device: &Device) -> Result<Self, Error> {
        require_range("architecture.channels", config.channels, 1, 3)?;
        require_range("architecture.depth", config.depth, 2, 64)?;
        require_range("architecture.width", config.width, 1, 1024)?;
        let widths = Widths {
            inputs: config.inputs(),
            between: config.width,
            outputs: config.channels,
        };
        Ok(Self {
            layers: widths.init(config.depth, config.bias, SMALL_GAIN, seed, device),
            config: config.clone(),
        })
    }

    fn facts(config: &DncnnConfig) -> Facts {
        let blind = config.conditioning == Conditioning::Blind;
        Facts {
            channels: config.channels,
            noise: if blind { NoiseInput::Blind } else { NoiseInput::Map },
            receptive_field: config.depth.saturating_mul(2).saturating_add(1),
            size_multiple: 1,
            quarters: None,
            periodic: config.padding == Padding::Circular,
            theory: None,
            theory_needs_f32: false,
            trainable: true,
            stretchable: blind,
        }
    }

    fn description(config: &DncnnConfig) -> String {
        let body = format!("{} convolutions of {} channels", config.depth, config.width);
        let padding = match config.padding {
            Padding::Zero => "zero",
            Padding::Circular => "circular",
        };
        let reads = match config.conditioning {
            Conditioning::NoiseMap => "reads",
            Conditioning::Blind => "does not read",
        };
        stack::description(&body, config.bias, padding, config.residual, reads)
    }

    fn forward(&self, x: Tensor<4>, sigma: Tensor<1>) -> Tensor<4> {
        let [n, _, h, w] = x.dims();
        let map = sigma.reshape([n, 1, 1, 1]).expand([n, 1, h, w]);
        self.denoise(x, map)
    }

    fn forward_map(&self, x: Tensor<4>, map: Tensor<4>) -> Option<Tensor<4>> {
        (self.config.conditioning == Conditioning::NoiseMap).then(|| self.denoise(x, map))
    }

    fn onnx(config: &DncnnConfig, graph: &mut Graph) -> Result<(), &'static str> {
        if config.padding == Padding::Circular {
            return Err("circular padding");
        }
        let input = match config.conditioning {
            Conditioning::NoiseMap => graph.with_noise_map(IMAGE, None),
            Conditioning::Blind => IMAGE.to_owned(),
        };
        let output = plain_stack(graph, config.depth, input);
        finish(graph, &output, config.residual);
        Ok(())
    }

    fn exported_stack(config: &DncnnConfig) -> Option<Shape> {
        Some(Shape {
            inputs: config.inputs(),
            width: config.width,
            outputs: config.channels,
            depth: config.depth,
            bias: config.bias,
        })
    }
}

impl DncnnConfig {
    /// Channels of the image, and the noise map. From a file's metadata the number may be anything.
    fn inputs(&self) -> usize {
        self.channels
            .saturating_add(usize::from(self.conditioning == Conditioning::NoiseMap))
    }
}

impl Dncnn {
    /// D(x, map); the map is `[N, 1, H, W]` and ignored by a blind network.
    fn denoise(&self, x: Tensor<4>, map: Tensor<4>) -> Tensor<4> {
        let input = match self.config.conditioning {
            Conditioning::Blind => x.clone(),
            Conditioning::NoiseMap => Tensor::cat(vec![x.clone(), map], 1),
        };
        let output = match self.config.padding {
            Padding::Zero => stack::forward(&self.layers, input),
            // Zeros beyond the border reach one pixel further with every layer.
            Padding::Circular => {
                let margin = self.layers.len();
                periodic::crop(stack::forward(&self.layers, periodic::wrap(input, margin)), margin)
            }
        };
        if self.config.residual { x - output } else { output }
    }
}
