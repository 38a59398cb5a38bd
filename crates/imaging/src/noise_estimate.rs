//! What noise an image has, from the image alone: white noise that compression, correlation or brightness may have changed.

mod blocks;
mod clipping;
mod eigen;
mod finite;
mod planes;
mod poisson_gaussian;
mod spectrum;
mod white;

use planes::Planes;
pub use poisson_gaussian::{LawFit, estimate_law};
use spectrum::{BANDS, Floors, WIDE, floors, frequencies_of, steps};
pub use white::estimate_white_noise;

use crate::{Error, Image, JpegCompression, Sigma};

/// Levels of luma and of the colour differences Cb and Cr for independent noise of level 1 in red, green and blue: the norms of
/// their weights (BT.601).
const OF_LUMA: f64 = 0.668;
const OF_BLUE: f64 = 0.623;
const OF_RED: f64 = 0.657;

/// Correlated noise is told if its level exceeds this, in grey levels. Of 90 pictures of TrainPlus as they are, 88 have less than 2.9 and
/// two 3.8 and 4.9.
const LEAST_CORRELATED: f64 = 3.5;

/// Correlated noise is told if its level exceeds that of the finest scale by this factor; white noise of 10 on 20 of these pictures
/// comes to 0.7 to 1.1.
const MORE_THAN_WHITE: f64 = 1.5;

/// What noise before compression counts in the level to restore with: see [`NoiseEstimate::restoring`].
const STRONGER: f64 = 1.3;

/// What the noise is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoiseKind {
    /// The same at all frequencies.
    White,
    /// Stronger at low frequencies: blurred, demosaicked, resized, denoised.
    Correlated,
    /// White before JPEG's quantisation took part of it away.
    Compressed,
}

/// The noise of one image. All levels are those of a colour channel (or of gray).
#[derive(Clone, Debug, PartialEq)]
pub struct NoiseEstimate {
    /// What it is like.
    pub kind: NoiseKind,
    /// The level: of white noise; of correlated noise the level of white noise that is as strong at wavelengths of 5 to 11 pixels;
    /// of compressed noise that before compression.
    pub level: Sigma,
    /// Of correlated noise, its standard deviation: the root mean square over all frequencies.
    pub deviation: Option<Sigma>,
    /// Of correlated noise, the levels at full, half and quarter resolution, each of white noise at that resolution.
    pub scales: Option<[Sigma; 3]>,
    /// White noise that the finest scale alone would tell.
    pub finest: Sigma,
    /// What compression did; `None` without.
    pub compressed: Option<Compressed>,
}

/// What compression did to noise.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Compressed {
    /// The largest level that it may hide.
    pub hidden: Sigma,
    /// The mean quantisation step at wavelengths from 5 to 11 pixels, in grey levels.
    pub step: f64,
}

impl NoiseEstimate {
    /// The level to restore with: the level itself, but after compression sqrt((1.3 level)^2 + (share taken)^2), since what compression
    /// took away of noise and detail is an error, too: taken = min(step, 2.6 step^0.55) in grey levels. With strong compression most
    /// coefficients are zero, and the error grows more slowly than the step.
    ///
    /// Chosen with `color` on pictures of TrainPlus with noise of 0 to 16 and qualities 60 to 95, and for denoising also on two of the
    /// five cameras of PolyU, the second form of `taken` on clean pictures of qualities 10 to 60 (docs/noise.md): the share is 1 for denoising and 0.75 where an operator is inverted.
    ///
    /// # Errors
    /// If the share is not finite.
    pub fn restoring(&self, share: f64) -> Result<Sigma, Error> {
        match self.compressed {
            None => Ok(self.level),
            Some(Compressed { step, .. }) => {
                let taken = step.min(2.6 * step.powf(0.55));
                Sigma::from_grey_levels((STRONGER * self.level.grey_levels()).hypot(share * taken))
            }
        }
    }
}

/// Estimates the noise of one image.
///
/// * Without `compression`: the level of white noise by [`estimate_white_noise`]. In colour images it is compared
///   with the noise floors at wavelengths from 3 to 11 pixels of luma and both colour differences. Texture differs between
///   places and hardly shows in colour differences; noise is everywhere and in all three. So the smallest of these floors
///   is noise, and where it exceeds the finest scale's by half, the noise is correlated. In gray images texture
///   cannot be told from correlated noise by this, and white noise is assumed: [`estimate_correlated_noise`] is for who knows better.
/// * With `compression`: the finest scale is gone. The noise before compression is the largest level that agrees with
///   the noise floors of luma in four bands, where each coefficient is known only up to its quantisation step.
///
/// # Errors
/// If it is not one image of at least 8x8 pixels, or holds NaN or infinities.
pub fn estimate_noise(image: &Image, compression: Option<&JpegCompression>) -> Result<NoiseEstimate, Error> {
    let planes = Planes::of("noise estimation", image)?;
    let finest = finest(image)?;
    if let Some(compression) = compression {
        return compressed(&planes, compression, finest);
    }
    let white = NoiseEstimate {
        kind: NoiseKind::White,
        level: finest,
        deviation: None,
        scales: None,
        finest,
        compressed: None,
    };
    if planes.grey.len() != 3 {
        return Ok(white);
    }
    let found = ColourFloors::of(&planes).smallest();
    if found < LEAST_CORRELATED.max(MORE_THAN_WHITE * finest.grey_levels()) {
        return Ok(white);
    }
    correlated(planes, finest)
}

/// Estimates noise that is known to be correlated: the floors at each of three resolutions, texture included.
///
/// # Errors
/// As [`estimate_noise`].
pub fn estimate_correlated_noise(image: &Image) -> Result<NoiseEstimate, Error> {
    let planes = Planes::of("noise estimation", image)?;
    correlated(planes, finest(image)?)
}

fn finest(image: &Image) -> Result<Sigma, Error> {
    Ok(estimate_white_noise(image)?[0])
}

fn correlated(planes: Planes, finest: Sigma) -> Result<NoiseEstimate, Error> {
    let full = ColourFloors::of(&planes);
    let half = planes.halved();
    let mut levels = [full.band(1), full.band(1) / 2.0, full.band(1) / 4.0];
    if let Some(half) = half {
        let floors = ColourFloors::of(&half);
        levels[1] = floors.band(1);
        // Where a quarter of the resolution is too small to look at, what half of it shows at low frequencies.
        levels[2] = floors.band(0) / 2.0;
        if let Some(quarter) = half.halved() {
            levels[2] = ColourFloors::of(&quarter).band(0);
        }
    }
    let [a, b, c] = levels.map(Sigma::from_grey_levels);
    let level = Sigma::from_grey_levels(full.band(0))?;
    Ok(NoiseEstimate {
        kind: NoiseKind::Correlated,
        level,
        deviation: Some(full.deviation(4.0 * levels[2])?),
        scales: Some([a?, b?, c?]),
        finest,
        compressed: None,
    })
}

fn compressed(planes: &Planes, compression: &JpegCompression, finest: Sigma) -> Result<NoiseEstimate, Error> {
    let of_luma = if planes.grey.len() == 3 { OF_LUMA } else { 1.0 };
    let floors = match compression.is_turned {
        false => floors(&planes.luma(), planes.size, Some(&compression.luma)),
        // Its blocks are lost: what is told is what the steps hide, or more.
        true => Floors {
            steps: steps(&compression.luma),
            ..floors(&planes.luma(), planes.size, None)
        },
    };
    // At the highest qualities the finest scale is still there.
    let level = (floors.white() / of_luma).max(finest.grey_levels());
    let hidden = Floors {
        bands: [0.0; BANDS],
        ..floors
    };
    Ok(NoiseEstimate {
        kind: NoiseKind::Compressed,
        level: Sigma::from_grey_levels(level)?,
        deviation: None,
        scales: None,
        finest,
        compressed: Some(Compressed {
            hidden: Sigma::from_grey_levels(hidden.white() / of_luma)?,
            step: floors.steps[0],
        }),
    })
}

/// Noise floors of luma and, in colour images, of the colour differences, each as the level of a channel that explains it.
struct ColourFloors(Vec<[f64; BANDS]>);

impl ColourFloors {
    fn of(planes: &Planes) -> Self {
        let scaled = |plane: &[f64], norm: f64| floors(plane, planes.size, None).bands.map(|floor| floor / norm);
        match &planes.grey[..] {
            [_, _, _] => {
                let [blue, red] = planes.colour_differences();
                Self(vec![
                    scaled(&planes.luma(), OF_LUMA),
                    scaled(&blue, OF_BLUE),
                    scaled(&red, OF_RED),
                ])
            }
            _ => Self(vec![scaled(&planes.luma(), 1.0)]),
        }
    }

    /// The smallest in one band.
    fn band(&self, band: usize) -> f64 {
        self.0.iter().map(|floors| floors[band]).fold(f64::INFINITY, f64::min)
    }

    /// The standard deviation of noise with these floors, and the level `low` below all bands.
    fn deviation(&self, low: f64) -> Result<Sigma, Error> {
        let count = |band: usize| frequencies_of(band) as f64;
        let inside: f64 = (0..WIDE).map(|band| count(band) * self.band(band).powi(2)).sum();
        let all = (blocks::SIDE * blocks::SIDE) as f64;
        let below = all - (0..WIDE).map(count).sum::<f64>();
        Sigma::from_grey_levels(((inside + below * low * low) / all).sqrt())
    }

    /// The smallest at wavelengths from 5 to 11 pixels, and of luma also from 3 to 5.
    fn smallest(&self) -> f64 {
        self.band(0).min(self.0[0][1])
    }
}
