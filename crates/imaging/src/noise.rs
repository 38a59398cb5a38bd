//! Seeded Gaussian noise, drawn on the host: the same numbers on every device, thread count and platform.

use burn::tensor::Device;
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

use crate::{Error, Image, Sigma, image_from_vec};

/// `len` independent samples of N(0, std^2).
///
/// The generator is ChaCha8 with the given seed and stream; pairs of samples come from the Box-Muller transform
/// r = sqrt(-2 ln u1), (r cos 2 pi u2, r sin 2 pi u2) in f64. The elementary functions are those of the `libm` crate,
/// since the platform's own may differ in the last bit.
pub fn gaussian_values(len: usize, std: f64, seed: u64, stream: u64) -> Vec<f32> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(stream);
    let mut values = Vec::with_capacity(len + 1);
    while values.len() < len {
        // u1 in (0, 1], so that its logarithm is finite.
        let u1 = 1.0 - unit(&mut rng);
        let angle = 2.0 * std::f64::consts::PI * unit(&mut rng);
        let radius = std * (-2.0 * libm::log(u1)).sqrt();
        values.push((radius * libm::cos(angle)) as f32);
        values.push((radius * libm::sin(angle)) as f32);
    }
    values.truncate(len);
    values
}

/// Gaussian noise of level `sigma` as an image.
///
/// `stream` separates the images of one experiment, so that they may be processed in any order.
///
/// # Errors
/// Those of [`image_from_vec`].
pub fn gaussian(dims: [usize; 4], sigma: Sigma, seed: u64, stream: u64, device: &Device) -> Result<Image, Error> {
    image_from_vec(gaussian_values(dims.iter().product(), sigma.value(), seed, stream), dims, device)
}

/// Uniform in [0, 1) with 53 random bits.
fn unit(rng: &mut ChaCha8Rng) -> f64 {
    (rng.next_u64() >> 11) as f64 / (1u64 << 53) as f64
}
