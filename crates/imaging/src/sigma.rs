//! Noise levels.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Error;
use crate::error::level;

/// Standard deviation of Gaussian noise, in units of the nominal image range `[0, 1]`.
///
/// Papers and the command line speak of 8-bit grey levels: `Sigma::from_grey_levels(25.0)` is 25/255.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Sigma(f64);

impl Sigma {
    /// No noise.
    pub const ZERO: Self = Self(0.0);

    /// A level in `[0, 1]` units.
    ///
    /// # Errors
    /// [`Error::InvalidSigma`] unless `value` is finite and not negative.
    pub fn new(value: f64) -> Result<Self, Error> {
        if value.is_finite() && value >= 0.0 {
            Ok(Self(value))
        } else {
            Err(Error::InvalidSigma { value })
        }
    }

    /// A level given in 8-bit grey levels: sigma = `levels` / 255.
    ///
    /// # Errors
    /// [`Error::InvalidSigma`] unless `levels` is finite and not negative.
    pub fn from_grey_levels(levels: f64) -> Result<Self, Error> {
        Self::new(levels / 255.0)
    }

    /// The level in `[0, 1]` units.
    pub fn value(self) -> f64 {
        self.0
    }

    /// This level, but no less than 1/255, below which denoisers are not trained.
    pub fn at_least_one_grey_level(self) -> Self {
        Self(self.0.max(1.0 / 255.0))
    }

    /// The level in 8-bit grey levels.
    pub fn grey_levels(self) -> f64 {
        self.0 * 255.0
    }
}

impl TryFrom<f64> for Sigma {
    type Error = Error;
    fn try_from(value: f64) -> Result<Self, Error> {
        Self::new(value)
    }
}

impl From<Sigma> for f64 {
    fn from(sigma: Sigma) -> f64 {
        sigma.0
    }
}

impl fmt::Display for Sigma {
    /// Prints grey levels, as papers do, rounded to four decimals.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&level(self.0))
    }
}

/// The noise levels for which a denoiser is made.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SigmaSupport {
    /// The denoiser does not read the level: it estimates the noise from the image.
    Blind,
    /// The denoiser is conditioned on the level and valid in this closed range.
    Range {
        /// Smallest level.
        min: Sigma,
        /// Largest level.
        max: Sigma,
    },
}

impl SigmaSupport {
    /// Whether `sigma` may be given to the denoiser; a blind denoiser takes any.
    pub fn contains(self, sigma: Sigma) -> bool {
        match self {
            Self::Blind => true,
            // Relative slack of one f32 rounding: levels that went through a file are not turned away.
            Self::Range { min, max } => sigma.0 >= min.0 * (1.0 - 1e-6) && sigma.0 <= max.0 * (1.0 + 1e-6),
        }
    }

    /// The level in the range that is nearest to `sigma`: for levels that the program chooses. Levels that a user gives are
    /// never moved, but refused, see [`Self::require`].
    pub fn nearest(self, sigma: Sigma) -> Sigma {
        match self {
            Self::Blind => sigma,
            Self::Range { min, max } => Sigma(sigma.0.clamp(min.0, max.0)),
        }
    }

    /// Refuses a level that the denoiser `name` is not made for.
    ///
    /// # Errors
    /// [`Error::UnsupportedSigma`].
    pub fn require(self, name: &str, sigma: Sigma) -> Result<(), Error> {
        match self {
            Self::Range { min, max } if !self.contains(sigma) => Err(Error::UnsupportedSigma {
                name: name.to_owned(),
                min: min.0,
                max: max.0,
                got: sigma.0,
            }),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grey_levels_convert_and_print() {
        let sigma = Sigma::from_grey_levels(25.0).unwrap();
        assert_eq!(sigma.value(), 25.0 / 255.0);
        assert_eq!(sigma.to_string(), "25/255");
        assert_eq!(Sigma::from_grey_levels(7.65).unwrap().to_string(), "7.65/255");
    }

    #[test]
    fn only_finite_levels_from_zero_exist() {
        assert!(Sigma::new(0.0).is_ok());
        for value in [-1e-9, f64::NAN, f64::INFINITY] {
            assert!(matches!(Sigma::new(value), Err(Error::InvalidSigma { .. })), "{value}");
        }
    }

    #[test]
    fn a_range_takes_levels_that_went_through_f32() {
        let level = |levels| Sigma::from_grey_levels(levels).unwrap();
        let range = SigmaSupport::Range {
            min: level(5.0),
            max: level(50.0),
        };
        for (levels, inside) in [(5.0, true), (50.0, true), (4.99, false), (50.01, false)] {
            let through_f32 = Sigma::new(f64::from(level(levels).value() as f32)).unwrap();
            assert_eq!(range.contains(through_f32), inside, "{levels}");
        }
        assert!(SigmaSupport::Blind.contains(level(1000.0)));
    }

    #[test]
    fn levels_are_moved_or_refused() {
        let level = |levels| Sigma::from_grey_levels(levels).unwrap();
        let range = SigmaSupport::Range {
            min: level(5.0),
            max: level(50.0),
        };
        for (given, nearest) in [(1.0, 5.0), (5.0, 5.0), (20.0, 20.0), (51.0, 50.0)] {
            assert_eq!(range.nearest(level(given)), level(nearest));
            assert_eq!(SigmaSupport::Blind.nearest(level(given)), level(given));
            let message = range.require("D", level(given)).err().map(|error| error.to_string());
            let expected = format!("denoiser 'D': expected a noise level from 5/255 to 50/255, got {given}/255");
            assert_eq!(message, (given != nearest).then_some(expected));
            assert!(SigmaSupport::Blind.require("D", level(given)).is_ok());
        }
    }
}
