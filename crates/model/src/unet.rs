//! A U-Net of residual blocks in the style of DRUNet.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

use crate::architecture::require_range;
use crate::dncnn::{one, yes};
use crate::phases::{extend_to_multiple, image_from_phases, phases_from_image};
use crate::{Activation, Activations, Conv3x3, Error};

/// The initial gain of the second convolution of a residual block: blocks start near the identity, since no
/// normalisation keeps the sum of many branches from growing.
const BRANCH_GAIN: f64 = 0.1;

/// He's gain makes up for a ReLU; where none follows, this keeps the variance.
const LINEAR_GAIN: f64 = std::f64::consts::FRAC_1_SQRT_2;

/// Configuration of [`Unet`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnetConfig {
    /// Image channels: 1 or 3.
    #[serde(default = "one")]
    pub channels: usize,
    /// Resolution of the first level: 2 for the four phases at half resolution, 1 for the image itself.
    #[serde(default = "two")]
    pub unshuffle: usize,
    /// Channels of each level, from fine to coarse; each level has half the resolution of the one before.
    pub widths: Vec<usize>,
    /// Residual blocks of each level, on the way down and again on the way up; the coarsest level has them once.
    pub blocks: usize,
    /// Whether the convolutions have a bias. Without one, D is positively homogeneous of degree 1 in (x, sigma)
    /// (Mohan et al. 2020).
    #[serde(default)]
    pub bias: bool,
    /// Whether the network predicts the noise, D(x) = x - N(x); DRUNet as published predicts the image.
    #[serde(default = "yes")]
    pub residual: bool,
}

fn two() -> usize {
    2
}

/// A U-Net of residual blocks (3x3 convolution, ReLU, 3x3 convolution), with additive skips and a noise map as one more
/// input channel, after DRUNet (Zhang et al. 2021, "Plug-and-play image restoration with deep denoiser prior").
///
/// DRUNet changes the resolution by 2x2 convolutions with stride 2. Here a level is left by gathering the four phases
/// as channels and a 3x3 convolution, and entered again by a 3x3 convolution and the inverse: a 2x2 convolution is the
/// special case of a kernel that is zero but for its centre, so DRUNet's weights fit
/// `widths = [64, 128, 256, 512], blocks = 4, unshuffle = 1, residual = false`.
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

/// x + W_2 * relu(W_1 * x).
#[derive(Module, Debug)]
struct ResidualBlock {
    first: Conv3x3,
    second: Conv3x3,
}

/// Blocks, then half the resolution.
#[derive(Module, Debug)]
struct Down {
    blocks: Vec<ResidualBlock>,
    /// From the four phases to the width of the next level.
    resample: Conv3x3,
}

/// Twice the resolution, then blocks.
#[derive(Module, Debug)]
struct Up {
    /// From the width of the coarser level to four phases.
    resample: Conv3x3,
    blocks: Vec<ResidualBlock>,
}

impl UnetConfig {
    /// Checks the configuration and makes the network with seeded weights.
    ///
    /// # Errors
    /// [`Error::Config`] naming the key that is out of range.
    pub fn init(&self, seed: u64, device: &Device) -> Result<Unet, Error> {
        require_range("architecture.channels", self.channels, 1, 3)?;
        require_range("architecture.unshuffle", self.unshuffle, 1, 2)?;
        require_range("architecture.widths (levels)", self.widths.len(), 1, 6)?;
        require_range("architecture.blocks", self.blocks, 1, 64)?;
        for &width in &self.widths {
            require_range("architecture.widths", width, 1, 1024)?;
        }
        let mut stream = 0;
        let mut conv = |cin: usize, cout: usize, gain: f64| {
            stream += 1;
            Conv3x3::init([cin, cout], self.bias, gain, seed, stream - 1, device)
        };
        let pixels = self.unshuffle * self.unshuffle * self.channels;
        let (first, last) = (self.widths[0], self.widths[self.widths.len() - 1]);
        let head = conv(pixels + 1, first, LINEAR_GAIN);
        let mut encoder = Vec::new();
        for pair in self.widths.windows(2) {
            let blocks = self.blocks(pair[0], &mut conv);
            let resample = conv(4 * pair[0], pair[1], LINEAR_GAIN);
            encoder.push(Down { blocks, resample });
        }
        let body = self.blocks(last, &mut conv);
        let mut decoder = Vec::new();
        for pair in self.widths.windows(2).rev() {
            let resample = conv(pair[1], 4 * pair[0], LINEAR_GAIN);
            let blocks = self.blocks(pair[0], &mut conv);
            decoder.push(Up { resample, blocks });
        }
        // A small last layer starts a residual network near D(x) = x, from where training is stable.
        let tail = conv(first, pixels, 0.1);
        Ok(Unet {
            head,
            encoder,
            body,
            decoder,
            tail,
            config: self.clone(),
        })
    }

    fn blocks(&self, width: usize, conv: &mut impl FnMut(usize, usize, f64) -> Conv3x3) -> Vec<ResidualBlock> {
        (0..self.blocks)
            .map(|_| ResidualBlock {
                first: conv(width, width, 1.0),
                second: conv(width, width, BRANCH_GAIN),
            })
            .collect()
    }

    /// Heights and widths are extended to multiples of this: the pixels of the image under one of the coarsest level.
    pub fn size_multiple(&self) -> usize {
        self.unshuffle << self.widths.len().saturating_sub(1)
    }

    /// Side length of the smallest square around a pixel that surely holds all that its value depends on. Where in its
    /// cell of the coarse levels the pixel lies is left open, so it may be less by a few pixels.
    pub fn receptive_field(&self) -> usize {
        // Reach on either side: the other pixels of its own cell, then head, tail and the blocks of the first level,
        // twice if there is a coarser one; every coarser level adds its cell, two changes of resolution and its blocks.
        let coarsest = self.widths.len() - 1;
        let block_convolutions = |level: usize| 2 * self.blocks * if level == coarsest { 1 } else { 2 };
        let first = self.unshuffle - 1 + self.unshuffle * (2 + block_convolutions(0));
        let coarser = (1..self.widths.len()).map(|level| {
            let pixel = self.unshuffle << level;
            pixel / 2 + pixel * (2 + block_convolutions(level))
        });
        2 * (first + coarser.sum::<usize>()) + 1
    }
}

impl ResidualBlock {
    fn forward(&self, x: Activations) -> Activations {
        let y = self.first.forward(x.clone(), Activation::Relu);
        x + self.second.forward(y, Activation::None)
    }
}

fn apply(blocks: &[ResidualBlock], x: Activations) -> Activations {
    blocks.iter().fold(x, |x, block| block.forward(x))
}

impl Unet {
    /// D(x, sigma). Sizes that the coarsest level does not divide are extended by repeating the last row and column,
    /// and cropped back.
    ///
    /// # Shapes
    /// `x`: `[N, C, H, W]`; `sigma`: `[N]`, in [0, 1] units.
    pub fn forward(&self, x: Tensor<4>, sigma: Tensor<1>) -> Tensor<4> {
        let [n, c, h, w] = x.dims();
        let halve = self.config.unshuffle == 2;
        let extended = extend_to_multiple(x.clone(), self.config.size_multiple());
        let pixels = if halve { phases_from_image(extended) } else { extended };
        let [_, _, hp, wp] = pixels.dims();
        let map = sigma.reshape([n, 1, 1, 1]).expand([n, 1, hp, wp]);
        let output = self
            .levels(Activations::pack(Tensor::cat(vec![pixels, map], 1)))
            .unpack();
        let output = if halve { image_from_phases(output) } else { output };
        let output = output.slice([0..n, 0..c, 0..h, 0..w]);
        if self.config.residual { x - output } else { output }
    }

    fn levels(&self, input: Activations) -> Activations {
        let mut x = self.head.forward(input, Activation::None);
        let mut skips = Vec::with_capacity(self.decoder.len());
        for down in &self.encoder {
            skips.push(x.clone());
            let phases = apply(&down.blocks, x).unshuffle();
            x = down.resample.forward(phases, Activation::None);
        }
        let bottom = x.clone();
        x = apply(&self.body, x) + bottom;
        for (up, skip) in self.decoder.iter().zip(skips.into_iter().rev()) {
            let phases = up.resample.forward(x, Activation::None);
            x = apply(&up.blocks, phases.shuffle()) + skip;
        }
        self.tail.forward(x, Activation::None)
    }

    /// The configuration that the network was made with.
    pub fn config(&self) -> &UnetConfig {
        &self.config
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::TensorData;
    use burn::tensor::activation::relu;
    use burn::tensor::module::conv2d;
    use burn::tensor::ops::ConvOptions;
    use tweedie_imaging::noise::gaussian_values;

    use super::*;

    fn config(unshuffle: usize, widths: &[usize]) -> UnetConfig {
        UnetConfig {
            channels: 1,
            unshuffle,
            widths: widths.to_vec(),
            blocks: 1,
            bias: false,
            residual: true,
        }
    }

    fn normal(dims: [usize; 4], stream: u64, device: &Device) -> Tensor<4> {
        let values = gaussian_values(dims.iter().product(), 1.0, 7, stream);
        Tensor::from_data(TensorData::new(values, dims), device)
    }

    /// ||got - expected|| / ||expected||.
    fn difference(got: Tensor<4>, expected: Tensor<4>) -> f32 {
        let norm: f32 = expected.clone().square().sum().sqrt().into_scalar();
        let error: f32 = (got - expected).square().sum().sqrt().into_scalar();
        error / norm
    }

    /// The same network in burn's own operations.
    fn reference(network: &Unet, x: Tensor<4>, sigma: Tensor<1>) -> Tensor<4> {
        let conv = |layer: &Conv3x3, x: Tensor<4>| {
            conv2d(x, layer.weight.val(), None, ConvOptions::new([1, 1], [1, 1], [1, 1], 1))
        };
        let apply = |blocks: &[ResidualBlock], x: Tensor<4>| {
            blocks.iter().fold(x, |x, block| {
                x.clone() + conv(&block.second, relu(conv(&block.first, x)))
            })
        };
        // The phase is the outer index of a channel here, the inner one in `phases_from_image`.
        let reorder = |x: Tensor<4>, [outer, inner]: [usize; 2]| {
            let [n, c, h, w] = x.dims();
            x.reshape([n, outer, inner, h, w])
                .permute([0, 2, 1, 3, 4])
                .reshape([n, c, h, w])
        };
        let [n, _, h, w] = x.dims();
        let halve = network.config.unshuffle == 2;
        let pixels = if halve { phases_from_image(x.clone()) } else { x.clone() };
        let [_, _, hp, wp] = pixels.dims();
        let map = sigma.reshape([n, 1, 1, 1]).expand([n, 1, hp, wp]);
        let mut y = conv(&network.head, Tensor::cat(vec![pixels, map], 1));
        let mut skips = Vec::new();
        for down in &network.encoder {
            skips.push(y.clone());
            let phases = phases_from_image(apply(&down.blocks, y));
            let c = phases.dims()[1] / 4;
            y = conv(&down.resample, reorder(phases, [c, 4]));
        }
        y = apply(&network.body, y.clone()) + y;
        for (up, skip) in network.decoder.iter().zip(skips.into_iter().rev()) {
            let phases = conv(&up.resample, y);
            let c = phases.dims()[1] / 4;
            y = apply(&up.blocks, image_from_phases(reorder(phases, [4, c]))) + skip;
        }
        let y = conv(&network.tail, y);
        let y = if halve { image_from_phases(y) } else { y };
        x - y.slice([0..n, 0..1, 0..h, 0..w])
    }

    /// Winograd transforms round ten times more than a direct sum, and a few of the many ReLUs whose input is nearly
    /// zero open in one computation and not in the other, which shows in the gradients; a wrong phase, skip or shift
    /// gives differences above 0.1.
    #[test]
    fn values_and_gradients_are_those_of_burns_convolution() {
        let device = Device::flex().autodiff();
        for (unshuffle, widths, [h, w]) in [(2, &[16, 24, 32][..], [16, 24]), (1, &[8, 20][..], [12, 10])] {
            let network = config(unshuffle, widths).init(3, &device).unwrap();
            let x = normal([2, 1, h, w], 1, &device).require_grad();
            let sigma = Tensor::<1>::from_floats([0.1, 0.3], &device);
            let dy = normal([2, 1, h, w], 2, &device);
            let gradients = |y: Tensor<4>| {
                let grads = (y * dy.clone()).sum().backward();
                let mut of = vec![x.grad(&grads).expect("tracked")];
                for layer in [
                    &network.head,
                    &network.encoder[0].resample,
                    &network.encoder[0].blocks[0].second,
                    &network.decoder[0].resample,
                    &network.tail,
                ] {
                    of.push(layer.weight.val().grad(&grads).expect("tracked"));
                }
                of
            };
            let got = network.forward(x.clone(), sigma.clone());
            let expected = reference(&network, x.clone(), sigma);
            let error = difference(got.clone() - x.clone(), expected.clone() - x.clone());
            assert!(error < 1e-5, "{widths:?}: {error}");
            for (index, (got, expected)) in gradients(got).into_iter().zip(gradients(expected)).enumerate() {
                let error = difference(got, expected);
                assert!(error < 1e-3, "{widths:?}, gradient {index}: {error}");
            }
        }
    }

    /// (f(x + t v) - f(x - t v)) / 2 t against <grad f, v>. The network is piecewise linear, so what differs is rounding
    /// (1e-7 |f| / t) and the ReLUs that change side between the two points.
    #[test]
    fn gradients_are_central_differences() {
        let device = Device::flex().autodiff();
        let mut network = config(2, &[16, 24]).init(3, &device).unwrap();
        network.config.residual = false;
        let x = normal([1, 1, 16, 16], 1, &device).require_grad();
        let dy = normal(x.dims(), 3, &device);
        let sigma = Tensor::<1>::from_floats([0.2], &device);
        let f = |x: Tensor<4>| (network.forward(x, sigma.clone()) * dy.clone()).sum();
        let grad = x.grad(&f(x.clone()).backward()).expect("tracked");
        // Along the gradient itself, where the slope is large against rounding.
        let norm: f32 = grad.clone().square().sum().sqrt().into_scalar();
        let v = Tensor::from_inner(grad / norm) * 16.0;
        let slope = 16.0 * norm;
        let t = 1e-2;
        let value = |t: f64| -> f32 { f(x.clone() + v.clone() * t).into_scalar() };
        let central = (value(t) - value(-t)) / (2.0 * t as f32);
        assert!((slope - central).abs() < 1e-2 * slope.abs(), "{slope} and {central}");
    }

    #[test]
    fn any_size_keeps_its_shape() {
        let device = Device::flex();
        let network = config(2, &[8, 8, 8]).init(1, &device).unwrap();
        for [h, w] in [[1, 1], [5, 7], [9, 16], [24, 3]] {
            let x = Tensor::<4>::ones([2, 1, h, w], &device);
            let y = network.forward(x, Tensor::<1>::ones([2], &device));
            assert_eq!(y.dims(), [2, 1, h, w]);
        }
    }

    #[test]
    fn without_bias_the_network_is_homogeneous() {
        let device = Device::flex();
        let network = config(2, &[16, 16]).init(1, &device).unwrap();
        let x = normal([1, 1, 16, 12], 1, &device);
        let sigma = Tensor::<1>::from_floats([0.1], &device);
        let twice = network.forward(x.clone() * 2.0, sigma.clone() * 2.0);
        // A power of two changes exponents only, so not even rounding differs.
        assert_eq!(difference(twice, network.forward(x, sigma) * 2.0), 0.0);
    }

    /// The dependence of one output pixel on the input, as autodiff has it.
    #[test]
    fn the_receptive_field_bounds_what_a_pixel_sees() {
        let device = Device::flex().autodiff();
        for (unshuffle, widths) in [(2, &[8, 8][..]), (1, &[4, 4, 4][..])] {
            let config = config(unshuffle, widths);
            let network = config.init(1, &device).unwrap();
            let radius = config.receptive_field() / 2;
            let size = (2 * radius + 9).next_multiple_of(config.size_multiple());
            let x = normal([1, 1, size, size], 1, &device).require_grad();
            let sigma = Tensor::<1>::from_floats([0.1], &device);
            let mut farthest = 0;
            // All places of a pixel within a cell of the coarsest level, along the diagonal.
            for place in (size / 2..size / 2 + config.size_multiple()).rev() {
                let pixel =
                    network
                        .forward(x.clone(), sigma.clone())
                        .slice([0..1, 0..1, place..place + 1, place..place + 1]);
                let grad = x.grad(&pixel.sum().backward()).expect("tracked");
                let rows: Vec<f32> = grad.abs().sum_dim(3).into_data().try_into_vec().unwrap();
                let seen = rows.iter().enumerate().filter(|(_, value)| **value > 0.0);
                let reach = seen.map(|(row, _)| row.abs_diff(place)).max().unwrap();
                farthest = farthest.max(reach);
            }
            assert!(farthest <= radius, "{widths:?}: {farthest} > {radius}");
            // The bound leaves the place open, which costs less than a cell on either side.
            assert!(
                farthest + config.size_multiple() >= radius,
                "{widths:?}: {farthest} << {radius}"
            );
        }
    }
}
