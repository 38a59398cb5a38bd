//! A denoiser that is nonexpansive, and averaged, by its weights.

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

use super::kind::{Facts, NetworkKind, NoiseInput, Proven, one, require_range};
use super::phases::{image_from_phases, phases_from_image, zero_extended};
use super::spectral::{F32_ROUNDING, PowerIteration, Weight, limited, norm_bound};
use super::splines::{clamped_slopes, initial_slopes, scale, slope_range};
use crate::files::onnx::graph::Graph;
use crate::{Activation, Activations, Conv3x3, Error};

/// Configuration of [`Lipschitz`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LipschitzConfig {
    /// Image channels: 1 or 3.
    #[serde(default = "one")]
    pub channels: usize,
    /// Proximal layers, two convolutions each.
    pub blocks: usize,
    /// Channels of the layers, at least the four phases of each image channel.
    pub width: usize,
    /// Segments of a spline, each 0.05 units of the noise long; the last one has no end.
    pub segments: usize,
}

/// Proximal layers one after the other (after Hertrich, Neumayer and Steidl 2021, "Convolutional proximal neural networks
/// and plug-and-play algorithms"): `a <- a - W^T phi(W a + b)` with `||W|| <= 1` and odd linear splines phi with slopes in
/// [0, 1], so each layer is a step of gradient descent on a convex function and firmly nonexpansive; L of them are
/// L/(L+1)-averaged (Combettes and Yamada 2015). Plug-and-play by proximal gradient descent needs no more; ADMM and
/// Douglas-Rachford splitting need a firmly nonexpansive D, which more than one layer is not.
///
/// The layers work on the four phases of x / s at half resolution, s = sigma + 1e-4, with channels of zeros beside them:
/// both are isometries, and the result is read off the same channels times s, so D is averaged as the layers are.
#[derive(Module, Debug)]
pub struct Lipschitz {
    blocks: Vec<Block>,
    #[module(skip)]
    config: LipschitzConfig,
}

/// W, b, and the slopes of phi.
#[derive(Module, Debug)]
struct Block {
    conv: Conv3x3,
    slopes: Param<Tensor<2>>,
}

impl Block {
    fn forward(&self, a: Activations) -> Activations {
        let coefficients = self.conv.forward(a.clone(), Activation::None);
        a - self.conv.transposed(coefficients.spline(self.slopes.val()))
    }

    fn weight(&self) -> Result<Weight, Error> {
        let [cout, cin, _, _] = self.conv.weight.val().dims();
        Ok(Weight {
            values: self.conv.weight_values()?,
            cout,
            cin,
            side: 3,
        })
    }

    /// The block with slopes in [0, 1] and other weights.
    fn constrained(self, values: Vec<f32>) -> Result<Self, Error> {
        Ok(Self {
            conv: self.conv.with_weight(values),
            slopes: clamped_slopes(self.slopes)?,
        })
    }
}

impl NetworkKind for Lipschitz {
    type Config = LipschitzConfig;

    /// The weights meet no bound yet.
    fn init(config: &LipschitzConfig, seed: u64, device: &Device) -> Result<Self, Error> {
        let &LipschitzConfig {
            channels,
            blocks,
            width,
            segments,
        } = config;
        require_range("architecture.channels", channels, 1, 3)?;
        require_range("architecture.blocks", blocks, 1, 64)?;
        require_range("architecture.width", width, 4 * channels, 1024)?;
        require_range("architecture.segments", segments, 2, 256)?;
        let block = |index: usize| Block {
            conv: Conv3x3::init([width, width], true, 1.0, seed, index as u64, device),
            slopes: initial_slopes([width, segments], (2 * blocks + index) as u64, device),
        };
        Ok(Self {
            blocks: (0..blocks).map(block).collect(),
            config: config.clone(),
        })
    }

    fn facts(config: &LipschitzConfig) -> Facts {
        Facts {
            channels: config.channels,
            noise: NoiseInput::Level,
            receptive_field: config.blocks.saturating_mul(8).saturating_add(2),
            size_multiple: 2,
            quarters: None,
            periodic: false,
            theory: Some("D is averaged, so nonexpansive, for images of every size"),
            theory_needs_f32: true,
            trainable: true,
            stretchable: false,
        }
    }

    fn description(config: &LipschitzConfig) -> String {
        format!(
            "{} proximal layers of {} channels at half resolution; reads the noise level",
            config.blocks, config.width
        )
    }

    /// Beyond the borders of an odd size the image is zero, as convolutions take it.
    fn forward(&self, x: Tensor<4>, sigma: Tensor<1>) -> Tensor<4> {
        let [n, c, h, w] = x.dims();
        let s = scale(sigma);
        let phases = phases_from_image(zero_extended(x / s.clone(), 2));
        let [_, p, hp, wp] = phases.dims();
        let zeros = Tensor::zeros([n, self.config.width - p, hp, wp], &phases.device());
        let input = match p == self.config.width {
            true => phases,
            false => Tensor::cat(vec![phases, zeros], 1),
        };
        let output = self
            .blocks
            .iter()
            .fold(Activations::pack(input), |a, block| block.forward(a));
        let image = image_from_phases(output.unpack().narrow(1, 0, p));
        image.slice([0..n, 0..c, 0..h, 0..w]) * s
    }

    /// What the weights prove, for images of every size.
    fn proven(&self) -> Result<Proven, Error> {
        let (mut lipschitz, mut ratio) = (1.0, Some(0.0));
        for block in &self.blocks {
            let square = norm_bound(&block.weight()?).powi(2);
            let [least, largest] = slope_range(&block.slopes)?;
            // I - W^T S W with least <= S <= largest.
            lipschitz *= (1.0 - square * least.min(0.0)).max(square * largest - 1.0);
            // With slopes >= 0 the layer is alpha-averaged, and alpha / (1 - alpha) add up.
            let alpha = 0.5 * square * largest;
            ratio = ratio
                .filter(|_| least >= 0.0 && alpha < 1.0)
                .map(|sum| sum + alpha / (1.0 - alpha));
        }
        Ok(Proven {
            lipschitz: Some(lipschitz),
            averaged: ratio.map(|sum| sum / (1.0 + sum)),
            ..Proven::default()
        })
    }

    /// Scales down every layer whose norm is not proven to be at most 1.
    fn certified(self) -> Result<Self, Error> {
        let certify = |mut block: Block| {
            loop {
                let mut weight = block.weight()?;
                let bound = norm_bound(&weight);
                let factor = ((1.0 - F32_ROUNDING) / bound).min(1.0) as f32;
                weight.values.iter_mut().for_each(|value| *value *= factor);
                block = block.constrained(weight.values)?;
                if bound <= 1.0 {
                    return Ok(block);
                }
            }
        };
        let blocks = self.blocks.into_iter().map(certify).collect::<Result<_, Error>>()?;
        Ok(Self { blocks, ..self })
    }

    /// The network that a training step differentiates: one step of power iteration for each layer, and W over its norm
    /// where that is above the target. `iterations` go on from step to step.
    ///
    /// The norm is differentiated too (as Miyato et al. 2018). Scaling W after a step of Adam instead, or pulling its
    /// largest singular value down, made the loss rise in the long run: the gradient always asks for larger weights, Adam
    /// gives every weight a step of the same size, and what is left of it after the projection leads nowhere.
    fn normalised(&self, iterations: &mut Vec<PowerIteration>) -> Result<Self, Error> {
        let normalise = |(index, block): (usize, &Block)| {
            let weight = [block.weight()?];
            let device = block.conv.weight.val().device();
            let plain = device.clone().without_autodiff();
            if iterations.len() == index {
                iterations.push(PowerIteration::new(&weight, index as u64, &plain)?);
            }
            iterations[index].step(&weight, &plain)?;
            let norm = iterations[index].norm(std::slice::from_ref(&block.conv), &device);
            Ok(Block {
                conv: block.conv.with_tensor(limited(block.conv.weight.val(), norm)),
                slopes: block.slopes.clone(),
            })
        };
        Ok(Self {
            blocks: self
                .blocks
                .iter()
                .enumerate()
                .map(normalise)
                .collect::<Result<_, Error>>()?,
            config: self.config.clone(),
        })
    }

    /// Slopes in [0, 1].
    fn clamped(self) -> Result<Self, Error> {
        let clamp = |block: Block| {
            Ok(Block {
                slopes: clamped_slopes(block.slopes)?,
                ..block
            })
        };
        let blocks = self.blocks.into_iter().map(clamp).collect::<Result<_, Error>>()?;
        Ok(Self { blocks, ..self })
    }

    fn onnx(_config: &LipschitzConfig, _graph: &mut Graph) -> Result<(), &'static str> {
        Err("a lipschitz network")
    }
}
