//! The variance of noise as a function of brightness.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Error, Image, Sigma, vec_from_image};

/// var(x) = gain max(x, 0) + sigma^2 for a pixel of brightness x: photon noise (Poisson, `gain` is the brightness of one
/// count) and electronic noise. A gain of 0 is noise of one level.
///
/// Everything is in units of the nominal range `[0, 1]`; in 8-bit grey levels the same law has 255 gain and 255 sigma.
///
/// Foi, Trimeche, Katkovnik and Egiazarian, *Practical Poissonian-Gaussian noise modeling and fitting for single-image
/// raw-data*, 2008, equation 4.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct VarianceLaw {
    gain: f64,
    sigma: f64,
}

impl VarianceLaw {
    /// A law in `[0, 1]` units.
    ///
    /// # Errors
    /// [`Error::InvalidSigma`] unless both are finite and not negative.
    pub fn new(gain: f64, sigma: f64) -> Result<Self, Error> {
        Sigma::new(gain)?;
        Sigma::new(sigma)?;
        Ok(Self { gain, sigma })
    }

    /// A law in 8-bit grey levels: var = `gain` x + `sigma`^2 for x from 0 to 255.
    ///
    /// # Errors
    /// [`Error::InvalidSigma`] unless both are finite and not negative.
    pub fn from_grey_levels(gain: f64, sigma: f64) -> Result<Self, Error> {
        Self::new(gain / 255.0, sigma / 255.0)
    }

    /// Brightness of one count, 0 for noise of one level.
    pub fn gain(self) -> f64 {
        self.gain
    }

    /// Standard deviation at brightness 0.
    pub fn sigma(self) -> f64 {
        self.sigma
    }

    /// Gain and sigma in 8-bit grey levels.
    pub fn grey_levels(self) -> [f64; 2] {
        [255.0 * self.gain, 255.0 * self.sigma]
    }

    /// var(x).
    pub fn variance(self, x: f64) -> f64 {
        self.gain * x.max(0.0) + self.sigma * self.sigma
    }

    /// The level at each pixel of an image, sqrt(var(x)), same shape.
    pub fn map(self, image: Image) -> Image {
        (image.clamp_min(0.0) * self.gain as f32 + (self.sigma * self.sigma) as f32).sqrt()
    }

    /// The root mean square of the level over an image: the one level that has the noise's energy.
    ///
    /// # Errors
    /// If the image is empty or holds NaN or infinities.
    pub fn mean_level(self, image: &Image) -> Result<Sigma, Error> {
        let values = vec_from_image(image)?;
        let sum: f64 = values.iter().map(|&x| self.variance(f64::from(x))).sum();
        Sigma::new((sum / values.len() as f64).sqrt())
    }
}

impl fmt::Display for VarianceLaw {
    /// In grey levels, to four decimals.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [gain, sigma] = self.grey_levels().map(|value| (value * 1e4).round() / 1e4);
        write!(f, "{gain} x + {sigma}^2")
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;
    use crate::image_from_vec;

    #[test]
    fn units_maps_and_means_agree() {
        let law = VarianceLaw::from_grey_levels(2.0, 5.0).unwrap();
        // At grey level 100: 2 * 100 + 25 = 15^2.
        assert!((255.0 * law.variance(100.0 / 255.0).sqrt() - 15.0).abs() < 1e-9);
        assert_eq!(law.to_string(), "2 x + 5^2");
        let image = image_from_vec(vec![100.0 / 255.0, -0.5], [1, 1, 1, 2], &Device::flex()).unwrap();
        let map = vec_from_image(&law.map(image.clone())).unwrap();
        assert!(
            (map[0] * 255.0 - 15.0).abs() < 1e-4 && (map[1] * 255.0 - 5.0).abs() < 1e-4,
            "{map:?}"
        );
        // sqrt((225 + 25) / 2).
        assert!((law.mean_level(&image).unwrap().grey_levels() - 125f64.sqrt()).abs() < 1e-6);
    }

    #[test]
    fn only_finite_laws_exist() {
        for (gain, sigma) in [(-1.0, 1.0), (1.0, -1.0), (f64::NAN, 1.0), (1.0, f64::INFINITY)] {
            assert!(VarianceLaw::new(gain, sigma).is_err(), "{gain} {sigma}");
        }
    }
}
