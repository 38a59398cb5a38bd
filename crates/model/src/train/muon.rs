//! Muon for networks of convolutions.

use burn::optim::decay::WeightDecayConfig;
use burn::optim::{AdjustLrFn, LearningRate, Muon, MuonConfig, MuonState, Optimizer};
use burn::tensor::{Device, Tensor};

/// Muon (Jordan et al. 2024): the step of a matrix is the matrix with orthonormal rows or columns that is nearest to the
/// momentum of its gradients. A kernel `[Cout, Cin, 3, 3]` is the matrix `[Cout, 9 Cin]`; any other parameter is one row,
/// so its step is its momentum over its norm. Steps are scaled by 0.2 sqrt(max(rows, columns)) (Liu et al. 2025), so that
/// learning rates are near Adam's.
#[derive(Clone)]
pub(super) struct ConvolutionMuon(Muon);

impl ConvolutionMuon {
    pub(super) fn new(weight_decay: f64) -> Self {
        let decay = (weight_decay > 0.0).then(|| WeightDecayConfig::new(weight_decay as f32));
        let muon = MuonConfig::new()
            .with_weight_decay(decay)
            .with_adjust_lr_fn(AdjustLrFn::MatchRmsAdamW);
        Self(muon.build())
    }
}

impl Optimizer for ConvolutionMuon {
    type State<const D: usize> = MuonState<2>;

    fn step<const D: usize>(
        &self,
        rate: LearningRate,
        parameter: Tensor<D>,
        gradient: Tensor<D>,
        state: Option<Self::State<D>>,
    ) -> (Tensor<D>, Option<Self::State<D>>) {
        let dims = parameter.dims();
        let rows = if D == 4 { dims[0] } else { 1 };
        let matrix = |tensor: Tensor<D>| {
            let columns = dims.iter().product::<usize>() / rows;
            tensor.reshape([rows, columns])
        };
        let (parameter, state) = self.0.step(rate, matrix(parameter), matrix(gradient), state);
        (parameter.reshape(dims), state)
    }

    fn to_device<const D: usize>(state: Self::State<D>, device: &Device) -> Self::State<D> {
        Muon::to_device::<2>(state, device)
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::TensorData;
    use tweedie_imaging::noise::gaussian_values;

    use super::*;

    fn normal<const D: usize>(dims: [usize; D]) -> Tensor<D> {
        let values = gaussian_values(dims.iter().product(), 1.0, 3, 0);
        Tensor::from_data(TensorData::new(values, dims), &Device::flex())
    }

    /// Newton and Schulz's iteration with Jordan's coefficients ends with singular values in about [0.7, 1.2].
    #[test]
    fn the_step_of_a_kernel_has_orthogonal_rows() {
        let (rate, dims) = (0.1, [6, 4, 3, 3]);
        let kernel = normal(dims);
        let gradient = normal(dims).flip([0]) * 1e-3;
        let (moved, _) = ConvolutionMuon::new(0.0).step(rate, kernel.clone(), gradient, None);
        let step = ((kernel - moved) / (rate * 0.2 * 36f64.sqrt())).reshape([6, 36]);
        let gram: Vec<f32> = step.clone().matmul(step.transpose()).into_data().try_to_vec().unwrap();
        for (index, product) in gram.iter().enumerate() {
            if index % 7 == 0 {
                assert!((0.4..1.5).contains(product), "{index}: {product}");
            } else {
                assert!(product.abs() < 0.4, "{index}: {product}");
            }
        }
    }

    #[test]
    fn the_step_of_a_bias_is_along_its_gradient() {
        let bias = normal([8]);
        let gradient = bias.clone().flip([0]);
        let (moved, _) = ConvolutionMuon::new(0.0).step(0.1, bias.clone(), gradient.clone(), None);
        let step = bias - moved;
        let norm = |v: Tensor<1>| v.square().sum().sqrt().into_scalar::<f32>();
        let cosine: f32 =
            (step.clone() * gradient.clone()).sum().into_scalar::<f32>() / (norm(step.clone()) * norm(gradient));
        assert!(cosine > 0.9999, "{cosine}");
        let size = norm(step) / (0.1 * 0.2 * 8f32.sqrt());
        assert!((0.6..1.3).contains(&size), "{size}");
    }
}
