//! U-Nets of residual blocks, DRUNet among them.

mod blocks;
mod config;
mod onnx;
#[cfg(test)]
mod tests;

use burn::module::Module;
use burn::tensor::{Device, Tensor};

use super::kind::{Facts, NetworkKind, NoiseInput, require_range};
use super::phases::{extend_to, image_from_phases, mean_of_phases, phases_from_image};
use super::stack;
use crate::files::onnx::graph::Graph;
use crate::{Activation, Activations, Conv3x3, Error};
pub use blocks::{BlockActivation, Resampling};
use blocks::{LINEAR_GAIN, Layers, Resample, ResidualBlock, Trace, apply, traced, transposed};
pub use config::{Sizes, UnetConfig};

/// A U-Net of residual blocks (3x3 convolution, ReLU, 3x3 convolution), with additive skips and a noise map as one more
/// input channel, after DRUNet (Zhang et al. 2021, "Plug-and-play image restoration with deep denoiser prior").
///
/// A level is left and entered again by gathering the four phases as channels and a 3x3 convolution, or as DRUNet does by
/// 2x2 convolutions with stride 2: DRUNet is `widths = [64, 128, 256, 512], blocks = 4, unshuffle = 1, residual = false,
/// resampling = "strided"`.
#[derive(Module, Debug)]
pub struct Unet {
    head: Conv3x3,
    encoder: Vec<Down>,
    body: Vec<ResidualBlock>,
    decoder: Vec<Up>,
    tail: Conv3x3,
    #[module(skip)]
    config: UnetConfig,
}

/// Blocks, then half the resolution.
#[derive(Module, Debug)]
struct Down {
    blocks: Vec<ResidualBlock>,
    /// To the width of the next level.
    resample: Resample,
}

/// Twice the resolution, then blocks.
#[derive(Module, Debug)]
struct Up {
    /// From the width of the coarser level.
    resample: Resample,
    blocks: Vec<ResidualBlock>,
}

/// What [`Unet::transposed`] needs of a forward pass.
pub(super) struct Traces {
    encoder: Vec<Trace>,
    body: Trace,
    decoder: Vec<Trace>,
}

impl NetworkKind for Unet {
    type Config = UnetConfig;

    fn init(config: &UnetConfig, seed: u64, device: &Device) -> Result<Self, Error> {
        let &UnetConfig {
            ref widths,
            blocks,
            bias,
            resampling,
            ..
        } = config;
        require_range("architecture.channels", config.channels, 1, 3)?;
        require_range("architecture.unshuffle", config.unshuffle, 1, 2)?;
        require_range("architecture.widths (levels)", widths.len(), 1, 6)?;
        require_range("architecture.blocks", blocks, 1, 64)?;
        if let Some(level) = config.told.filter(|level| !(0.0..=255.0).contains(level)) {
            return Err(Error::Config {
                key: "architecture.told",
                expected: "a level from 0 to 255".to_owned(),
                got: level.to_string(),
            });
        }
        for &width in widths {
            require_range("architecture.widths", width, 1, 1024)?;
        }
        let mut layers = Layers {
            bias,
            seed,
            device,
            made: 0,
        };
        let pixels = config.unshuffle * config.unshuffle * config.channels;
        let (first, last) = (widths[0], widths[widths.len() - 1]);
        let head = layers.conv(pixels + 1, first, LINEAR_GAIN);
        let mut encoder = Vec::new();
        for pair in widths.windows(2) {
            encoder.push(Down {
                blocks: layers.blocks(blocks, pair[0]),
                resample: layers.down(resampling, [pair[0], pair[1]]),
            });
        }
        let body = layers.blocks(blocks, last);
        let mut decoder = Vec::new();
        for pair in widths.windows(2).rev() {
            decoder.push(Up {
                resample: layers.up(resampling, [pair[1], pair[0]]),
                blocks: layers.blocks(blocks, pair[0]),
            });
        }
        // A small last layer starts a residual network near D(x) = x, from where training is stable.
        let tail = layers.conv(first, pixels, 0.1);
        Ok(Self {
            head,
            encoder,
            body,
            decoder,
            tail,
            config: config.clone(),
        })
    }

    fn facts(config: &UnetConfig) -> Facts {
        Facts {
            channels: config.channels,
            noise: match config.told {
                Some(_) => NoiseInput::Blind,
                None => NoiseInput::Map,
            },
            receptive_field: config.receptive_field(),
            size_multiple: config.tile_multiple(),
            quarters: config.quarters(),
            periodic: false,
            theory: None,
            theory_needs_f32: false,
            trainable: true,
            stretchable: false,
        }
    }

    fn description(config: &UnetConfig) -> String {
        let noise = match config.told {
            Some(_) => "does not read",
            None => "reads",
        };
        let body = format!("U-Net of {:?} channels", config.widths);
        stack::description(&body, config.bias, "zero", config.residual, noise)
    }

    /// Sizes that the coarsest level does not divide are extended by repeating the last row and column, and cropped back.
    fn forward(&self, x: Tensor<4>, sigma: Tensor<1>) -> Tensor<4> {
        let [n, _, h, w] = x.dims();
        let [h, w] = self.config.extended([h, w]).map(|size| size / self.config.unshuffle);
        let sigma = match self.config.told {
            Some(level) => Tensor::full([n], level / 255.0, &sigma.device()),
            None => sigma,
        };
        self.denoise(x, sigma.reshape([n, 1, 1, 1]).expand([n, 1, h, w]))
    }

    /// At half resolution the network takes the mean of the map under the four phases.
    fn forward_map(&self, x: Tensor<4>, map: Tensor<4>) -> Option<Tensor<4>> {
        if self.config.told.is_some() {
            return None;
        }
        let [_, _, h, w] = x.dims();
        let map = extend_to(map, self.config.extended([h, w]));
        let map = match self.config.unshuffle {
            2 => mean_of_phases(map),
            _ => map,
        };
        Some(self.denoise(x, map))
    }

    fn onnx(config: &UnetConfig, graph: &mut Graph) -> Result<(), &'static str> {
        onnx::model(config, graph)
    }
}

impl Unet {
    /// D(x, map), the map at the resolution of the first level and of the extended size.
    fn denoise(&self, x: Tensor<4>, map: Tensor<4>) -> Tensor<4> {
        let [n, c, h, w] = x.dims();
        let halve = self.config.unshuffle == 2;
        let extended = extend_to(x.clone(), self.config.extended([h, w]));
        let pixels = if halve { phases_from_image(extended) } else { extended };
        let output = self
            .levels(Activations::pack(Tensor::cat(vec![pixels, map], 1)))
            .unpack();
        let output = if halve { image_from_phases(output) } else { output };
        let output = output.slice([0..n, 0..c, 0..h, 0..w]);
        if self.config.residual { x - output } else { output }
    }

    fn levels(&self, input: Activations) -> Activations {
        let f = self.config.activation;
        let mut x = self.head.forward(input, Activation::None);
        let mut skips = Vec::with_capacity(self.decoder.len());
        for down in &self.encoder {
            skips.push(x.clone());
            x = down.resample.down(apply(&down.blocks, x, f));
        }
        let bottom = x.clone();
        x = apply(&self.body, x, f) + bottom;
        for (up, skip) in self.decoder.iter().zip(skips.into_iter().rev()) {
            x = apply(&up.blocks, up.resample.up(x), f) + skip;
        }
        self.tail.forward(x, Activation::None)
    }

    /// [`Self::levels`] of a network with ELU, and what the transposed Jacobian at `input` needs.
    pub(super) fn traced(&self, input: Activations) -> (Activations, Traces) {
        let mut x = self.head.forward(input, Activation::None);
        let (mut skips, mut encoder, mut decoder) = (Vec::new(), Vec::new(), Vec::new());
        for down in &self.encoder {
            skips.push(x.clone());
            let (y, trace) = traced(&down.blocks, x);
            encoder.push(trace);
            x = down.resample.down(y);
        }
        let (y, body) = traced(&self.body, x.clone());
        x = y + x;
        for (up, skip) in self.decoder.iter().zip(skips.into_iter().rev()) {
            let (y, trace) = traced(&up.blocks, up.resample.up(x));
            decoder.push(trace);
            x = y + skip;
        }
        let traces = Traces { encoder, body, decoder };
        (self.tail.forward(x, Activation::None), traces)
    }

    /// J^T u for the Jacobian J of [`Self::levels`] at the input of [`Self::traced`].
    pub(super) fn transposed(&self, u: Activations, traces: Traces) -> Activations {
        let mut u = self.tail.transposed(u);
        let mut skips = Vec::new();
        for (up, trace) in self.decoder.iter().zip(traces.decoder).rev() {
            skips.push(u.clone());
            u = up.resample.up_transposed(transposed(&up.blocks, u, trace));
        }
        u = transposed(&self.body, u.clone(), traces.body) + u;
        for (down, trace) in self.encoder.iter().zip(traces.encoder).rev() {
            u = transposed(&down.blocks, down.resample.down_transposed(u), trace);
            if let Some(skip) = skips.pop() {
                u = u + skip;
            }
        }
        self.head.transposed(u)
    }
}
