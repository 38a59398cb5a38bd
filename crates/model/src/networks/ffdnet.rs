//! FFDNet: a stack of 3x3 convolutions at half resolution.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

use super::kind::{Facts, NetworkKind, NoiseInput, one, require_range, yes};
use super::phases::{extend_to_multiple, image_from_phases, mean_of_phases, phases_from_image};
use super::stack::{self, SMALL_GAIN, Widths};
use crate::files::import::stack::Shape;
use crate::files::onnx::frame::{Frame, plain_stack};
use crate::files::onnx::graph::Graph;
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

impl NetworkKind for Ffdnet {
    type Config = FfdnetConfig;

    fn init(config: &FfdnetConfig, seed: u64, device: &Device) -> Result<Self, Error> {
        require_range("architecture.channels", config.channels, 1, 3)?;
        require_range("architecture.depth", config.depth, 2, 64)?;
        require_range("architecture.width", config.width, 1, 1024)?;
        let phases = 4 * config.channels;
        let widths = Widths {
            inputs: phases + 1,
            between: config.width,
            outputs: phases,
        };
        Ok(Self {
            layers: widths.init(config.depth, config.bias, SMALL_GAIN, seed, device),
            config: config.clone(),
        })
    }

    fn facts(config: &FfdnetConfig) -> Facts {
        Facts {
            channels: config.channels,
            noise: NoiseInput::Map,
            // 2 depth + 1 at half resolution.
            receptive_field: config.depth.saturating_mul(4).saturating_add(2),
            size_multiple: 2,
            quarters: None,
            periodic: false,
            theory: None,
            theory_needs_f32: false,
            trainable: true,
            stretchable: false,
        }
    }

    fn description(config: &FfdnetConfig) -> String {
        let FfdnetConfig { depth, width, .. } = config;
        let body = format!("{depth} convolutions of {width} channels at half resolution");
        stack::description(&body, config.bias, "zero", config.residual, "reads")
    }

    /// Odd sizes are extended by repeating the last row and column, and cropped back.
    fn forward(&self, x: Tensor<4>, sigma: Tensor<1>) -> Tensor<4> {
        let map = half_map(&x, sigma);
        self.forward_with(x, map, |input| stack::forward(&self.layers, input))
    }

    /// The network takes the mean of the map under the four phases.
    fn forward_map(&self, x: Tensor<4>, map: Tensor<4>) -> Option<Tensor<4>> {
        let map = mean_of_phases(extend_to_multiple(map, 2));
        Some(self.forward_with(x, map, |input| stack::forward(&self.layers, input)))
    }

    fn onnx(config: &FfdnetConfig, graph: &mut Graph) -> Result<(), &'static str> {
        let frame = Frame {
            channels: config.channels,
            multiple: 2,
            phases: true,
            residual: config.residual,
            told: None,
        };
        frame.around(graph, |graph, input| plain_stack(graph, config.depth, input));
        Ok(())
    }

    fn exported_stack(config: &FfdnetConfig) -> Option<Shape> {
        Some(Shape {
            inputs: config.channels.saturating_mul(4).saturating_add(1),
            width: config.width,
            outputs: config.channels.saturating_mul(4),
            depth: config.depth,
            bias: config.bias,
        })
    }
}

/// A level as a map at half resolution.
fn half_map(x: &Tensor<4>, sigma: Tensor<1>) -> Tensor<4> {
    let [n, _, h, w] = x.dims();
    sigma.reshape([n, 1, 1, 1]).expand([n, 1, h.div_ceil(2), w.div_ceil(2)])
}

impl Ffdnet {
    /// D with a map at half resolution and the stack of convolutions given from outside.
    fn forward_with(&self, x: Tensor<4>, map: Tensor<4>, stack: impl Fn(Tensor<4>) -> Tensor<4>) -> Tensor<4> {
        let [n, c, h, w] = x.dims();
        let phases = phases_from_image(extend_to_multiple(x.clone(), 2));
        let output = stack(Tensor::cat(vec![phases, map], 1));
        let output = image_from_phases(output).slice([0..n, 0..c, 0..h, 0..w]);
        if self.config.residual { x - output } else { output }
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
        let network = Ffdnet::init(&config, 1, &device).unwrap();
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
        let map = half_map(&noisy, level);
        let expected = network.forward_with(noisy, map, burns_own);
        let rms: f32 = expected.clone().square().mean().sqrt().into_scalar();
        let largest: f32 = (got.clone() - expected.clone()).abs().max().into_scalar();
        assert!(largest / rms < 1e-5, "{}", largest / rms);
        let (a, b) = (psnr(&got, &clean).unwrap()[0], psnr(&expected, &clean).unwrap()[0]);
        assert!((a - b).abs() < 1e-4, "{a} and {b}");
        // A network that does nothing would pass the comparison.
        assert!(a > 27.0, "{a}");
    }
}
