//! Images moved into the range of a network's training.

use burn::tensor::Tensor;
use tweedie_imaging::Sigma;

/// f of each image after the affine map that takes its least and largest value to -sigma/4 and 1 + sigma/4, and back, as
/// Ryu et al. 2019 denoise (their program; the paper does not have it): iterates of MRI leave the range that a network
/// was trained for, and a network with biases does badly there. The range of an image is taken to be at least 1e-6.
pub(crate) fn stretched(x: Tensor<4>, sigma: Sigma, f: impl FnOnce(Tensor<4>) -> Tensor<4>) -> Tensor<4> {
    let [n, c, h, w] = x.dims();
    let values = x.clone().reshape([n, c * h * w]);
    let least = values.clone().min_dim(1).reshape([n, 1, 1, 1]);
    let range = values.max_dim(1).reshape([n, 1, 1, 1]) - least.clone();
    let range = range.clamp_min(1e-6) / (1.0 + sigma.value() / 2.0);
    let margin = sigma.value() / 4.0;
    let y = f((x - least.clone()) / range.clone() - margin);
    (y + margin) * range + least
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, TensorData};

    use super::*;

    #[test]
    fn each_image_is_stretched_by_itself_and_put_back() {
        let values: Vec<f32> = vec![-1.0, 0.0, 3.0, 1.0, 0.25, 0.5, 0.25, 0.75];
        let x = Tensor::<4>::from_data(TensorData::new(values.clone(), [2, 1, 2, 2]), &Device::flex());
        let sigma = Sigma::new(0.2).unwrap();
        let mut seen = Vec::new();
        let back = stretched(x, sigma, |x| {
            seen = x.clone().into_data().try_to_vec::<f32>().unwrap();
            x
        });
        for (got, expected) in seen.iter().zip([-0.05, 0.225, 1.05, 0.5, -0.05, 0.5, -0.05, 1.05]) {
            assert!((got - expected).abs() < 1e-6, "{seen:?}");
        }
        for (got, expected) in back.into_data().try_to_vec::<f32>().unwrap().iter().zip(values) {
            assert!((got - expected).abs() < 1e-6, "{got} {expected}");
        }
    }

    #[test]
    fn a_constant_image_stays_finite() {
        let x = Tensor::<4>::full([1, 1, 2, 2], 0.3, &Device::flex());
        let y = stretched(x, Sigma::new(0.1).unwrap(), |x| x * 0.5);
        let values = y.into_data().try_to_vec::<f32>().unwrap();
        assert!(values.iter().all(|value| (value - 0.3).abs() < 1e-5), "{values:?}");
    }
}
