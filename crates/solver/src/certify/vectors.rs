//! Vectors on the host in f64.

use tweedie_imaging::{Image, vec_from_image};

use crate::Error;

/// The values of an image.
pub(super) fn host(image: &Image) -> Result<Vec<f64>, Error> {
    Ok(vec_from_image(image)?.into_iter().map(f64::from).collect())
}

/// <a, b>.
pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// ||a||.
pub(super) fn norm(a: &[f64]) -> f64 {
    dot(a, a).sqrt()
}

/// ||a - b||.
pub(super) fn distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt()
}
