//! The gradient-step denoiser: a step of gradient descent on a potential that is known.

use std::sync::Arc;

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};
use tweedie_imaging::{Image, Sigma};

use super::kind::{Facts, NetworkKind, NoiseInput, Potential, Proven, one, require_range, yes};
use super::phases::{image_from_phases, phases_from_image, zero_extended};
use super::stack::Widths;
use crate::files::onnx::graph::Graph;
use crate::run::half_square::{HalfSquare, half_square};
use crate::run::tiling::Tiles;
use crate::{Activation, Activations, Conv3x3, Error, Smooth};

/// Gain of the last layer's initial weights: grad g is of second order in them, and starts at a tenth of the image.
const LAST_GAIN: f64 = 0.3;

/// Configuration of [`GradientStep`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GradientStepConfig {
    /// Image channels: 1 or 3.
    #[serde(default = "one")]
    pub channels: usize,
    /// Number of convolutions of R, 2 or more.
    pub depth: usize,
    /// Channels between the convolutions.
    pub width: usize,
    /// Whether the convolutions have a bias.
    #[serde(default = "yes")]
    pub bias: bool,
}

/// D = x - grad g(x, sigma) with g(x, sigma) = 1/2 ||R(x, sigma)||^2 (Hurault, Leclaire and Papadakis 2022, who write
/// x - N for R), so grad g = J_R^T R: the Jacobian of D, the identity less a Hessian, is symmetric by construction.
///
/// R works on the four phases of the image at half resolution with a noise map as one more channel, as FFDNet does, with
/// a smooth ReLU (see [`Smooth::Squareplus`]): g is infinitely often differentiable. J_R^T R is computed by the
/// transposed convolutions themselves, so that automatic differentiation can differentiate D.
#[derive(Module, Debug)]
pub struct GradientStep {
    layers: Vec<Conv3x3>,
    #[module(skip)]
    config: GradientStepConfig,
}

impl NetworkKind for GradientStep {
    type Config = GradientStepConfig;

    fn init(config: &GradientStepConfig, seed: u64, device: &Device) -> Result<Self, Error> {
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
            layers: widths.init(config.depth, config.bias, LAST_GAIN, seed, device),
            config: config.clone(),
        })
    }

    fn facts(config: &GradientStepConfig) -> Facts {
        Facts {
            channels: config.channels,
            noise: NoiseInput::Level,
            // R reads 2 depth + 1 pixels at half resolution, and grad g what R reads at all of those.
            receptive_field: config.depth.saturating_mul(8).saturating_add(2),
            size_multiple: 2,
            quarters: None,
            periodic: false,
            theory: Some("D = x - grad g with g known: the Jacobian is symmetric"),
            theory_needs_f32: false,
            trainable: true,
            stretchable: false,
        }
    }

    fn description(config: &GradientStepConfig) -> String {
        format!(
            "gradient step on half the squared norm of {} convolutions of {} channels; reads the noise level",
            config.depth, config.width
        )
    }

    /// Beyond the borders of an odd size the image is zero, as convolutions take it.
    fn forward(&self, x: Tensor<4>, sigma: Tensor<1>) -> Tensor<4> {
        x.clone() - self.half_square(x, sigma).gradient
    }

    fn proven(&self) -> Result<Proven, Error> {
        Ok(Proven {
            gradient_step: true,
            // g = 1/2 ||x - N(x)||^2 with smooth activations.
            regular_potential: true,
            smooth: true,
            ..Proven::default()
        })
    }

    fn potential(&self) -> Option<Arc<dyn Potential>> {
        Some(Arc::new(self.clone()))
    }

    fn onnx(_config: &GradientStepConfig, _graph: &mut Graph) -> Result<(), &'static str> {
        Err("a gradient-step network")
    }
}

impl Potential for GradientStep {
    fn value_and_gradient(
        &self,
        x: Image,
        sigma: Sigma,
        tiles: Tiles,
    ) -> Result<(Vec<f64>, Image), tweedie_imaging::Error> {
        half_square(x, sigma, tiles, |tile, levels| self.half_square(tile, levels))
    }
}

impl GradientStep {
    /// R and J_R^T R.
    fn half_square(&self, x: Tensor<4>, sigma: Tensor<1>) -> HalfSquare {
        let [n, c, h, w] = x.dims();
        let phases = phases_from_image(zero_extended(x, 2));
        let [_, p, hp, wp] = phases.dims();
        let map = sigma.reshape([n, 1, 1, 1]).expand([n, 1, hp, wp]);
        let (last, hidden) = self.layers.split_last().expect("two layers at least");
        let mut x = Activations::pack(Tensor::cat(vec![phases, map], 1));
        let mut outputs = Vec::with_capacity(hidden.len());
        for layer in hidden {
            x = layer.forward(x, Activation::None).smooth(Smooth::Squareplus);
            outputs.push(x.clone());
        }
        let residual = image_from_phases(last.forward(x, Activation::None).unpack()).slice([0..n, 0..c, 0..h, 0..w]);
        // The transposed Jacobian, step by step from the last to the first.
        let mut u = last.transposed(Activations::pack(phases_from_image(zero_extended(residual.clone(), 2))));
        for (layer, y) in hidden.iter().zip(outputs).rev() {
            u = layer.transposed(u.smooth_gate(y, Smooth::Squareplus));
        }
        let gradient = image_from_phases(u.unpack().narrow(1, 0, p)).slice([0..n, 0..c, 0..h, 0..w]);
        HalfSquare { residual, gradient }
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::TensorData;
    use tweedie_imaging::noise::gaussian_values;

    use super::*;

    fn normal(stream: u64, device: &Device) -> Tensor<4> {
        let dims = [2, 1, 12, 12];
        Tensor::from_data(TensorData::new(gaussian_values(288, 0.3, 7, stream), dims), device)
    }

    /// The gradient of a loss of D in all weights, through J_R^T R, against a central difference along itself: rounding is
    /// 1e-6 of the loss over a change of it by some percent, and the difference's own error is of second order in that.
    #[test]
    fn training_differentiates_the_step() {
        let device = Device::flex().autodiff();
        let config = GradientStepConfig {
            channels: 1,
            depth: 3,
            width: 16,
            bias: true,
        };
        let network = GradientStep::init(&config, 3, &device).unwrap();
        let (x, target) = (normal(1, &device) + 0.5, normal(2, &device));
        let levels = Tensor::<1>::from_floats([0.1, 0.2], &device);
        let loss = |network: &GradientStep| {
            let error = network.forward(x.clone(), levels.clone()) - target.clone();
            error.square().sum()
        };
        let grads = loss(&network).backward();
        let gradients: Vec<Tensor<4>> = network
            .layers
            .iter()
            .map(|layer| Tensor::from_inner(layer.weight.val().grad(&grads).expect("every layer has a gradient")))
            .collect();
        let slope: f32 = gradients
            .iter()
            .map(|g| g.clone().square().sum().into_scalar::<f32>())
            .sum();
        let value = |step: f32| -> f32 {
            let mut moved = network.clone();
            for (layer, gradient) in moved.layers.iter_mut().zip(&gradients) {
                layer.weight = layer.weight.clone().map(|weight| weight + gradient.clone() * step);
            }
            loss(&moved).into_scalar()
        };
        let step = 1e-2 * value(0.0) / slope;
        let central = (value(step) - value(-step)) / (2.0 * step);
        assert!((slope - central).abs() < 1e-2 * slope, "{slope} and {central}");
    }
}
