//! Inner products for the trace, computed on the device and read once.

use burn::tensor::Tensor;
use tweedie_imaging::{Error, Image};

/// <a, b> of each pair over all entries; all pairs are read from the device at once.
///
/// Rows are summed on the device in f32 and the row sums on the host in f64, so the relative error of ||a||^2 stays at
/// the level of one row's f32 sum (about 1e-6) at any image size.
pub(crate) fn inner_products(pairs: &[(&Image, &Image)]) -> Result<Vec<f64>, Error> {
    let rows: Vec<usize> = pairs.iter().map(|(a, _)| a.dims()[..3].iter().product()).collect();
    let sums: Vec<Tensor<1>> = pairs
        .iter()
        .zip(&rows)
        .map(|((a, b), &count)| ((*a).clone() * (*b).clone()).sum_dim(3).reshape([count]))
        .collect();
    let values = Tensor::cat(sums, 0)
        .try_into_vec_as::<f32>()
        .map_err(|error| Error::Device {
            reason: error.to_string(),
        })?;
    let mut rest = values.as_slice();
    Ok(rows
        .iter()
        .map(|&count| {
            let (own, others) = rest.split_at(count);
            rest = others;
            own.iter().map(|&v| f64::from(v)).sum()
        })
        .collect())
}

/// ||t||^2 of each tensor; see [`inner_products`].
pub(crate) fn norms_sq(tensors: &[&Image]) -> Result<Vec<f64>, Error> {
    let pairs: Vec<_> = tensors.iter().map(|&t| (t, t)).collect();
    inner_products(&pairs)
}

/// Number of entries of a tensor.
pub(crate) fn entries(image: &Image) -> f64 {
    image.dims().iter().product::<usize>() as f64
}
