//! A denoiser that is firmly nonexpansive by its weights.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

use crate::architecture::require_range;
use crate::dncnn::one;
use crate::phases::{image_from_phases, phases_from_image, zero_extended};
use crate::spectral::{PowerIteration, Weight, norm_bound};
use crate::{Activation, Activations, Conv3x3, Error};

/// The norm that training holds layers to, over the norm that is allowed: estimates on a grid are a little low, and the
/// bound is a little high.
const TRAINING_MARGIN: f64 = 0.985;

/// Gain of the initial weights of the first and last layer beside the identity.
const NARROW_GAIN: f64 = 0.3;

/// Relative rounding of scaled weights: without this allowance they would have to be scaled again and again.
const F32_ROUNDING: f64 = 1e-6;

/// Configuration of [`Lipschitz`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LipschitzConfig {
    /// Image channels: 1 or 3.
    #[serde(default = "one")]
    pub channels: usize,
    /// Residual layers, two convolutions each.
    pub blocks: usize,
    /// Channels of the layers, at least the four phases of each image channel.
    pub width: usize,
}

/// D = (I + Q) / 2 with a 1-Lipschitz Q, so D is firmly nonexpansive: what plug-and-play by proximal gradient descent,
/// ADMM and hybrid steepest descent need.
///
/// Q works on the four phases of the image at half resolution with a noise map as one more channel: a convolution of norm
/// at most 1, residual layers `a - W^T relu(W a + b)` with `||W||^2 <= 2`, which are 1-Lipschitz (Meunier et al. 2022,
/// convex potential layers) and, unlike a stack of normalised convolutions, let gradients pass; and a convolution of norm
/// at most 1. The noise map is constant in x, so its weights are free.
#[derive(Module, Debug)]
pub struct Lipschitz {
    head: Conv3x3,
    blocks: Vec<Conv3x3>,
    tail: Conv3x3,
    #[module(skip)]
    config: LipschitzConfig,
}

impl LipschitzConfig {
    /// Checks the configuration and makes the network with seeded weights, which meet no bound yet.
    ///
    /// # Errors
    /// [`Error::Config`] naming the key that is out of range.
    pub fn init(&self, seed: u64, device: &Device) -> Result<Lipschitz, Error> {
        require_range("architecture.channels", self.channels, 1, 3)?;
        require_range("architecture.blocks", self.blocks, 1, 64)?;
        let phases = 4 * self.channels;
        require_range("architecture.width", self.width, phases, 1024)?;
        let mut stream = 0;
        let mut conv = |channels: [usize; 2], gain: f64| {
            stream += 1;
            Conv3x3::init(channels, true, gain, seed, stream - 1, device)
        };
        // The image itself passes at first: Q near the identity, from where training is fast.
        let head = plus_identity(conv([phases + 1, self.width], NARROW_GAIN), phases)?;
        let blocks = (0..self.blocks).map(|_| conv([self.width, self.width], 1.0)).collect();
        let tail = plus_identity(conv([self.width, phases], NARROW_GAIN), phases)?;
        Ok(Lipschitz {
            head,
            blocks,
            tail,
            config: self.clone(),
        })
    }

    /// Side length of the receptive field.
    pub fn receptive_field(&self) -> usize {
        2 * (2 * (2 * self.blocks + 2) + 1)
    }
}

impl Lipschitz {
    /// D(x, sigma). Beyond the borders of an odd size the image is zero, as convolutions take it.
    ///
    /// # Shapes
    /// `x`: `[N, C, H, W]`; `sigma`: `[N]`, in [0, 1] units.
    pub fn forward(&self, x: Tensor<4>, sigma: Tensor<1>) -> Tensor<4> {
        let [n, c, h, w] = x.dims();
        let phases = phases_from_image(zero_extended(x.clone(), 2));
        let [_, _, hp, wp] = phases.dims();
        let map = sigma.reshape([n, 1, 1, 1]).expand([n, 1, hp, wp]);
        let input = Activations::pack(Tensor::cat(vec![phases, map], 1));
        let features = self
            .blocks
            .iter()
            .fold(self.head.forward(input, Activation::None), |a, layer| {
                let active = layer.forward(a.clone(), Activation::Relu);
                a - layer.transposed(active)
            });
        let q = image_from_phases(self.tail.forward(features, Activation::None).unpack());
        (x + q.slice([0..n, 0..c, 0..h, 0..w])) * 0.5
    }

    /// A Lipschitz constant of D for every image size, from bounds on the norms of all layers: (1 + q) / 2, where q is
    /// the product of the layers' constants. At most 1 for a checkpoint of a training run.
    ///
    /// # Errors
    /// [`Error::Imaging`] if the device fails to deliver the weights.
    pub fn lipschitz_bound(&self) -> Result<f64, Error> {
        let last = self.blocks.len() + 1;
        let layers = std::iter::once(&self.head).chain(&self.blocks).chain([&self.tail]);
        let mut q = 1.0;
        for (index, layer) in layers.enumerate() {
            let bound = norm_bound(&self.weight(index, layer)?);
            q *= match index {
                // I - W^T S W with 0 <= S <= I has its eigenvalues in [1 - ||W||^2, 1].
                _ if (1..last).contains(&index) => (bound * bound - 1.0).max(1.0),
                _ => bound,
            };
        }
        Ok(0.5 * (1.0 + q))
    }

    /// Scales down every layer whose norm is not proven to be allowed.
    ///
    /// # Errors
    /// As [`Lipschitz::lipschitz_bound`].
    pub(crate) fn certified(self) -> Result<Self, Error> {
        let mut exceeded = true;
        let mut network = self;
        while exceeded {
            exceeded = false;
            network = network.scaled(|_, weight, limit| {
                let factor = limit / norm_bound(weight);
                exceeded |= factor < 1.0;
                factor * (1.0 - F32_ROUNDING)
            })?;
        }
        Ok(network)
    }

    /// One step of power iteration for each layer, and a projection of those whose norm is above the target.
    ///
    /// # Errors
    /// As [`Lipschitz::lipschitz_bound`].
    pub(crate) fn projected(self, iterations: &mut Vec<PowerIteration>, device: &Device) -> Result<Self, Error> {
        self.scaled(|index, weight, limit| {
            if iterations.len() == index {
                iterations.push(PowerIteration::new(weight, index as u64, device));
            }
            TRAINING_MARGIN * limit / iterations[index].step(weight, device)
        })
    }

    /// Multiplies the weights of each layer by `factor(index, weight, limit)` where that is below 1; `limit` is the norm
    /// that the layer may have.
    fn scaled(mut self, mut factor: impl FnMut(usize, &Weight, f64) -> f64) -> Result<Self, Error> {
        let last = self.blocks.len() + 1;
        for index in 0..=last {
            let (layer, limit) = match index {
                0 => (&self.head, 1.0),
                _ if index == last => (&self.tail, 1.0),
                _ => (&self.blocks[index - 1], std::f64::consts::SQRT_2),
            };
            let weight = self.weight(index, layer)?;
            let factor = factor(index, &weight, limit) as f32;
            if factor < 1.0 {
                let mut values = layer.weight_values()?;
                let [_, cin, _, _] = layer.weight.val().dims();
                for row in values.chunks_mut(9 * cin) {
                    row[..9 * weight.cin].iter_mut().for_each(|value| *value *= factor);
                }
                let scaled = layer.clone().with_weight(values);
                match index {
                    0 => self.head = scaled,
                    _ if index == last => self.tail = scaled,
                    _ => self.blocks[index - 1] = scaled,
                }
            }
        }
        Ok(self)
    }

    /// The weights of a layer for the input channels that depend on the image.
    fn weight(&self, index: usize, layer: &Conv3x3) -> Result<Weight, Error> {
        let [cout, all, _, _] = layer.weight.val().dims();
        let cin = if index == 0 { 4 * self.config.channels } else { all };
        let values = layer.weight_values()?;
        let values = values
            .chunks(9 * all)
            .flat_map(|row| &row[..9 * cin])
            .copied()
            .collect();
        Ok(Weight { values, cout, cin })
    }

    /// The configuration that the network was made with.
    pub fn config(&self) -> &LipschitzConfig {
        &self.config
    }
}

/// Adds the identity on the first `channels` channels.
fn plus_identity(layer: Conv3x3, channels: usize) -> Result<Conv3x3, Error> {
    let [_, cin, _, _] = layer.weight.val().dims();
    let mut values = layer.weight_values()?;
    (0..channels).for_each(|c| values[(c * cin + c) * 9 + 4] += 1.0);
    Ok(layer.with_weight(values))
}
