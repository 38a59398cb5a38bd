//! Images as vectors, in f64 on the host.

use tweedie_imaging::{Image, vec_from_image};

/// Host values of an image in `[N, C, H, W]` order.
pub fn values(image: &Image) -> Vec<f64> {
    vec_from_image(image)
        .expect("the device delivers its data")
        .into_iter()
        .map(f64::from)
        .collect()
}

/// <a, b> over the whole batch.
///
/// # Panics
/// If the shapes differ.
pub fn dot(a: &Image, b: &Image) -> f64 {
    assert_eq!(a.dims(), b.dims(), "dot product of different shapes");
    values(a).iter().zip(values(b)).map(|(a, b)| a * b).sum()
}

/// ||a|| over the whole batch.
pub fn norm(a: &Image) -> f64 {
    values(a).iter().map(|a| a * a).sum::<f64>().sqrt()
}

/// ||a - b|| / ||b||; NaN if both are zero, so that no comparison with a tolerance holds.
///
/// # Panics
/// If the shapes differ.
pub fn relative_distance(a: &Image, b: &Image) -> f64 {
    assert_eq!(a.dims(), b.dims(), "distance of different shapes");
    let difference: f64 = values(a).iter().zip(values(b)).map(|(a, b)| (a - b).powi(2)).sum();
    difference.sqrt() / norm(b)
}
