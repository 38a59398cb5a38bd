//! Seeded choices on the host, the same on every machine.

use rand_chacha::rand_core::Rng;

/// A uniform integer in `0..bound`, without bias: draws in the incomplete last block of the range are rejected.
pub(crate) fn below(bound: usize, rng: &mut impl Rng) -> usize {
    let bound = bound as u64;
    let limit = u64::MAX - u64::MAX % bound;
    loop {
        let draw = rng.next_u64();
        if draw < limit {
            return (draw % bound) as usize;
        }
    }
}

/// `count` different indices out of `0..total`, in random order (Fisher and Yates).
pub(crate) fn choose(count: usize, total: usize, rng: &mut impl Rng) -> Vec<usize> {
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
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::SeedableRng;

    use super::*;

    #[test]
    fn choices_are_different_indices_and_spread_evenly() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
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
