//! FFDNet: a stack of 3x3 convolutions at half resolution.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

use crate::architecture::require_range;
use crate::conv::stack::{self, SMALL_GAIN, Widths};
use crate::dncnn::{one, yes};
use crate::phases::{extend_to_multiple, image_from_phases, phases_from_image};
use crate::{Conv3x3, Error};

/// Configuration of [`Ffdnet`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FfdnetConfig {
    /// Image channels: 1 or 3.
    #[serde(default = "one")]
    pub channels: usize,
    /// Number of convolutions, 2 or more.
    pub depth: usize,
    /// Channels between the convolutions.
    pub width: usize,
    /// Whether the convolutions have a bias.
    #[serde(default = "yes")]
    pub bias: bool,
    /// Whether the network predicts the noise, D(x) = x - N(x); FFDNet as published predicts the image.
    #[serde(default)]
    pub residual: bool,
}

/// A denoiser that works on the four phases of the image at half resolution, with a noise map as one more channel
/// (Zhang, Zuo and Zhang 2018).
#[derive(Module, Debug)]
pub struct Ffdnet {
    layers: Vec<Conv3x3>,
    #[module(skip)]
    config: FfdnetConfig,
}

impl FfdnetConfig {
    /// Checks the configuration and makes the network with seeded weights.
    ///
    /// # Errors
    /// [`Error::Config`] naming the key that is out of range.
    pub fn init(&self, seed: u64, device: &Device) -> Result<Ffdnet, Error> {
        require_range("architecture.channels", self.channels, 1, 3)?;
        require_range("architecture.depth", self.depth, 2, 64)?;
        require_range("architecture.width", self.width, 1, 1024)?;
        let phases = 4 * self.channels;
        let widths = Widths {
            inputs: phases + 1,
            between: self.width,
            outputs: phases,
        };
        let layers = widths.init(self.depth, self.bias, SMALL_GAIN, seed, device);
        Ok(Ffdnet {
            layers,
            config: self.clone(),
        })
    }

    /// Side length of the receptive field: 2 depth + 1 at half resolution.
    pub fn receptive_field(&self) -> usize {
        2 * (2 * self.depth + 1)
    }
}

impl Ffdnet {
    /// D(x, sigma). Odd sizes are extended by repeating the last row and column, and cropped back.
    ///
    /// # Shapes
    /// `x`: `[N, C, H, W]`; `sigma`: `[N]`, in [0, 1] units.
    pub fn forward(&self, x: Tensor<4>, sigma: Tensor<1>) -> Tensor<4> {
        self.forward_with(x, sigma, |input| stack::forward(&self.layers, input))
    }

    /// [`Self::forward`] with the stack of convolutions given from outside.
    fn forward_with(&self, x: Tensor<4>, sigma: Tensor<1>, stack: impl Fn(Tensor<4>) -> Tensor<4>) -> Tensor<4> {
        let [n, c, h, w] = x.dims();
        let phases = phases_from_image(extend_to_multiple(x.clone(), 2));
        let [_, _, hp, wp] = phases.dims();
        let map = sigma.reshape([n, 1, 1, 1]).expand([n, 1, hp, wp]);
        let output = stack(Tensor::cat(vec![phases, map], 1));
        let output = image_from_phases(output).slice([0..n, 0..c, 0..h, 0..w]);
        if self.config.residual { x - output } else { output }
    }

    /// The configuration that the network was made with.
    pub fn config(&self) -> &FfdnetConfig {
        &self.config
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_sizes_keep_their_shape() {
        let device = Device::flex();
        let config = FfdnetConfig {
            channels: 1,
            depth: 3,
            width: 8,
            bias: true,
            residual: false,
        };
        let network = config.init(1, &device).unwrap();
        for [h, w] in [[1, 1], [5, 7], [6, 3]] {
            let x = Tensor::<4>::ones([2, 1, h, w], &device);
            let sigma = Tensor::<1>::ones([2], &device);
            assert_eq!(network.forward(x, sigma).dims(), [2, 1, h, w]);
        }
    }

    /// The shipped network against the same weights under burn's own convolution.
    #[test]
    fn a_trained_network_gives_what_burns_convolution_gives() {
        use std::path::Path;

        use burn::tensor::activation::relu;
        use burn::tensor::module::conv2d;
        use burn::tensor::ops::ConvOptions;
        use tweedie_imaging::{ColorMode, Sigma, noise, psnr, read_image};

        use crate::{Checkpoint, Network};

        let device = Device::flex();
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let checkpoint = Checkpoint::load(&root.join("checkpoints/gray-small"), &device).unwrap();
        let Network::Ffdnet(network) = checkpoint.network else {
            panic!("gray is an ffdnet")
        };
        let image = read_image(&root.join("datasets/samples/camera.png"), ColorMode::Gray).unwrap();
        let clean = image.image(&device).unwrap();
        let sigma = Sigma::from_grey_levels(25.0).unwrap();
        let noisy = clean.clone() + noise::gaussian(clean.dims(), sigma, 0, 0, &device).unwrap();
        let level = Tensor::<1>::full([1], sigma.value(), &device);

        let burns_own = |input: Tensor<4>| {
            let last = network.layers.len() - 1;
            network.layers.iter().enumerate().fold(input, |x, (index, layer)| {
                let options = ConvOptions::new([1, 1], [1, 1], [1, 1], 1);
                let y = conv2d(
                    x,
                    layer.weight.val(),
                    layer.bias.as_ref().map(|bias| bias.val()),
                    options,
                );
                if index == last { y } else { relu(y) }
            })
        };
        let got = network.forward(noisy.clone(), level.clone());
        let expected = network.forward_with(noisy, level, burns_own);
        let rms: f32 = expected.clone().square().mean().sqrt().into_scalar();
        let largest: f32 = (got.clone() - expected.clone()).abs().max().into_scalar();
        assert!(largest / rms < 1e-5, "{}", largest / rms);
        let (a, b) = (psnr(&got, &clean).unwrap()[0], psnr(&expected, &clean).unwrap()[0]);
        assert!((a - b).abs() < 1e-4, "{a} and {b}");
        // A network that does nothing would pass the comparison.
        assert!(a > 27.0, "{a}");
    }
}
