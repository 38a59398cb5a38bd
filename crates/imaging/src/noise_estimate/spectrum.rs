//! The noise floor of a plane in bands of frequencies, seen through JPEG's quantisation.

use super::blocks;

/// Levels that a block's noise may have, in grey levels: next to none, then 44 with a constant ratio from 0.25 to 100.
const LEVELS: usize = 45;

/// Iterations of expectation maximisation; the low quantiles move by less than 2 % after 40.
const ITERATIONS: usize = 60;

/// Most blocks that are looked at; larger images are sampled.
const MAX_BLOCKS: usize = 3000;

/// Blocks that hold a value this close to black or white are left out where enough others are there: noise is clipped in them.
const CLIPPED: f64 = 2.0;

/// So many blocks are enough.
const ENOUGH: usize = 200;

/// Standard deviation of rounding the pixels to 8 bit, 1/sqrt(12) = 0.29 grey levels.
const ROUNDING: f64 = 0.3;

/// Quantised values from here on share one likelihood.
const MAX_INDEX: usize = 60;

/// Share of the blocks that are taken to hold noise alone.
const SMOOTH_SHARE: f64 = 0.04;

/// What the low quantile lies below the level where all blocks hold the same noise: over the bundled photographs 10 to 20 %.
const BELOW: f64 = 1.15;

/// A level below this share of the quantisation step leaves 1 coefficient in 80 that is not zero: nothing is told of smaller ones.
const TOLD: f64 = 0.2;

/// How many bands there are.
pub(super) const BANDS: usize = 6;

/// How many of them lie side by side and cover all but the lowest frequencies.
pub(super) const WIDE: usize = 4;

/// Where the bands begin and end, in half periods a block. The last two lie across the first three: where JPEG's steps grow fast, a narrow
/// band may still tell a level that the wide one next to it hides.
const EDGES: [[f64; 2]; BANDS] = [[1.4, 3.0], [3.0, 5.0], [5.0, 7.0], [7.0, 99.0], [2.2, 3.2], [3.5, 4.5]];

/// Noise floors of a plane in grey levels: the level that white noise would have there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Floors {
    /// By band, wavelengths from 5.3 to 11 pixels, from 3.2 to 5.3, from 2.3 to 3.2, and below; from 5 to 7.3 and from 3.6 to 4.6.
    pub(super) bands: [f64; BANDS],
    /// Mean quantisation step in each band, 0 without.
    pub(super) steps: [f64; BANDS],
}

impl Floors {
    /// The largest level of white noise that no band contradicts; a band whose quantisation hides smaller levels contradicts
    /// none of those.
    pub(super) fn white(&self) -> f64 {
        let bound = |(floor, step): (&f64, &f64)| floor.max(TOLD * step);
        self.bands
            .iter()
            .zip(&self.steps)
            .map(bound)
            .fold(f64::INFINITY, f64::min)
    }
}

/// In each band: the level below which the noise of 4 % of the 8x8 blocks lies.
///
/// The levels of all blocks are a distribution; each block shows its own through few coefficients. The distribution is
/// found by maximum likelihood without any assumption on its shape (Kiefer and Wolfowitz 1956, by expectation maximisation on a
/// grid), so that its low quantile is not that of the scatter of few coefficients. A coefficient of level s is Gaussian; with a
/// `quantisation` step q it is known to lie in \[(k - 1/2) q, (k + 1/2) q\] only, so that a zero tells no more than that it
/// is small: levels survive a compression that leaves most coefficients zero.
pub(super) fn floors(plane: &[f64], size: [usize; 2], quantisation: Option<&[u16; 64]>) -> Floors {
    let (mut inside, mut all) = (Vec::new(), Vec::new());
    blocks::for_each(plane, size, blocks::SIDE, |c, [least, most]| {
        all.push(*c);
        if least > CLIPPED && most < 255.0 - CLIPPED {
            inside.push(*c);
        }
    });
    let used = if inside.len() >= ENOUGH { inside } else { all };
    let used: Vec<_> = used.iter().step_by(used.len().div_ceil(MAX_BLOCKS).max(1)).collect();
    let mut floors = Floors {
        bands: [0.0; BANDS],
        steps: quantisation.map_or([0.0; BANDS], steps),
    };
    for (band, edges) in EDGES.iter().enumerate() {
        let frequencies = blocks::frequencies(edges[0], edges[1]);
        let likelihoods = likelihoods(&used, &frequencies, quantisation);
        floors.bands[band] = BELOW * quantile(&distribution(&likelihoods), SMOOTH_SHARE);
    }
    floors
}

/// How many coefficients a band has.
pub(super) fn frequencies_of(band: usize) -> usize {
    let [from, below] = EDGES[band];
    blocks::frequencies(from, below).len()
}

/// The mean quantisation step in each band.
pub(super) fn steps(table: &[u16; 64]) -> [f64; BANDS] {
    EDGES.map(|[from, below]| {
        let frequencies = blocks::frequencies(from, below);
        let sum: f64 = frequencies.iter().map(|&n| f64::from(table[n])).sum();
        sum / frequencies.len() as f64
    })
}

fn level(n: usize) -> f64 {
    match n {
        0 => 0.05,
        _ => 0.25 * 400f64.powf((n - 1) as f64 / (LEVELS - 2) as f64),
    }
}

/// The likelihood of each level for each block, scaled so that the largest of a block is 1.
fn likelihoods(
    blocks: &[&blocks::Coefficients],
    frequencies: &[usize],
    quantisation: Option<&[u16; 64]>,
) -> Vec<[f64; LEVELS]> {
    let mut logs = vec![[0.0; LEVELS]; blocks.len()];
    match quantisation {
        None => {
            for (logs, block) in logs.iter_mut().zip(blocks) {
                let energy: f64 = frequencies.iter().map(|&n| block[n] * block[n]).sum();
                for (n, log) in logs.iter_mut().enumerate() {
                    let variance = level(n).powi(2) + ROUNDING * ROUNDING;
                    *log = -energy / (2.0 * variance) - frequencies.len() as f64 / 2.0 * variance.ln();
                }
            }
        }
        Some(steps) => {
            for &frequency in frequencies {
                let step = f64::from(steps[frequency]);
                let table: Vec<[f64; LEVELS]> = (0..=MAX_INDEX)
                    .map(|k| std::array::from_fn(|n| index_probability(k as f64, step / level(n)).max(1e-300).ln()))
                    .collect();
                for (logs, block) in logs.iter_mut().zip(blocks) {
                    let index = (block[frequency] / step).abs().round() as usize;
                    for (log, add) in logs.iter_mut().zip(&table[index.min(MAX_INDEX)]) {
                        *log += add;
                    }
                }
            }
        }
    }
    for logs in &mut logs {
        let largest = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        *logs = logs.map(|log| (log - largest).exp());
    }
    logs
}

/// The probability that a standard Gaussian lies in \[(k - 1/2) step, (k + 1/2) step\], k >= 0.
fn index_probability(k: f64, step: f64) -> f64 {
    let above = |x: f64| 0.5 * libm::erfc(x / std::f64::consts::SQRT_2);
    above((k - 0.5) * step) - above((k + 0.5) * step)
}

/// The distribution over levels of largest likelihood.
fn distribution(likelihoods: &[[f64; LEVELS]]) -> [f64; LEVELS] {
    let mut shares = [1.0 / LEVELS as f64; LEVELS];
    for _ in 0..ITERATIONS {
        let mut next = [0.0; LEVELS];
        for row in likelihoods {
            let sum: f64 = row.iter().zip(&shares).map(|(l, share)| l * share).sum();
            for ((next, l), share) in next.iter_mut().zip(row).zip(&shares) {
                *next += l * share / sum.max(f64::MIN_POSITIVE);
            }
        }
        shares = next.map(|share| share / likelihoods.len().max(1) as f64);
    }
    shares
}

/// The level below which a share of the distribution lies, interpolated in the logarithm.
fn quantile(shares: &[f64; LEVELS], share: f64) -> f64 {
    let mut below = 0.0;
    for (n, &here) in shares.iter().enumerate() {
        if below + here >= share {
            return match n {
                0 => level(0),
                _ => level(n - 1) * (level(n) / level(n - 1)).powf(((share - below) / here).clamp(0.0, 1.0)),
            };
        }
        below += here;
    }
    level(LEVELS - 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::noise::gaussian_values;

    fn noisy(levels: f64, quantise: Option<&[u16; 64]>) -> Floors {
        let size = [256, 256];
        let noise = gaussian_values(256 * 256, levels, 3, 0);
        let mut plane: Vec<f64> = noise
            .iter()
            .enumerate()
            .map(|(n, &e)| 100.0 + (n % 256) as f64 / 4.0 + f64::from(e))
            .collect();
        if let Some(steps) = quantise {
            plane = through_quantisation(&plane, size, steps);
        }
        floors(&plane, size, quantise)
    }

    /// The inverse transform of the quantised coefficients, through the transform's own basis: p = sum c_kl b_k b_l.
    fn through_quantisation(plane: &[f64], [rows, cols]: [usize; 2], steps: &[u16; 64]) -> Vec<f64> {
        let mut out = vec![0.0; rows * cols];
        let mut corner = 0;
        let per_row = cols / 8;
        blocks::for_each(plane, [rows, cols], 8, |c, _| {
            let (top, left) = (corner / per_row * 8, corner % per_row * 8);
            corner += 1;
            for (n, &c) in c.iter().enumerate() {
                let step = f64::from(steps[n]);
                let value = (c / step).round() * step;
                if value == 0.0 {
                    continue;
                }
                for p in 0..64 {
                    let b = |k: usize, n: usize| {
                        let scale = if k == 0 { 0.125f64.sqrt() } else { 0.5 };
                        scale * (std::f64::consts::PI * (2 * n + 1) as f64 * k as f64 / 16.0).cos()
                    };
                    out[(top + p / 8) * cols + left + p % 8] += value * b(n / 8, p / 8) * b(n % 8, p % 8);
                }
            }
        });
        out
    }

    /// White noise has its level in both bands; the 4 % quantile of a distribution at one place lies within its neighbours on the
    /// grid, which are 15 % apart.
    #[test]
    fn white_noise_has_its_level_in_each_band() {
        for levels in [1.0, 5.0, 30.0] {
            let [low, middle, ..] = noisy(levels, None).bands;
            assert!(
                (low / levels - 1.0).abs() < 0.2 && (middle / levels - 1.0).abs() < 0.2,
                "{levels}: {low} {middle}"
            );
        }
    }

    /// Steps of 10 make 9 of 10 coefficients of noise 3 zero; read as they are, the coefficients would give half the level.
    #[test]
    fn quantised_noise_keeps_its_level() {
        let floors = noisy(3.0, Some(&[10; 64]));
        let [low, middle, ..] = floors.bands;
        assert!(
            (low / 3.0 - 1.0).abs() < 0.3 && (middle / 3.0 - 1.0).abs() < 0.3,
            "{low} {middle}"
        );
    }

    #[test]
    fn a_share_of_smooth_blocks_is_enough() {
        // 90 % of the rows hold a strong pattern.
        let mut plane: Vec<f64> = gaussian_values(256 * 256, 4.0, 1, 0)
            .iter()
            .map(|&e| 128.0 + f64::from(e))
            .collect();
        for (n, value) in plane.iter_mut().enumerate().filter(|(n, _)| n / 256 >= 26) {
            *value += 40.0 * ((n * n / 7) % 13) as f64 / 13.0;
        }
        let [low, middle, ..] = floors(&plane, [256, 256], None).bands;
        assert!(
            (low / 4.0 - 1.0).abs() < 0.25 && (middle / 4.0 - 1.0).abs() < 0.25,
            "{low} {middle}"
        );
    }
}
