//! Work on host copies of images, and checks of parameters.

use rayon::prelude::*;
use tweedie_imaging::{Image, image_from_vec, require_dims, vec_from_image};

use crate::Error;

/// Computes an image block by block on the host: each of the `blocks` equal parts of an image (1, or one for each
/// channel) is made from the same parts of the inputs.
///
/// Blocks may run on several threads; none reads another's output, so the result does not depend on their number.
///
/// # Errors
/// If an input is not of the `[C, H, W]` given beside it, or the batch sizes differ.
pub(crate) fn map_blocks<const K: usize>(
    operation: &'static str,
    inputs: [(&Image, [usize; 3]); K],
    to: [usize; 3],
    blocks: usize,
    f: impl Fn([&[f32]; K], &mut [f32]) + Sync,
) -> Result<Image, Error> {
    let mut hosts = Vec::with_capacity(K);
    for (image, dims) in inputs {
        require_dims(operation, image, dims)?;
        require_batch(operation, inputs[0].0, image)?;
        hosts.push(vec_from_image(image)?);
    }
    let [batch, ..] = inputs[0].0.dims();
    let lengths = inputs.map(|(_, dims)| dims.iter().product::<usize>() / blocks);
    let out_length = to.iter().product::<usize>() / blocks;
    let mut output = vec![0.0; batch * blocks * out_length];
    output.par_chunks_mut(out_length).enumerate().for_each(|(index, out)| {
        let parts = std::array::from_fn(|k| &hosts[k][index * lengths[k]..][..lengths[k]]);
        f(parts, out);
    });
    Ok(image_from_vec(
        output,
        [batch, to[0], to[1], to[2]],
        &inputs[0].0.device(),
    )?)
}

/// Checks that two images are batches of the same size.
pub(crate) fn require_batch(operation: &'static str, expected: &Image, got: &Image) -> Result<(), Error> {
    let (expected, got) = (expected.dims()[0], got.dims()[0]);
    if expected == got {
        return Ok(());
    }
    Err(parameter(
        operation,
        format!("a batch of {expected}"),
        format!("a batch of {got}"),
    ))
}

/// Checks that no size is zero.
pub(crate) fn require_domain(operation: &'static str, domain: [usize; 3]) -> Result<(), Error> {
    if domain.iter().all(|&size| size > 0) {
        return Ok(());
    }
    Err(parameter(
        operation,
        "[C, H, W] without zeros".into(),
        format!("{domain:?}"),
    ))
}

/// Checks that a parameter is positive and finite.
pub(crate) fn require_positive(operation: &'static str, name: &str, value: f64) -> Result<(), Error> {
    if value.is_finite() && value > 0.0 {
        return Ok(());
    }
    Err(parameter(
        operation,
        format!("{name} positive and finite"),
        value.to_string(),
    ))
}

/// Checks that a measurement holds finite values only.
pub(crate) fn require_finite(operation: &'static str, values: &[f32]) -> Result<(), Error> {
    let mut bad = values.iter().enumerate().filter(|(_, value)| !value.is_finite());
    let Some((first, _)) = bad.next() else { return Ok(()) };
    let count = 1 + bad.count();
    Err(tweedie_imaging::Error::NonFinite {
        what: operation.to_string(),
        count,
        first,
    }
    .into())
}

pub(crate) fn parameter(operation: &'static str, expected: String, got: String) -> Error {
    Error::Parameter {
        operation,
        expected,
        got,
    }
}

/// <a, b> for each image of the batch, in f64.
///
/// # Errors
/// If the shapes differ or the device does not deliver.
pub(crate) fn dot_per_image(a: &Image, b: &Image) -> Result<Vec<f64>, Error> {
    let [batch, c, h, w] = a.dims();
    require_dims("dot product", b, [c, h, w])?;
    require_batch("dot product", a, b)?;
    let (a, b) = (vec_from_image(a)?, vec_from_image(b)?);
    let length = c * h * w;
    let dot = |(a, b): (&[f32], &[f32])| a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum();
    Ok((0..batch)
        .map(|n| dot((&a[n * length..][..length], &b[n * length..][..length])))
        .collect())
}

/// ||a||^2 for each image of the batch, in f64.
///
/// # Errors
/// If the device does not deliver.
pub(crate) fn norm_sq_per_image(a: &Image) -> Result<Vec<f64>, Error> {
    let [batch, c, h, w] = a.dims();
    let host = vec_from_image(a)?;
    let length = c * h * w;
    let square = |a: &[f32]| a.iter().map(|&a| f64::from(a) * f64::from(a)).sum();
    Ok((0..batch).map(|n| square(&host[n * length..][..length])).collect())
}
