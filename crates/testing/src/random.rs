//! Seeded test tensors, drawn on the host.

use burn::tensor::Device;
use tweedie_imaging::random::{generator, unit};
use tweedie_imaging::{Image, image_from_vec, noise};

/// `len` seeded values, uniform in `[low, high)`.
pub fn uniform_values(len: usize, low: f64, high: f64, seed: u64) -> Vec<f64> {
    let mut rng = generator(seed);
    (0..len).map(|_| low + (high - low) * unit(&mut rng)).collect()
}

/// A seeded image with pixels uniform in `[low, high)`.
pub fn uniform(dims: [usize; 4], low: f64, high: f64, seed: u64, device: &Device) -> Image {
    let values = uniform_values(dims.iter().product(), low, high, seed);
    image_from_vec(values.into_iter().map(|v| v as f32).collect(), dims, device).expect("as many values as pixels")
}

/// A seeded image with independent pixels from N(0, 1).
pub fn normal(dims: [usize; 4], seed: u64, device: &Device) -> Image {
    let values = noise::gaussian_values(dims.iter().product(), 1.0, seed, 0);
    image_from_vec(values, dims, device).expect("as many values as pixels")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stay_in_their_range_and_fill_it() {
        let values = uniform_values(1000, -2.0, 3.0, 1);
        let smallest = values.iter().copied().fold(f64::INFINITY, f64::min);
        let largest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        // The chance that 1000 values leave a gap of 0.1 at an end of [-2, 3) is 0.98^1000 = 2e-9.
        assert!(
            (-2.0..-1.9).contains(&smallest) && (2.9..3.0).contains(&largest),
            "{smallest} {largest}"
        );
    }

    #[test]
    fn seeds_differ_and_repeat() {
        assert_eq!(uniform_values(8, 0.0, 1.0, 1), uniform_values(8, 0.0, 1.0, 1));
        assert_ne!(uniform_values(8, 0.0, 1.0, 1), uniform_values(8, 0.0, 1.0, 2));
    }
}
