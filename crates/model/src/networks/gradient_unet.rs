//! The gradient-step denoiser on a U-Net: GSDRUNet.

use std::sync::Arc;

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};
use tweedie_imaging::{Image, Sigma};

use super::kind::{Facts, NetworkKind, NoiseInput, Potential, Proven, one};
use super::phases::{extend_to, fold_back};
use super::unet::{BlockActivation, Resampling, Sizes, Unet, UnetConfig};
use crate::files::onnx::graph::Graph;
use crate::run::half_square::{HalfSquare, half_square};
use crate::run::tiling::Tiles;
use crate::{Activations, Error};

/// Configuration of [`GradientUnet`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GradientUnetConfig {
    /// Image channels: 1 or 3.
    #[serde(default = "one")]
    pub channels: usize,
    /// Channels of each level, from fine to coarse.
    pub widths: Vec<usize>,
    /// Residual blocks of each level.
    pub blocks: usize,
}

/// D = x - grad g(x, sigma) with g(x, sigma) = 1/2 ||x - N(x, sigma)||^2 (Hurault, Leclaire and Papadakis 2022), N a DRUNet
/// with ELU in its blocks: grad g = R - J_N^T R with R = x - N, so the Jacobian of D, the identity less a Hessian, is
/// symmetric by construction.
///
/// J_N^T is computed by the transposed convolutions themselves, so that automatic differentiation can differentiate D.
/// Sizes that the coarsest level does not divide are extended by repeating the last row and column; what flows back to
/// the repeated ones is added to those that they repeat, so g stays a function of the image.
#[derive(Module, Debug)]
pub struct GradientUnet {
    unet: Unet,
    #[module(skip)]
    config: GradientUnetConfig,
}

impl GradientUnetConfig {
    fn unet(&self) -> UnetConfig {
        UnetConfig {
            channels: self.channels,
            unshuffle: 1,
            widths: self.widths.clone(),
            blocks: self.blocks,
            bias: false,
            residual: false,
            resampling: Resampling::Strided,
            activation: BlockActivation::Elu,
            // deepinv extends images with a side below 64 so; larger ones of odd sizes it cuts into quarters.
            sizes: Sizes::Extend,
            told: None,
        }
    }
}

impl NetworkKind for GradientUnet {
    type Config = GradientUnetConfig;

    fn init(config: &GradientUnetConfig, seed: u64, device: &Device) -> Result<Self, Error> {
        Ok(Self {
            unet: Unet::init(&config.unet(), seed, device)?,
            config: config.clone(),
        })
    }

    fn facts(config: &GradientUnetConfig) -> Facts {
        let unet = Unet::facts(&config.unet());
        Facts {
            noise: NoiseInput::Level,
            // grad g reads what N reads at all that N reads.
            receptive_field: unet.receptive_field.saturating_mul(2).saturating_sub(1),
            theory: Some("D = x - grad g with g known: the Jacobian is symmetric"),
            ..unet
        }
    }

    fn description(config: &GradientUnetConfig) -> String {
        format!(
            "gradient step on half the squared residual of a U-Net of {:?} channels; reads the noise level",
            config.widths
        )
    }

    fn forward(&self, x: Tensor<4>, sigma: Tensor<1>) -> Tensor<4> {
        x.clone() - self.half_square(x, sigma).gradient
    }

    /// ELU has one derivative, not two.
    fn proven(&self) -> Result<Proven, Error> {
        Ok(Proven {
            gradient_step: true,
            // g = 1/2 ||x - N(x)||^2, and ELU's slope is Lipschitz continuous.
            regular_potential: true,
            ..Proven::default()
        })
    }

    fn potential(&self) -> Option<Arc<dyn Potential>> {
        Some(Arc::new(self.clone()))
    }

    fn onnx(_config: &GradientUnetConfig, _graph: &mut Graph) -> Result<(), &'static str> {
        Err("a gradient-step network")
    }
}

impl Potential for GradientUnet {
    fn value_and_gradient(
        &self,
        x: Image,
        sigma: Sigma,
        tiles: Tiles,
    ) -> Result<(Vec<f64>, Image), tweedie_imaging::Error> {
        half_square(x, sigma, tiles, |tile, levels| self.half_square(tile, levels))
    }
}

impl GradientUnet {
    /// R = x - N and R - J_N^T R.
    fn half_square(&self, x: Tensor<4>, sigma: Tensor<1>) -> HalfSquare {
        let [n, c, h, w] = x.dims();
        let extended = self.config.unet().extended([h, w]);
        let [eh, ew] = extended;
        let map = sigma.reshape([n, 1, 1, 1]).expand([n, 1, eh, ew]);
        let input = Tensor::cat(vec![extend_to(x.clone(), extended), map], 1);
        let (output, traces) = self.unet.traced(Activations::pack(input));
        let residual = x - output.unpack().slice([0..n, 0..c, 0..h, 0..w]);
        // Cropping's adjoint fills up with zeros.
        let u = residual.clone().pad((0, ew - w, 0, eh - h), 0.0);
        let u = self.unet.transposed(Activations::pack(u), traces).unpack();
        let gradient = residual.clone() - fold_back(u.narrow(1, 0, c), [h, w]);
        HalfSquare { residual, gradient }
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::TensorData;
    use tweedie_imaging::noise::gaussian_values;

    use super::*;

    fn normal(dims: [usize; 4], stream: u64, device: &Device) -> Tensor<4> {
        let values = gaussian_values(dims.iter().product(), 0.5, 7, stream);
        Tensor::from_data(TensorData::new(values, dims), device)
    }

    fn network(device: &Device) -> GradientUnet {
        let config = GradientUnetConfig {
            channels: 1,
            widths: vec![6, 10, 12],
            blocks: 2,
        };
        GradientUnet::init(&config, 3, device).unwrap()
    }

    /// grad g by the transposed layers against automatic differentiation of g, on a size that is extended.
    #[test]
    fn the_gradient_is_that_of_the_potential() {
        let device = Device::flex().autodiff();
        let network = network(&device);
        let x = normal([2, 1, 14, 11], 1, &device).require_grad();
        let levels = Tensor::<1>::from_floats([0.1, 0.3], &device);
        let got = network.half_square(x.clone(), levels.clone()).gradient.inner();
        let g = network.half_square(x.clone(), levels).residual.square().sum() * 0.5;
        let expected = x.grad(&g.backward()).expect("tracked");
        let scale: f32 = expected.clone().abs().max().into_scalar();
        let largest: f32 = (got - expected).abs().max().into_scalar();
        assert!(largest < 1e-5 * scale.max(1.0), "{largest} of {scale}");
    }

    /// <w, J v> = <v, J w> up to rounding: D can be differentiated, and its Jacobian is symmetric.
    #[test]
    fn the_jacobian_is_symmetric() {
        let device = Device::flex().autodiff();
        let network = network(&device);
        let dims = [1, 1, 12, 8];
        let product = |v: Tensor<4>| {
            let x = normal(dims, 1, &device).require_grad();
            let levels = Tensor::<1>::from_floats([0.2], &device);
            let grads = (network.forward(x.clone(), levels) * v).sum().backward();
            Tensor::<4>::from_inner(x.grad(&grads).expect("tracked"))
        };
        let (v, w) = (normal(dims, 2, &device), normal(dims, 3, &device));
        let (jv, jw) = (product(v.clone()), product(w.clone()));
        let a: f32 = (jv.clone() * w).sum().into_scalar();
        let b: f32 = (jw * v).sum().into_scalar();
        assert!((a - b).abs() < 1e-4 * a.abs().max(1.0), "{a} and {b}");
        // The identity would be symmetric too.
        let changed: f32 = (jv - normal(dims, 2, &device)).abs().max().into_scalar();
        assert!(changed > 1e-3, "{changed}");
    }
}
