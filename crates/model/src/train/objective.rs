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
        Some(target) => loss(config.training.loss, estimate.clone(), target),
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
