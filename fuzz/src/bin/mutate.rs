//! `mutate TARGET SECONDS [SEED]`: random damage to the files of `corpus/TARGET` until the time is over. A finding is written to
//! `artifacts/TARGET` and ends the run with status 1; the same seed gives the same cases.

use std::panic::{AssertUnwindSafe, catch_unwind, set_hook};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};
use std::{env, fs};

use tweedie::imaging::random::{Rng, below, generator};
use tweedie::imaging::sha256_bytes;
use tweedie_fuzz::{TARGETS, target};

/// Longer than any parser takes for files of this size, on a busy machine too.
const SLOW: Duration = Duration::from_secs(10);

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let seed: Option<u64> = arguments.get(2).map_or(Some(0), |seed| seed.parse().ok());
    let (Some(name), Some(seconds), Some(seed)) = (
        arguments.first(),
        arguments.get(1).and_then(|seconds| seconds.parse().ok()),
        seed,
    ) else {
        eprintln!("usage: mutate TARGET SECONDS [SEED]");
        return ExitCode::from(2);
    };
    let Some(run) = target(name) else {
        let names: Vec<&str> = TARGETS.iter().map(|(name, _)| *name).collect();
        eprintln!("target: expected one of {}, got '{name}'", names.join(", "));
        return ExitCode::from(2);
    };
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let corpus = read(&root.join("corpus").join(name));
    if corpus.is_empty() {
        eprintln!("{name}: expected files in corpus/{name}");
        return ExitCode::FAILURE;
    }
    set_hook(Box::new(|_| {}));
    let (started, mut cases, mut slowest) = (Instant::now(), 0_u64, Duration::ZERO);
    // The whole files first.
    let mut input = corpus[0].clone();
    while started.elapsed() < Duration::from_secs(seconds) || cases < corpus.len() as u64 {
        match corpus.get(cases as usize) {
            Some(whole) => input.clone_from(whole),
            None => mutate(&mut input, &corpus, &mut generator(seed.wrapping_add(cases).wrapping_mul(0x9e37_79b9))),
        }
        let start = Instant::now();
        let outcome = catch_unwind(AssertUnwindSafe(|| run(&input)));
        let took = start.elapsed();
        slowest = slowest.max(took);
        let what = match outcome {
            Err(payload) => {
                let text = payload.downcast_ref::<String>().map(String::as_str);
                Some(text.or(payload.downcast_ref::<&str>().copied()).unwrap_or("a panic").to_owned())
            }
            Ok(()) => (took > SLOW).then(|| format!("took {:.1} s", took.as_secs_f64())),
        };
        if let Some(what) = what {
            let path = keep(&root.join("artifacts").join(name), &input);
            println!("{name}: case {cases} of seed {seed}: {what}; the input is {}", path.display());
            return ExitCode::FAILURE;
        }
        cases += 1;
    }
    println!(
        "{name}: {cases} cases from seed {seed} in {:.0} s, the slowest took {:.3} s",
        started.elapsed().as_secs_f64(),
        slowest.as_secs_f64()
    );
    ExitCode::SUCCESS
}

/// The files of a folder, in order.
fn read(folder: &Path) -> Vec<Vec<u8>> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    paths.iter().map(|path| fs::read(path).unwrap_or_default()).collect()
}

fn keep(folder: &Path, input: &[u8]) -> PathBuf {
    let path = folder.join(&sha256_bytes(input)[..16]);
    if let Err(error) = fs::create_dir_all(folder).and_then(|()| fs::write(&path, input)) {
        eprintln!("{}: {error}", path.display());
    }
    path
}

/// A file of the corpus with one to eight changes: bits, bytes, numbers that mean trouble, pieces taken out, put in, repeated, or
/// from another file. Checksums of PNG are put right in half of the cases, so that what they protect is reached.
fn mutate(input: &mut Vec<u8>, corpus: &[Vec<u8>], rng: &mut impl Rng) {
    input.clone_from(&corpus[below(corpus.len(), rng)]);
    let numbers = [0, 1, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 1 << 32, u64::MAX, u64::MAX >> 1];
    for _ in 0..=below(8, rng) {
        let at = below(input.len() + 1, rng);
        let length = below(32, rng).min(input.len() - at);
        match below(9, rng) {
            0 | 1 if at < input.len() => input[at] ^= 1 << below(8, rng),
            2 if at < input.len() => input[at] = rng.next_u32() as u8,
            3 => {
                let number = numbers[below(numbers.len(), rng)];
                let width = [1, 2, 4, 8][below(4, rng)].min(input.len() - at);
                let (low, high) = (number.to_le_bytes(), number.to_be_bytes());
                let bytes = if below(2, rng) == 0 { &low[..width] } else { &high[8 - width..] };
                input[at..at + width].copy_from_slice(bytes);
            }
            4 => drop(input.drain(at..at + length)),
            5 => {
                let piece = input[at..at + length].to_vec();
                let to = below(input.len() + 1, rng);
                input.splice(to..to, piece);
            }
            6 => {
                let piece = input[at..at + length].to_vec();
                let to = below(input.len() + 1 - length, rng);
                input[to..to + length].copy_from_slice(&piece);
            }
            7 => {
                let other = &corpus[below(corpus.len(), rng)];
                let from = below(other.len() + 1, rng);
                let piece = other[from..other.len().min(from + 64)].to_vec();
                input.splice(at..at + length, piece);
            }
            _ => input.truncate(at.max(1)),
        }
    }
    if input.starts_with(b"\x89PNG") && below(2, rng) == 0 {
        right_checksums(input);
    }
}

/// Writes the checksum that each chunk of a PNG file should have.
fn right_checksums(png: &mut [u8]) {
    let mut at = 8;
    while let Some(head) = png.get(at..at + 4) {
        let length = u32::from_be_bytes([head[0], head[1], head[2], head[3]]) as usize;
        let Some(end) = length.checked_add(at + 8).filter(|end| *end + 4 <= png.len()) else { return };
        let crc = !png[at + 4..end].iter().fold(!0_u32, |crc, &byte| {
            (0..8).fold(crc ^ u32::from(byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg()))
        });
        png[end..end + 4].copy_from_slice(&crc.to_be_bytes());
        at = end + 4;
    }
}
