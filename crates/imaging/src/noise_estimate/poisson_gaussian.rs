//! Gain and level of signal-dependent noise from one image.

use super::blocks;
use super::clipping::Clipping;
use super::planes::Planes;
use crate::{Error, Image, VarianceLaw};

/// Distance of block corners. Blocks that overlap by half give 4 times as many; a step of 2 gave nothing more.
const STEP: usize = 4;

/// Where the high frequencies begin, in half periods a block: photographs have least there, and 16 of 64 coefficients stay.
const HIGH: f64 = 7.0;

/// Where the middle frequencies begin, by which blocks are chosen. 3 beat 4 (median error of the gain 4 % against 6 %).
const MIDDLE: f64 = 3.0;

/// A block is smooth if the energy of its middle frequencies is at most this many standard deviations above that of noise alone. Of 0, 1
/// and 2.5 this gave most fits within 10 % (docs/noise.md).
const SMOOTH: f64 = 1.0;

/// Blocks that are closer to black or white than this many standard deviations of the noise are left out: there clipping leaves less than
/// three quarters of the variance.
const CLIPPING: f64 = 1.0;

/// The variance of rounding to 8 bit, in grey levels squared.
const ROUNDING: f64 = 1.0 / 12.0;

/// Texture in the high frequencies, as shares of the noise's variance, of which the blocks' distribution is a mixture; the first is
/// none.
const TEXTURE: [f64; 8] = [0.0, 0.5, 1.5, 4.0, 10.0, 30.0, 100.0, 1000.0];

/// Alternations of choosing blocks and fitting; the fit moves by less than 1 % after 8.
const ROUNDS: usize = 12;

/// Fewer smooth blocks than this give no fit.
const MIN_BLOCKS: usize = 60;

/// Most blocks that are looked at; larger images are sampled on a coarser grid.
const MAX_BLOCKS: usize = 50_000;

/// Groups of blocks that are reported.
const GROUPS: usize = 16;

/// Smallest variance that is told, in grey levels squared: that of rounding to 8 bit is 1/12.
const FLOOR: f64 = 0.01;

/// A fit of the variance law.
#[derive(Clone, Debug, PartialEq)]
pub struct LawFit {
    /// The law.
    pub law: VarianceLaw,
    /// Share of the 8x8 blocks that were smooth enough to count.
    pub smooth_share: f64,
    /// Brightness, in `[0, 1]`, between which 90 % of these blocks lie: outside the law is extrapolated.
    pub brightness: [f64; 2],
    /// Mean brightness and level of these blocks, in `[0, 1]`, in up to 16 groups of increasing brightness: what the law was fitted to.
    pub groups: Vec<[f64; 2]>,
}

struct Block {
    /// In grey levels, like the roots of the others.
    mean: f64,
    high: f64,
    middle: f64,
}

/// Fits var(x) = gain x + sigma^2 (x the brightness) to white noise in one image, the same law for all channels.
///
/// The variance in each 8x8 block is the mean energy of its high frequencies. Blocks count whose *middle* frequencies hold no more than
/// noise of the current law would: under noise alone the two are independent, so that choosing does not bias the
/// variance, as choosing by the variance itself would. The law is fitted by weighted least squares (weights 1 / var^2: the
/// energy of Gaussian noise has a standard deviation proportional to itself), where each block counts with the
/// probability that its high frequencies, too, hold noise alone; the alternatives are a mixture of textures (expectation
/// maximisation). Where noise is clipped, mean and variance are taken back to those before (see `Clipping`). The fit starts from
/// three laws (no gain, half, nothing but gain), and the one that finds most smooth blocks is taken.
///
/// Model: Foi, Trimeche, Katkovnik and Egiazarian 2008, whose segmentation by level sets this replaces. Selection by another
/// frequency band: after Ponomarenko, Lukin, Zriakhov, Kaarna and Astola, *An automatic approach to lossy compression of AVIRIS images*,
/// 2007.
///
/// # Errors
/// If the image is a batch of more than one, smaller than 8x8 or holds NaN or infinities. `None` if there are too few smooth blocks.
pub fn estimate_law(image: &Image) -> Result<Option<LawFit>, Error> {
    let planes = Planes::of("noise law", image)?;
    let [rows, cols] = planes.size;
    let (high, middle) = (blocks::frequencies(HIGH, 99.0), blocks::frequencies(MIDDLE, HIGH));
    let expected = planes.grey.len() * rows.div_ceil(STEP) * cols.div_ceil(STEP);
    let step = STEP * ((expected as f64 / MAX_BLOCKS as f64).sqrt().ceil() as usize).max(1);
    let mut all = Vec::new();
    for plane in &planes.grey {
        blocks::for_each(plane, planes.size, step, |c, _| {
            let energy = |at: &[usize]| at.iter().map(|&n| c[n] * c[n]).sum::<f64>() / at.len() as f64;
            all.push(Block {
                mean: c[0] / blocks::SIDE as f64,
                high: energy(&high),
                middle: energy(&middle),
            });
        });
    }
    let counts = [high.len() as f64, middle.len() as f64];
    let mut energies: Vec<f64> = all.iter().map(|block| block.high).collect();
    energies.sort_by(f64::total_cmp);
    let (Some(&low), mean) = (
        energies.get(energies.len() * 3 / 20),
        all.iter().map(|block| block.mean).sum::<f64>() / all.len() as f64,
    ) else {
        return Ok(None);
    };
    let starts = [0.0, 0.5, 1.0].map(|share| [share * low / mean.max(1.0), (1.0 - share) * low]);
    let fits = starts.into_iter().filter_map(|start| fit(&all, counts, start));
    let Some((law, mut chosen)) = fits.max_by_key(|(_, chosen)| chosen.len()) else {
        return Ok(None);
    };
    chosen.sort_by(|a, b| a.mean.total_cmp(&b.mean));
    let means: Vec<f64> = chosen.iter().map(|block| block.mean / 255.0).collect();
    let group = |blocks: &[Smooth]| {
        let count = blocks.len() as f64;
        let mean = blocks.iter().map(|block| block.mean).sum::<f64>() / count;
        let energy = blocks.iter().map(|block| block.high).sum::<f64>() / count;
        [mean / 255.0, energy.sqrt() / 255.0]
    };
    Ok(Some(LawFit {
        law: VarianceLaw::from_grey_levels(law[0], (law[1] - ROUNDING).max(0.0).sqrt())?,
        smooth_share: chosen.len() as f64 / all.len() as f64,
        brightness: [means[means.len() / 20], means[means.len() * 19 / 20]],
        groups: chosen.chunks(chosen.len().div_ceil(GROUPS)).map(group).collect(),
    }))
}

/// A smooth block, before clipping.
struct Smooth {
    mean: f64,
    high: f64,
}

fn variance([gain, offset]: [f64; 2], mean: f64) -> f64 {
    (gain * mean + offset).max(FLOOR)
}

/// Gain and sigma^2, with the blocks that the last round chose; `None` if they are too few.
fn fit(all: &[Block], [high, middle]: [f64; 2], start: [f64; 2]) -> Option<([f64; 2], Vec<Smooth>)> {
    let mut law = start;
    let mut shares = [1.0 / TEXTURE.len() as f64; TEXTURE.len()];
    let mut chosen: Vec<Smooth> = Vec::new();
    let most = 1.0 + SMOOTH * (2.0 / middle).sqrt();
    for _ in 0..ROUNDS {
        let clipping = Clipping::new(|brightness| variance(law, brightness));
        let smooth = |block: &Block| {
            let before = clipping.of(block.mean);
            let is_smooth = block.middle < before.left * variance(law, before.brightness) * most;
            (is_smooth && before.distance > CLIPPING).then(|| Smooth {
                mean: before.brightness,
                high: block.high / before.left,
            })
        };
        chosen = all.iter().filter_map(smooth).collect();
        if chosen.len() < MIN_BLOCKS {
            return None;
        }
        // Twice, since the weights depend on the law.
        for _ in 0..2 {
            let (mut sums, mut next) = ([0.0; 5], [0.0; TEXTURE.len()]);
            for block in &chosen {
                let var = variance(law, block.mean);
                let class = |texture: f64, share: f64| {
                    let total = var * (1.0 + texture);
                    // ln of a chi-square density, without what is the same for all classes.
                    share.ln() - high / 2.0 * (total.ln() + block.high / total)
                };
                let logs: [f64; TEXTURE.len()] = std::array::from_fn(|t| class(TEXTURE[t], shares[t]));
                let largest = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let sum: f64 = logs.iter().map(|log| (log - largest).exp()).sum();
                for (next, log) in next.iter_mut().zip(&logs) {
                    *next += (log - largest).exp() / sum;
                }
                let weight = (logs[0] - largest).exp() / sum / (var * var);
                let terms = [
                    1.0,
                    block.mean,
                    block.mean * block.mean,
                    block.high,
                    block.mean * block.high,
                ];
                for (sum, term) in sums.iter_mut().zip(terms) {
                    *sum += weight * term;
                }
            }
            shares = next.map(|share| (share / chosen.len() as f64).max(1e-12));
            law = line(sums)?;
        }
    }
    Some((law, chosen))
}

/// Least squares for e = gain m + offset from the weighted sums of 1, m, m^2, e and m e, both not negative.
fn line([one, m, mm, e, me]: [f64; 5]) -> Option<[f64; 2]> {
    let determinant = mm * one - m * m;
    let flat = (one > 0.0).then(|| [0.0, e / one]);
    // All blocks of one brightness tell no slope.
    if determinant <= 1e-9 * mm * one {
        return flat;
    }
    let (gain, offset) = ((me * one - m * e) / determinant, (mm * e - m * me) / determinant);
    match (gain < 0.0, offset < 0.0) {
        (true, _) => flat,
        (_, true) => Some([me / mm, 0.0]),
        _ => Some([gain, offset]),
    }
}
