//! Random parameters.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::Rng;

/// Uniform in [0, 1) with 53 random bits.
fn unit(rng: &mut ChaCha8Rng) -> f64 {
    (rng.next_u64() >> 11) as f64 / (1u64 << 53) as f64
}

/// True with a probability.
pub(super) fn coin(probability: f64, rng: &mut ChaCha8Rng) -> bool {
    unit(rng) < probability
}

/// Uniform in a range.
pub(super) fn between([min, max]: [f64; 2], rng: &mut ChaCha8Rng) -> f64 {
    min + (max - min) * unit(rng)
}

/// A number whose logarithm is uniform in a range of positive numbers.
pub(super) fn log_between([min, max]: [f64; 2], rng: &mut ChaCha8Rng) -> f64 {
    libm::exp(between([libm::log(min), libm::log(max)], rng))
}
