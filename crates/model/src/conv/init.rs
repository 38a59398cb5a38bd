//! Initial weights, drawn on the host so that every device starts from the same network.

use burn::module::{Param, ParamId};
use burn::tensor::{Device, Tensor, TensorData};
use tweedie_imaging::noise::gaussian_values;

/// He-normal weights of a 3x3 convolution, `[cout, cin, 3, 3]`: standard deviation gain * sqrt(2 / (9 cin))
/// (He et al. 2015, fan-in for ReLU).
pub(crate) fn he_normal(
    cin: usize,
    cout: usize,
    gain: f64,
    seed: u64,
    stream: u64,
    device: &Device,
) -> Param<Tensor<4>> {
    let std = gain * (2.0 / (9 * cin) as f64).sqrt();
    normal([cout, cin, 3, 3], std, seed, stream, device)
}

/// Normal weights of the layer `stream` with the standard deviation `std`.
pub(crate) fn normal(dims: [usize; 4], std: f64, seed: u64, stream: u64, device: &Device) -> Param<Tensor<4>> {
    let values = gaussian_values(dims.iter().product(), std, seed, stream);
    param(values, dims, 2 * stream, device)
}

/// The bias of the layer `stream`, zero everywhere.
pub(crate) fn zeros(len: usize, stream: u64, device: &Device) -> Param<Tensor<1>> {
    param(vec![0.0; len], [len], 2 * stream + 1, device)
}

/// Parameters are numbered in the order of the network: burn keeps the optimizer's state by these numbers, and a run
/// that goes on in a new process must find its own.
pub(crate) fn param<const D: usize>(values: Vec<f32>, dims: [usize; D], id: u64, device: &Device) -> Param<Tensor<D>> {
    let tensor = Tensor::from_data(TensorData::new(values, dims), device);
    // Parameters ask for gradients wherever the device can give them.
    let tensor = if tensor.is_autodiff() {
        tensor.require_grad()
    } else {
        tensor
    };
    Param::initialized(ParamId::from(id), tensor)
}

/// The parameter with other values.
pub(crate) fn replaced<const D: usize>(
    param: Param<Tensor<D>>,
    values: Vec<f32>,
    dims: [usize; D],
) -> Param<Tensor<D>> {
    param.map(|old| {
        let tracked = old.is_require_grad();
        let tensor = Tensor::from_data(TensorData::new(values, dims), &old.device());
        if tracked { tensor.require_grad() } else { tensor }
    })
}
