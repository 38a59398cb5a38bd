//! A convex ridge regulariser: filters and splines, with every constant known.

use std::sync::Arc;

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};
use tweedie_imaging::{Image, Sigma};

use super::host::host;
use super::kind::{Facts, NetworkKind, NoiseInput, Potential, Proven, one, require_range};
use super::spectral::{F32_ROUNDING, PowerIteration, Weight, composed, limited, norm_bound};
use super::splines::{LEAST_SIGMA, clamped_slopes, initial_slopes, scale, slope_range};
use super::stack::Widths;
use crate::files::onnx::graph::Graph;
use crate::run::tiling::Tiles;
use crate::{Activation, Activations, Conv3x3, Error};
use tweedie_kernels::spline_potential;

/// Configuration of [`Ridge`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RidgeConfig {
    /// Image channels: 1 or 3.
    #[serde(default = "one")]
    pub channels: usize,
    /// Channels between the convolutions that make the filters.
    pub between: usize,
    /// Number of filters.
    pub filters: usize,
    /// Convolutions that make a filter: its side is 2 depth + 1 pixels.
    pub depth: usize,
    /// Segments of a spline, each 0.05 units of the noise long; the last one has no end.
    pub segments: usize,
}

/// D = x - grad g with the convex g(x, sigma) = s^2 sum_ip psi_i((W x)_ip / s), s = sigma + 1e-4 (after Goujon et al. 2023,
/// "A neural-network-based convex regularizer for inverse problems"), so grad g = s W^T phi(W x / s).
///
/// The filters W are convolutions one after the other, the first of zero mean, with `||W|| <= 1` as a whole; phi_i =
/// psi_i' is an odd linear spline with slopes in [0, 1]. So grad g is monotone and nonexpansive, and D is firmly
/// nonexpansive with a symmetric Jacobian: the proximal operator of a convex function (Moreau 1965). Scaling by s makes
/// thresholds follow the noise.
#[derive(Module, Debug)]
pub struct Ridge {
    layers: Vec<Conv3x3>,
    slopes: Param<Tensor<2>>,
    #[module(skip)]
    config: RidgeConfig,
}

impl NetworkKind for Ridge {
    type Config = RidgeConfig;

    /// The weights meet no bound yet.
    fn init(config: &RidgeConfig, seed: u64, device: &Device) -> Result<Self, Error> {
        require_range("architecture.channels", config.channels, 1, 3)?;
        require_range("architecture.depth", config.depth, 1, 6)?;
        require_range("architecture.between", config.between, 1, 256)?;
        require_range("architecture.filters", config.filters, 1, 256)?;
        require_range("architecture.segments", config.segments, 2, 256)?;
        let widths = Widths {
            inputs: config.channels,
            between: config.between,
            outputs: config.filters,
        };
        Ok(Self {
            layers: widths.init(config.depth, false, 1.0, seed, device),
            slopes: initial_slopes([config.filters, config.segments], 2 * config.depth as u64, device),
            config: config.clone(),
        })
    }

    fn facts(config: &RidgeConfig) -> Facts {
        Facts {
            channels: config.channels,
            noise: NoiseInput::Level,
            // What a filter reads at all filters that a pixel is in.
            receptive_field: config.depth.saturating_mul(4).saturating_add(1),
            size_multiple: 1,
            quarters: None,
            periodic: false,
            theory: Some("D = x - grad g with g known and convex: the proximal operator of a convex function"),
            theory_needs_f32: true,
            trainable: true,
            stretchable: false,
        }
    }

    fn description(config: &RidgeConfig) -> String {
        format!(
            "gradient step on {} learned convex functions; reads the noise level",
            config.filters
        )
    }

    /// D(x, sigma) = x - grad g(x, sigma), with zeros beyond the borders.
    fn forward(&self, x: Tensor<4>, sigma: Tensor<1>) -> Tensor<4> {
        x.clone() - self.gradient(x, scale(sigma))
    }

    /// What the weights prove, for images of every size: grad g has the Lipschitz constant `||W||^2` times the largest
    /// slope.
    fn proven(&self) -> Result<Proven, Error> {
        let square = self.filter_norm()?.powi(2);
        let [least, largest] = slope_range(&self.slopes)?;
        let convex = least >= 0.0;
        Ok(Proven {
            gradient_step: true,
            // Slopes below 0 let a spline's last segment, which has no end, fall for ever.
            regular_potential: convex,
            proximal: convex && square * largest <= 1.0,
            lipschitz: Some((1.0 - square * least.min(0.0)).max(square * largest - 1.0)),
            residual_lipschitz: Some(square * largest.max(-least)),
            averaged: (convex && square * largest < 2.0).then_some(0.5 * square * largest),
            ..Proven::default()
        })
    }

    /// The nearest slopes in [0, 1], filters of zero mean, and the last convolution scaled down to `||W|| <= 1`.
    fn certified(self) -> Result<Self, Error> {
        let mut ridge = self.centred()?;
        let norm = ridge.filter_norm()?;
        if let Some(last) = ridge.layers.last_mut().filter(|_| norm > 1.0) {
            let factor = ((1.0 - F32_ROUNDING) / norm) as f32;
            let values = last.weight_values()?.into_iter().map(|value| value * factor);
            *last = last.clone().with_weight(values.collect());
        }
        Ok(ridge)
    }

    /// The network that a training step differentiates, as [`Lipschitz::normalised`](crate::Lipschitz) has it: the first
    /// filters less their mean, the last ones over the norm of the whole where that is above the target.
    fn normalised(&self, iterations: &mut Vec<PowerIteration>) -> Result<Self, Error> {
        let mut layers = self.layers.clone();
        let first = layers[0].weight.val();
        layers[0] = layers[0].with_tensor(first.clone() - first.mean_dim(2).mean_dim(3));
        let ridge = Self { layers, ..self.clone() };
        let weights = ridge.weights()?;
        let device = ridge.slopes.val().device();
        let plain = device.clone().without_autodiff();
        if iterations.is_empty() {
            iterations.push(PowerIteration::new(&weights, 0, &plain)?);
        }
        iterations[0].step(&weights, &plain)?;
        let norm = iterations[0].norm(&ridge.layers, &device);
        let mut layers = ridge.layers;
        if let Some(last) = layers.last_mut() {
            *last = last.with_tensor(limited(last.weight.val(), norm));
        }
        Ok(Self {
            layers,
            slopes: ridge.slopes,
            config: ridge.config,
        })
    }

    /// Slopes in [0, 1].
    fn clamped(mut self) -> Result<Self, Error> {
        self.slopes = clamped_slopes(self.slopes)?;
        Ok(self)
    }

    fn potential(&self) -> Option<Arc<dyn Potential>> {
        Some(Arc::new(self.clone()))
    }

    fn onnx(_config: &RidgeConfig, _graph: &mut Graph) -> Result<(), &'static str> {
        Err("a ridge regulariser")
    }
}

impl Potential for Ridge {
    /// Without tiles: one layer of activations is all that it holds.
    fn value_and_gradient(
        &self,
        x: Image,
        sigma: Sigma,
        _tiles: Tiles,
    ) -> Result<(Vec<f64>, Image), tweedie_imaging::Error> {
        let levels = Tensor::full([x.dims()[0]], sigma.value(), &x.device());
        let gradient = self.gradient(x.clone(), scale(levels));
        Ok((self.potentials(x, sigma.value())?, gradient))
    }
}

impl Ridge {
    /// grad g(x, sigma) for s of [`scale`].
    fn gradient(&self, x: Tensor<4>, s: Tensor<4>) -> Tensor<4> {
        let [n, c, h, w] = x.dims();
        let coefficients = self.coefficients(x / s.clone());
        let u = coefficients.spline(self.slopes.val());
        let u = self.layers.iter().rev().fold(u, |u, layer| layer.transposed(u));
        let margin = self.config.depth;
        u.unpack().slice([0..n, 0..c, margin..margin + h, margin..margin + w]) * s
    }

    /// W x on all pixels where it is not zero: without a margin, each layer would cut off what the next one needs, and
    /// the norm of the whole would not be that of the composed filters.
    fn coefficients(&self, x: Tensor<4>) -> Activations {
        let [n, c, h, w] = x.dims();
        let margin = self.config.depth;
        let rows = Tensor::zeros([n, c, margin, w], &x.device());
        let x = Tensor::cat(vec![rows.clone(), x, rows], 2);
        let columns = Tensor::zeros([n, c, h + 2 * margin, margin], &x.device());
        let x = Tensor::cat(vec![columns.clone(), x, columns], 3);
        self.layers
            .iter()
            .fold(Activations::pack(x), |x, layer| layer.forward(x, Activation::None))
    }

    /// g(x, sigma) of each image, in f64 from f32 coefficients.
    fn potentials(&self, x: Tensor<4>, sigma: f64) -> Result<Vec<f64>, tweedie_imaging::Error> {
        let n = x.dims()[0];
        let s = sigma + LEAST_SIGMA;
        let (filters, segments) = (self.config.filters, self.config.segments);
        let coefficients = host(self.coefficients(x / s).unpack())?;
        let slopes = host(self.slopes.val())?;
        let pixels = coefficients.len() / (n * filters);
        let of_image = |image: &[f32]| {
            let planes = image.chunks(pixels).zip(slopes.chunks(segments));
            s * s
                * planes
                    .flat_map(|(plane, slopes)| plane.iter().map(|&t| spline_potential(t, slopes)))
                    .sum::<f64>()
        };
        Ok(coefficients.chunks(pixels * filters).map(of_image).collect())
    }

    fn centred(mut self) -> Result<Self, Error> {
        self.slopes = clamped_slopes(self.slopes)?;
        let mut first = self.layers[0].weight_values()?;
        for kernel in first.chunks_mut(9) {
            let mean = kernel.iter().sum::<f32>() / 9.0;
            kernel.iter_mut().for_each(|value| *value -= mean);
        }
        self.layers[0] = self.layers[0].clone().with_weight(first);
        Ok(self)
    }

    fn weights(&self) -> Result<Vec<Weight>, Error> {
        let weight = |layer: &Conv3x3| {
            let [cout, cin, _, _] = layer.weight.val().dims();
            let values = layer.weight_values()?;
            Ok(Weight {
                values,
                cout,
                cin,
                side: 3,
            })
        };
        self.layers.iter().map(weight).collect()
    }

    fn filter_norm(&self) -> Result<f64, Error> {
        Ok(norm_bound(&composed(self.weights()?)))
    }
}
