//! Photographs as cameras and files make them: `[degradation]`.

mod bayer;
mod camera;
mod color;
mod draw;
mod jpeg;
mod smoothing;

use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use tweedie_imaging::noise::gaussian_values;
use tweedie_imaging::resized;

use self::camera::Camera;
use self::draw::{between, coin, log_between};
use self::jpeg::Jpeg;
use crate::Error;

/// `[degradation]`: crops are degraded as cameras and files do it, in place of the noise of `[noise]` alone.
///
/// A crop is one of three kinds: seen by a camera (linear light by the inverse of a tone curve and the sRGB curve, white
/// balance, Poisson-Gaussian noise, perhaps a Bayer sensor and demosaicking, and back, after Brooks et al. 2019), given
/// white Gaussian noise of a level of `[noise]`, or left clean. The noise may be smoothed as a camera's own denoising does,
/// the crop resized, and compressed as JPEG. The target has the same demosaicking, curves and size, without noise and JPEG.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DegradationConfig {
    /// Share of crops that a camera sees.
    pub camera: f64,
    /// Share of crops with white Gaussian noise; what is left stays clean.
    pub gaussian: f64,
    /// Smallest and largest shot noise, drawn log-uniformly: the variance at full light in units of full scale. Read noise
    /// follows it.
    pub shot: [f64; 2],
    /// Share of the camera's crops that a Bayer sensor sees.
    pub mosaic: f64,
    /// Share of noisy crops whose noise is smoothed, chroma more than luma.
    pub smoothing: f64,
    /// Share of crops that are resized: below scale 1 with their noise, above it before there is noise, since what a camera sees
    /// is seldom sharp at the scale of its pixels.
    pub resize: f64,
    /// Smallest and largest scale of these, drawn log-uniformly.
    pub scale: [f64; 2],
    /// Share of crops that are compressed, half of them with chroma at half resolution.
    pub jpeg: f64,
    /// Smallest and largest quality of these.
    pub quality: [u8; 2],
}

impl Default for DegradationConfig {
    fn default() -> Self {
        Self {
            camera: 0.75,
            gaussian: 0.15,
            // Brooks et al. 2019, section 3.1.
            shot: [1e-4, 1.2e-2],
            mosaic: 0.6,
            smoothing: 0.7,
            resize: 0.7,
            scale: [0.5, 2.5],
            jpeg: 0.7,
            quality: [50, 100],
        }
    }
}

/// A picture and its degraded version, `[C, H, W]`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Degraded {
    pub clean: Vec<f32>,
    pub noisy: Vec<f32>,
}

/// The random numbers of one picture.
pub(super) struct Source<'a> {
    /// Parameters.
    pub rng: &'a mut ChaCha8Rng,
    /// Seed and stream of the noise.
    pub seed: u64,
    pub stream: u64,
    /// The level of white Gaussian noise, should it be needed, in [0, 1] units.
    pub sigma: f64,
}

impl DegradationConfig {
    /// Checks every value that a type cannot.
    ///
    /// # Errors
    /// [`Error::Config`] naming the key.
    pub(super) fn check(&self) -> Result<(), Error> {
        let refuse = |key, expected: &str, got: String| {
            Err(Error::Config {
                key,
                expected: expected.to_owned(),
                got,
            })
        };
        for (key, share) in [
            ("degradation.camera", self.camera),
            ("degradation.gaussian", self.gaussian),
            ("degradation.gaussian (with camera)", self.camera + self.gaussian),
            ("degradation.mosaic", self.mosaic),
            ("degradation.smoothing", self.smoothing),
            ("degradation.resize", self.resize),
            ("degradation.jpeg", self.jpeg),
        ] {
            // Shares that add up to 1 in decimals may be a rounding above it.
            if !(0.0..=1.0 + 1e-9).contains(&share) {
                return refuse(key, "a share from 0 to 1", share.to_string());
            }
        }
        for (key, [min, max], least, most) in [
            ("degradation.shot", self.shot, 1e-9, 1.0),
            ("degradation.scale", self.scale, 0.1, 4.0),
            ("degradation.quality", self.quality.map(f64::from), 1.0, 100.0),
        ] {
            if !(least <= min && min <= max && max <= most) {
                let expected = format!("two rising numbers from {least} to {most}");
                return refuse(key, &expected, format!("{min}, {max}"));
            }
        }
        Ok(())
    }

    /// The side of the square to cut from a picture of size `[H, W]`, from which a crop of `patch` pixels is made.
    pub(super) fn window(&self, patch: usize, size: [usize; 2], rng: &mut ChaCha8Rng) -> usize {
        if !coin(self.resize, rng) {
            return patch;
        }
        let side = (patch as f64 / log_between(self.scale, rng)).round() as usize;
        side.clamp(2, size[0].min(size[1]))
    }

    /// Degrades an RGB picture of size `from`, and resizes it to `to`.
    pub(super) fn degrade(&self, picture: Vec<f32>, from: [usize; 2], to: [usize; 2], source: Source<'_>) -> Degraded {
        let Source {
            rng,
            seed,
            stream,
            sigma,
        } = source;
        let kind = between([0.0, 1.0], rng);
        let is_photograph = kind < self.camera;
        let resize = |values: Vec<f32>, from: [usize; 2]| {
            if from == to {
                values
            } else {
                resized([3, from[0], from[1]], &values, to)
            }
        };
        // A photograph is reduced after it was taken; enlarged, it stands for a scene that is not sharp at the sensor's scale.
        let is_reduced = is_photograph && to[0] < from[0];
        let at = if is_reduced { from } else { to };
        let picture = if is_reduced { picture } else { resize(picture, from) };
        let (clean, noise) = if is_photograph {
            // One number more for the read noise, the first.
            let normal = gaussian_values(picture.len() + 1, 1.0, seed, stream);
            let camera = Camera::draw(self.shot, self.mosaic, f64::from(normal[0]), rng);
            let [clean, noisy] = camera.expose(&picture, at, &normal[1..]);
            let noise = noisy.iter().zip(&clean).map(|(noisy, clean)| noisy - clean).collect();
            (clean, Some(noise))
        } else {
            let is_noisy = kind < self.camera + self.gaussian;
            let noise = is_noisy.then(|| gaussian_values(picture.len(), sigma, seed, stream));
            (picture, noise)
        };
        let noisy = match noise {
            Some(noise) => self.with_noise(&clean, noise, at, rng),
            None => clean.clone(),
        };
        let (clean, mut noisy) = (resize(clean, at), resize(noisy, at));
        if coin(self.jpeg, rng) {
            let [low, high] = self.quality.map(f64::from);
            Jpeg {
                quality: between([low, high + 1.0], rng).min(high) as u8,
                subsampled: coin(0.5, rng),
            }
            .apply(&mut noisy, to);
        } else if is_photograph {
            for value in &mut noisy {
                *value = (*value * 255.0).round().clamp(0.0, 255.0) / 255.0;
            }
        }
        Degraded { clean, noisy }
    }

    /// The sum of a picture and noise, which may be smoothed.
    fn with_noise(&self, clean: &[f32], mut noise: Vec<f32>, size: [usize; 2], rng: &mut ChaCha8Rng) -> Vec<f32> {
        if coin(self.smoothing, rng) {
            smoothing::smooth(&mut noise, size, rng);
        }
        clean.iter().zip(noise).map(|(clean, noise)| clean + noise).collect()
    }
}

#[cfg(test)]
mod tests;
