//! What a training step minimises.

use burn::tensor::Tensor;

use super::TrainConfig;
use super::data::Batch;
use super::loss::loss;
use super::penalty::Points;
use crate::Network;

/// Random streams of a step's probes, apart from those of the crops.
const PROBES: u64 = 1 << 62;

/// The loss of a batch with its penalties.
pub(super) fn objective(config: &TrainConfig, network: &Network, batch: Batch, step: u64) -> Tensor<1> {
    let points = Points {
        x: batch.noisy,
        sigma: batch.sigma,
    };
    let probe = |points: &Points, index: u64| points.probe(config.seed, PROBES + 4 * step + index);
    let estimate = network.forward(points.x.clone(), points.sigma.clone());
    let mut total = match batch.target {
        Some(target) => loss(config.loss(step), estimate.clone(), target),
        None => sure(&points, network, estimate.clone(), probe(&points, 0)),
    };
    let Some(penalty) = config.penalty else {
        return total;
    };
    let crops = penalty.crops.min(config.training.batch);
    let estimate = estimate.narrow(0, 0, crops);
    let points = Points {
        x: points.x.narrow(0, 0, crops),
        sigma: points.sigma.narrow(0, 0, crops),
    };
    if let Some(weight) = penalty.symmetry {
        let (u, v) = (probe(&points, 1), probe(&points, 2));
        total = total + points.asymmetry(network, estimate.clone(), u, v) * weight;
    }
    if let Some(norm) = penalty.norm {
        let excess = points.excess_norm(network, estimate, probe(&points, 3), norm);
        total = total + excess * norm.weight;
    }
    total
}

/// Stein's unbiased estimate of the mean squared error from noisy pictures y alone,
/// mean (D(y) - y)^2 - sigma^2 + 2 sigma^2 / n div D(y), with div D(y) = E b^T J b for b with independent signs as
/// entries, here by one b and a forward difference.
fn sure(points: &Points, network: &Network, estimate: Tensor<4>, probe: Tensor<4>) -> Tensor<1> {
    let [n, _, _, _] = points.x.dims();
    let signs = probe.sign();
    let variance = points.sigma.clone().square();
    let fit = (estimate.clone() - points.x.clone()).square().mean() - variance.clone().mean();
    let change = points.jacobian_product(network, estimate, signs.clone());
    fit + (signs * change * variance.reshape([n, 1, 1, 1])).mean() * 2.0
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, TensorData};
    use tweedie_imaging::noise::gaussian_values;

    use super::*;
    use crate::{Architecture, DncnnConfig};

    /// On 64 x 32^2 values the estimate and the error differ by about (2 sigma rmse + 1.4 sigma^2) / sqrt(n) = 2e-4 of noise
    /// in the fit, and as much by the probe; without the divergence they differ by 2 sigma^2 tr J / n, about 2e-2.
    #[test]
    fn stein_s_estimate_is_the_error_that_it_does_not_see() {
        let device = Device::flex().autodiff();
        let architecture = Architecture::Dncnn(DncnnConfig {
            channels: 1,
            depth: 3,
            width: 12,
            bias: true,
            residual: true,
            conditioning: crate::Conditioning::Blind,
            padding: crate::Padding::Zero,
        });
        let network = architecture.init(4, &device).unwrap();
        let dims = [64, 1, 32, 32];
        let normal = |std: f64, stream: u64| -> Tensor<4> {
            let values = gaussian_values(64 * 32 * 32, std, 8, stream);
            Tensor::from_data(TensorData::new(values, dims), &device)
        };
        let clean = normal(0.2, 0);
        let points = Points {
            x: clean.clone() + normal(0.1, 1),
            sigma: Tensor::full([64], 0.1, &device),
        };
        let estimate = network.forward(points.x.clone(), points.sigma.clone());
        let error: f32 = (estimate.clone() - clean).square().mean().into_scalar();
        let fit: f32 = (estimate.clone() - points.x.clone()).square().mean().into_scalar();
        let stein: f32 = sure(&points, &network, estimate, normal(1.0, 2)).into_scalar();
        assert!((stein - error).abs() < 1e-3, "{stein} and {error}");
        assert!(
            (fit - 0.01 - error).abs() > 5e-3,
            "the divergence is too small to be seen"
        );
    }
}
