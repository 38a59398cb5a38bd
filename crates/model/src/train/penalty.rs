//! Penalties on the Jacobian J of D, for any network, by finite differences that automatic differentiation of first
//! order can train through.

use burn::module::Module;
use burn::tensor::activation::relu;
use burn::tensor::{Tensor, TensorData};
use serde::{Deserialize, Serialize};
use tweedie_imaging::noise::gaussian_values;

use crate::networks::require_range;
use crate::{Error, Network};

/// Change of a pixel over which derivatives are taken, root mean square: a quarter of a grey level. f32 rounding is then
/// 1e-4 of J v, and few units of the network switch.
const STEP: f64 = 1e-3;

/// `[penalty]`: terms that are added to the loss.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PenaltyConfig {
    /// Weight of ||J - J^T||_F^2 / n, n the number of values of a crop, by one pair of random vectors a crop.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub symmetry: Option<f64>,
    /// On the norm of the residual's Jacobian J - I.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub norm: Option<NormPenalty>,
    /// So many crops of the batch, the first ones, are looked at.
    #[serde(default = "crops")]
    pub crops: usize,
}

/// `[penalty.norm]`: weight times max(||J - I|| - limit, 0), where the norm is found by power iteration (as in Pesquet et
/// al. 2021, who start from 2 J - I).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NormPenalty {
    /// Its weight.
    pub weight: f64,
    /// The norm up to which nothing is added.
    #[serde(default = "limit")]
    pub limit: f64,
    /// Steps of the power iteration.
    #[serde(default = "iterations")]
    pub iterations: usize,
}

fn crops() -> usize {
    4
}

fn limit() -> f64 {
    1.0
}

fn iterations() -> usize {
    5
}

impl PenaltyConfig {
    /// Checks every value that a type cannot.
    ///
    /// # Errors
    /// [`Error::Config`] naming the key.
    pub(super) fn check(&self) -> Result<(), Error> {
        let mut values = vec![];
        values.extend(self.symmetry.map(|weight| ("penalty.symmetry", weight)));
        if let Some(NormPenalty {
            weight,
            limit,
            iterations,
        }) = self.norm
        {
            values.extend([("penalty.norm.weight", weight), ("penalty.norm.limit", limit)]);
            require_range("penalty.norm.iterations", iterations, 0, 1000)?;
        }
        if values.is_empty() {
            return Err(Error::Config {
                key: "penalty",
                expected: "symmetry or norm".to_owned(),
                got: "neither".to_owned(),
            });
        }
        require_range("penalty.crops", self.crops, 1, 4096)?;
        match values
            .into_iter()
            .find(|(_, value)| !(value.is_finite() && *value >= 0.0))
        {
            None => Ok(()),
            Some((key, value)) => Err(Error::Config {
                key,
                expected: "a finite number >= 0".to_owned(),
                got: value.to_string(),
            }),
        }
    }
}

/// Where the Jacobian is looked at.
#[derive(Clone)]
pub(super) struct Points {
    /// `[N, C, H, W]`.
    pub x: Tensor<4>,
    /// `[N]`.
    pub sigma: Tensor<1>,
}

impl Points {
    /// Standard normal values of the shape of `x`.
    pub(super) fn probe(&self, seed: u64, stream: u64) -> Tensor<4> {
        let dims = self.x.dims();
        let values = gaussian_values(dims.iter().product(), 1.0, seed, stream);
        Tensor::from_data(TensorData::new(values, dims), &self.x.device())
    }

    /// J v by a forward difference; `v` has entries of order 1, and `at_x` is D(x).
    pub(super) fn jacobian_product(&self, network: &Network, at_x: Tensor<4>, v: Tensor<4>) -> Tensor<4> {
        let moved = network.forward(self.x.clone() + v * STEP, self.sigma.clone());
        (moved - at_x) / STEP
    }

    /// (<u, J v> - <v, J u>)^2 / n, whose mean over standard normal u, v is ||J - J^T||_F^2 / n: a mean over the batch.
    pub(super) fn asymmetry(&self, network: &Network, at_x: Tensor<4>, u: Tensor<4>, v: Tensor<4>) -> Tensor<1> {
        let [_, c, h, w] = self.x.dims();
        let jv = self.jacobian_product(network, at_x.clone(), v.clone());
        let ju = self.jacobian_product(network, at_x, u.clone());
        let difference = per_image(u * jv - v * ju);
        difference.square().mean() / (c * h * w) as f64
    }

    /// max(||(J - I) v|| / ||v|| - limit, 0), a mean over the batch, after a power iteration from `v`.
    pub(super) fn excess_norm(
        &self,
        network: &Network,
        at_x: Tensor<4>,
        v: Tensor<4>,
        penalty: NormPenalty,
    ) -> Tensor<1> {
        let frozen = network.valid().no_grad();
        let x = self.x.clone().inner();
        let points = Self {
            x: x.clone(),
            sigma: self.sigma.clone().inner(),
        };
        let frozen_at_x = at_x.clone().inner();
        let mut v = unit(v.inner());
        for _ in 0..penalty.iterations {
            let w = points.jacobian_product(&frozen, frozen_at_x.clone(), v.clone()) - v.clone();
            // J^T w by a backward pass to x alone.
            let tracked = Tensor::from_inner(x.clone()).require_grad();
            let y = frozen.forward(tracked.clone(), self.sigma.clone());
            let gradients = (y * Tensor::from_inner(w.clone())).sum().backward();
            let Some(product) = tracked.grad(&gradients) else { break };
            v = unit(product - w);
        }
        let v = Tensor::from_inner(v);
        let residual = self.jacobian_product(network, at_x, v.clone()) - v.clone();
        let norms = (per_image(residual.square()) / per_image(v.square())).sqrt();
        relu(norms - penalty.limit).mean()
    }
}

/// Sums over all but the first dimension, `[N]`.
fn per_image(x: Tensor<4>) -> Tensor<1> {
    let [n, c, h, w] = x.dims();
    x.reshape([n, c * h * w]).sum_dim(1).reshape([n])
}

/// Every image with a mean square of 1.
fn unit(x: Tensor<4>) -> Tensor<4> {
    let [n, c, h, w] = x.dims();
    let mean_square = per_image(x.clone().square()) / (c * h * w) as f64;
    // Where J - I vanishes, so does the penalty.
    x / (mean_square + 1e-30).sqrt().reshape([n, 1, 1, 1])
}
