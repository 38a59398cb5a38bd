//! Seeded choices on the host: which pixels are kept, which patches are drawn. The same on every machine, and for ever: masks
//! and training runs of published figures rest on them.

use rand_chacha::ChaCha8Rng;
pub use rand_core::Rng;
use rand_core::SeedableRng;

/// ChaCha with 8 rounds, its 256-bit key expanded from `seed` by eight steps of the generator PCG32 (O'Neill 2014; output
/// function XSH-RR, increment 11634580027462260723, the state advanced before each output), little-endian.
///
/// This is what `SeedableRng::seed_from_u64` of rand_core 0.10 does, which a later version may do otherwise.
pub fn generator(seed: u64) -> ChaCha8Rng {
    let mut state = seed;
    let mut key = [0; 32];
    for word in key.chunks_exact_mut(4) {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(11_634_580_027_462_260_723);
        let shifted = (((state >> 18) ^ state) >> 27) as u32;
        word.copy_from_slice(&shifted.rotate_right((state >> 59) as u32).to_le_bytes());
    }
    ChaCha8Rng::from_seed(key)
}

/// A uniform integer in `0..bound`, without bias: draws in the incomplete last block of the range are rejected.
///
/// # Panics
/// If `bound` is 0.
pub fn below(bound: usize, rng: &mut impl Rng) -> usize {
    let bound = bound as u64;
    let limit = u64::MAX - u64::MAX % bound;
    loop {
        let draw = rng.next_u64();
        if draw < limit {
            return (draw % bound) as usize;
        }
    }
}

/// Uniform in [0, 1) with 53 random bits.
pub fn unit(rng: &mut impl Rng) -> f64 {
    (rng.next_u64() >> 11) as f64 / (1u64 << 53) as f64
}

/// `count` different indices out of `0..total`, in random order (Fisher and Yates).
pub fn choose(count: usize, total: usize, rng: &mut impl Rng) -> Vec<usize> {
    let mut indices: Vec<usize> = (0..total).collect();
    for i in 0..count.min(total) {
        let j = i + below(total - i, rng);
        indices.swap(i, j);
    }
    indices.truncate(count);
    indices
}

#[cfg(test)]
mod tests {
    use super::*;

    /// These numbers must never change: they are in every mask that was published.
    #[test]
    fn first_numbers_are_pinned() {
        let first = |seed| {
            let mut rng = generator(seed);
            [rng.next_u64(), rng.next_u64()]
        };
        assert_eq!(first(0), [0xb585_f767_a79a_3b6c, 0x7746_a55f_bad8_c037]);
        assert_eq!(
            first(0x0123_4567_89ab_cdef),
            [0xe423_ae57_12b7_e737, 0x73fd_5c9d_6347_1c60]
        );
        for seed in [0, 1, 7, u64::MAX] {
            assert_eq!(first(seed)[0], ChaCha8Rng::seed_from_u64(seed).next_u64(), "{seed}");
        }
    }

    #[test]
    fn choices_are_different_indices_and_spread_evenly() {
        let mut rng = generator(1);
        let mut counts = [0; 10];
        for _ in 0..2000 {
            let mut chosen = choose(3, 10, &mut rng);
            chosen.iter().for_each(|&i| counts[i] += 1);
            chosen.sort_unstable();
            chosen.dedup();
            assert_eq!(chosen.len(), 3);
        }
        // Binomial(2000, 0.3): standard deviation 20.5; five of them.
        assert!(counts.iter().all(|&c| (c - 600_i32).abs() < 103), "{counts:?}");
    }
}
