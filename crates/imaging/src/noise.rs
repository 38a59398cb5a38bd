//! Seeded Gaussian noise, drawn on the host: the same numbers on every device, thread count and platform.
//!
//! # Algorithm
//! 1. Bits: ChaCha with 8 rounds (Bernstein 2008), 64-bit block counter from 0. The key is the 64-bit seed, little-endian,
//!    followed by 24 zero bytes; the 64-bit nonce is the stream. Two 32-bit words of the key stream make a 64-bit integer,
//!    the first word being the lower half.
//! 2. Uniform numbers: u = floor(integer / 2^11) / 2^53, in [0, 1).
//! 3. Box-Muller transform (Box and Muller 1958), in f64: two successive uniform numbers u1, u2 give the two samples
//!    r cos(2 pi u2), r sin(2 pi u2) with r = std sqrt(-2 ln(1 - u1)), rounded to f32.
//!
//! The logarithm, sine and cosine are those of the `libm` crate, which computes them by the same additions and
//! multiplications everywhere; the functions of the platform may differ between machines in the last bit.
//! The largest possible sample is 8.6 std, since 1 - u1 is at least 2^-53.
//!
//! # Streams
//! One seed belongs to one experiment; the stream tells its images apart, so that they may be processed in any order, or
//! in parallel, with the same result. Use the index of an image in a batch of work, or [`stream_from_name`] where the
//! noise of a file should not depend on which other files there are.

use burn::tensor::Device;
use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng;
use sha2::{Digest, Sha256};

use crate::random::unit;
use crate::{Error, Image, Sigma, image_from_vec};

/// `len` independent samples of N(0, std^2), by the [algorithm](self) of this module.
///
/// A shorter request with the same seed and stream gives the first samples of a longer one.
pub fn gaussian_values(len: usize, std: f64, seed: u64, stream: u64) -> Vec<f32> {
    let mut rng = generator(seed, stream);
    let mut values = Vec::with_capacity(len + 1);
    while values.len() < len {
        // 1 - u1 is in (0, 1], so that its logarithm is finite.
        let radius = std * (-2.0 * libm::log(1.0 - unit(&mut rng))).sqrt();
        let angle = 2.0 * std::f64::consts::PI * unit(&mut rng);
        values.push((radius * libm::cos(angle)) as f32);
        values.push((radius * libm::sin(angle)) as f32);
    }
    values.truncate(len);
    values
}

/// Gaussian noise of level `sigma` as an image of shape `dims` = `[N, C, H, W]`: [`gaussian_values`] in that order.
///
/// # Errors
/// Those of [`image_from_vec`].
pub fn gaussian(dims: [usize; 4], sigma: Sigma, seed: u64, stream: u64, device: &Device) -> Result<Image, Error> {
    image_from_vec(
        gaussian_values(dims.iter().product(), sigma.value(), seed, stream),
        dims,
        device,
    )
}

/// The stream of an image that is known by a name: the first 8 bytes, little-endian, of the name's sha256.
///
/// Give the name relative to what the user named (a file's name, say), so that moving a data set changes nothing.
pub fn stream_from_name(name: &str) -> u64 {
    let digest = Sha256::digest(name.as_bytes());
    digest
        .iter()
        .take(8)
        .rev()
        .fold(0, |stream, &byte| stream << 8 | u64::from(byte))
}

/// The key is set byte by byte because `seed_from_u64` expands the seed in a way that the crate may change.
fn generator(seed: u64, stream: u64) -> ChaCha8Rng {
    let mut key = [0; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    let mut rng = ChaCha8Rng::from_seed(key);
    rng.set_stream(stream);
    rng
}

#[cfg(test)]
mod tests {
    use rand_core::Rng as _;

    use super::*;

    const COUNT: usize = 1 << 20;

    fn mean(values: impl Iterator<Item = f64>) -> f64 {
        values.sum::<f64>() / COUNT as f64
    }

    #[test]
    fn bits_are_chacha8() {
        // The first block of ChaCha8 for a zero key and nonce (draft-strombergson-chacha-test-vectors, TC1).
        let first: Vec<u32> = [0x3e00_ef2f, 0x895f_40d6, 0x7f5b_b8e8, 0x1f09_a5a1]
            .map(u32::swap_bytes)
            .to_vec();
        let mut rng = generator(0, 0);
        assert_eq!((0..4).map(|_| rng.next_u32()).collect::<Vec<_>>(), first);
    }

    #[test]
    fn moments_are_those_of_a_normal_distribution() {
        let values = gaussian_values(COUNT, 1.0, 7, 0);
        let moment = |power| mean(values.iter().map(|&v| f64::from(v).powi(power)));
        // Standard error of the mean of v^p is sqrt((E v^2p - (E v^p)^2) / COUNT); five of them.
        let root = (COUNT as f64).sqrt();
        for (power, expected, variance) in [(1, 0.0, 1.0), (2, 1.0, 2.0), (3, 0.0, 15.0), (4, 3.0, 96.0)] {
            let deviation = moment(power) - expected;
            assert!(
                deviation.abs() < 5.0 * f64::sqrt(variance) / root,
                "moment {power}: {deviation}"
            );
        }
    }

    #[test]
    fn tails_are_as_heavy_as_they_should_be() {
        let values = gaussian_values(COUNT, 1.0, 8, 0);
        // P(|v| > t) of N(0, 1).
        for (t, p) in [
            (1.0, 0.317_310_5),
            (2.0, 0.045_500_3),
            (3.0, 0.002_699_8),
            (4.0, 6.334e-5),
        ] {
            let share = mean(values.iter().map(|v| f64::from(u8::from(v.abs() > t))));
            let error = (p * (1.0 - p) / COUNT as f64).sqrt();
            assert!((share - p).abs() < 5.0 * error, "beyond {t}: {share} instead of {p}");
        }
    }

    #[test]
    fn samples_seeds_and_streams_are_uncorrelated() {
        let values = gaussian_values(COUNT, 1.0, 9, 0);
        let others = [gaussian_values(COUNT, 1.0, 10, 0), gaussian_values(COUNT, 1.0, 9, 1)];
        let shifted = [1, 2, 3, 512].map(|lag| [&values[lag..], &values[..lag]].concat());
        for (index, other) in others.iter().chain(&shifted).enumerate() {
            let correlation = mean(values.iter().zip(other).map(|(a, b)| f64::from(a * b)));
            // The mean of products of independent samples has the standard error 1 / sqrt(COUNT).
            assert!(
                correlation.abs() < 5.0 / (COUNT as f64).sqrt(),
                "{index}: {correlation}"
            );
        }
    }

    #[test]
    fn a_shorter_request_is_the_start_of_a_longer_one() {
        assert_eq!(gaussian_values(5, 0.1, 1, 2), gaussian_values(100, 0.1, 1, 2)[..5]);
        assert!(gaussian_values(0, 0.1, 1, 2).is_empty());
    }

    #[test]
    fn the_level_is_the_standard_deviation() {
        let sigma = Sigma::from_grey_levels(25.0).unwrap();
        let image = gaussian([2, 3, 8, 8], sigma, 3, 4, &Device::default()).unwrap();
        assert_eq!(image.dims(), [2, 3, 8, 8]);
        let unit = gaussian_values(384, 1.0, 3, 4);
        for (noise, unit) in crate::vec_from_image(&image).unwrap().iter().zip(unit) {
            // Scaling before and after the rounding to f32 differs by two roundings.
            assert!((noise - unit * (25.0 / 255.0)).abs() <= 2.0 * f32::EPSILON * noise.abs());
        }
    }

    #[test]
    fn streams_of_names_are_the_start_of_their_hash() {
        // sha256("abc") = ba7816bf8f01cfea...
        assert_eq!(
            stream_from_name("abc"),
            u64::from_le_bytes([0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea])
        );
        assert_ne!(stream_from_name("01.png"), stream_from_name("02.png"));
    }
}
