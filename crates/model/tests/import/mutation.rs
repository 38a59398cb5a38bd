//! Valid files with random damage: an error or a checkpoint, no panic, within a second.
//!
//! `TWEEDIE_MUTATIONS` sets the number of cases per format, `TWEEDIE_MUTATION_SEED` the seed.

use std::panic::catch_unwind;
use std::time::{Duration, Instant};

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::hostile::{import, valid};

const CASES: u64 = 10_000;
/// A file of this size is read in a millisecond; the rest is for a busy machine.
const LIMIT: Duration = Duration::from_secs(2);

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
}

/// One to eight changes: bytes, numbers that mean trouble, pieces taken out, put in or repeated.
fn mutate(bytes: &mut Vec<u8>, rng: &mut ChaCha8Rng) {
    let numbers = [
        0,
        1,
        0x7fff_ffff,
        0x8000_0000,
        0xffff_ffff,
        1 << 32,
        u64::MAX,
        u64::MAX >> 1,
    ];
    for _ in 0..=rng.next_u32() % 8 {
        let below = |rng: &mut ChaCha8Rng, end: usize| (rng.next_u64() % end.max(1) as u64) as usize;
        let at = below(rng, bytes.len());
        let length = below(rng, 32).min(bytes.len() - at);
        match rng.next_u32() % 7 {
            0 | 1 if at < bytes.len() => bytes[at] ^= 1 << (rng.next_u32() % 8),
            2 if at < bytes.len() => bytes[at] = rng.next_u32() as u8,
            3 => {
                let number = numbers[below(rng, numbers.len())].to_le_bytes();
                let width = [1, 2, 4, 8][below(rng, 4)].min(bytes.len() - at);
                bytes[at..at + width].copy_from_slice(&number[..width]);
            }
            4 => drop(bytes.drain(at..at + length)),
            5 => {
                let piece = bytes[at..at + length].to_vec();
                let to = below(rng, bytes.len());
                bytes.splice(to..to, piece);
            }
            _ => {
                let piece = bytes[at..at + length].to_vec();
                let to = below(rng, bytes.len() + 1 - length);
                bytes[to..to + length].copy_from_slice(&piece);
            }
        }
    }
}

#[test]
fn damaged_files_never_panic() {
    let cases = setting("TWEEDIE_MUTATIONS", CASES);
    let seed = setting("TWEEDIE_MUTATION_SEED", 0);
    for (stream, (name, whole)) in valid().into_iter().enumerate() {
        let (started, mut taken, mut slowest) = (Instant::now(), 0u64, Duration::ZERO);
        for case in 0..cases {
            let mut rng = ChaCha8Rng::seed_from_u64(seed.wrapping_add(case));
            rng.set_stream(stream as u64);
            let mut bytes = whole.clone();
            mutate(&mut bytes, &mut rng);
            let start = Instant::now();
            let outcome = catch_unwind(|| import(&bytes).is_ok());
            slowest = slowest.max(start.elapsed());
            assert!(outcome.is_ok(), "{name}: case {case} of seed {seed} panics");
            taken += u64::from(outcome.is_ok_and(|ok| ok));
        }
        println!(
            "{name}: {cases} cases from seed {seed} in {:.1} s, {taken} taken, the slowest in {:.3} s",
            started.elapsed().as_secs_f64(),
            slowest.as_secs_f64()
        );
        assert!(slowest < LIMIT, "{name}: {slowest:?}");
        // Damage to values leaves a valid file, damage to structure does not: both are met.
        assert!(taken > 0 && taken < cases, "{name}: {taken} of {cases}");
    }
}
