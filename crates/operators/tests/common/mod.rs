//! Helpers of this crate's tests.
#![allow(dead_code)]

use burn::tensor::Device;
use tweedie_imaging::{Image, image_from_vec};
use tweedie_testing::{uniform, uniform_values};

/// Seeded values, uniform in [-1, 1).
pub fn random_values(count: usize, seed: u64) -> Vec<f32> {
    uniform_values(count, -1.0, 1.0, seed)
        .into_iter()
        .map(|value| value as f32)
        .collect()
}

/// A seeded image, uniform in [-1, 1).
pub fn random_image(batch: usize, [c, h, w]: [usize; 3], seed: u64) -> Image {
    uniform([batch, c, h, w], -1.0, 1.0, seed, &Device::flex())
}

pub fn image(values: Vec<f32>, dims: [usize; 4]) -> Image {
    image_from_vec(values, dims, &Device::flex()).unwrap()
}
