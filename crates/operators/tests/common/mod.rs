//! Helpers of this crate's tests.
#![allow(dead_code)]

use burn::tensor::Device;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use tweedie_imaging::{Image, image_from_vec, vec_from_image};

/// Seeded values, uniform in [-1, 1].
pub fn random_values(count: usize, seed: u64) -> Vec<f32> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    (0..count)
        .map(|_| (f64::from(rng.next_u32()) / f64::from(u32::MAX) * 2.0 - 1.0) as f32)
        .collect()
}

/// A seeded image, uniform in [-1, 1].
pub fn random_image(batch: usize, [c, h, w]: [usize; 3], seed: u64) -> Image {
    image(random_values(batch * c * h * w, seed), [batch, c, h, w])
}

pub fn image(values: Vec<f32>, dims: [usize; 4]) -> Image {
    image_from_vec(values, dims, &Device::flex()).unwrap()
}

pub fn values(image: &Image) -> Vec<f64> {
    vec_from_image(image).unwrap().into_iter().map(f64::from).collect()
}

pub fn dot(a: &Image, b: &Image) -> f64 {
    values(a).iter().zip(values(b)).map(|(a, b)| a * b).sum()
}

pub fn norm(a: &Image) -> f64 {
    dot(a, a).sqrt()
}

/// ||a - b|| / ||b||.
pub fn relative_distance(a: &Image, b: &Image) -> f64 {
    norm(&(a.clone() - b.clone())) / norm(b)
}
