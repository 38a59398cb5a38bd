//! Tensors on the host.

use burn::tensor::Tensor;

/// The values of a tensor.
///
/// # Errors
/// If the device fails to deliver them.
pub(crate) fn host<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>, tweedie_imaging::Error> {
    tensor
        .try_into_vec_as::<f32>()
        .map_err(|error| tweedie_imaging::Error::Device {
            reason: error.to_string(),
        })
}
