//! Losses between an estimate and the clean image.

use burn::tensor::Tensor;

use super::LossKind;

/// Below this the Charbonnier loss is quadratic: 1e-3, a quarter of a grey level.
const CHARBONNIER_EPSILON_SQ: f64 = 1e-6;

/// The loss, a mean over all pixels of the batch.
pub(super) fn loss(kind: LossKind, estimate: Tensor<4>, clean: Tensor<4>) -> Tensor<1> {
    let error = estimate - clean;
    match kind {
        LossKind::L1 => error.abs().mean(),
        LossKind::L2 => error.square().mean(),
        LossKind::Charbonnier => (error.square() + CHARBONNIER_EPSILON_SQ).sqrt().mean(),
    }
}
