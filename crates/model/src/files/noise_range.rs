//! The noise levels of a network's training.

use serde::{Deserialize, Serialize};
use tweedie_imaging::{Sigma, SigmaSupport};

use crate::Error;

/// A closed range of noise levels in 8-bit grey levels.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoiseRange {
    /// Smallest standard deviation.
    pub min: f64,
    /// Largest standard deviation; equal to `min` for a network of one level.
    pub max: f64,
}

impl NoiseRange {
    /// The range as a [`SigmaSupport`].
    ///
    /// # Errors
    /// [`Error::Config`] unless 0 <= min <= max, both finite.
    pub fn support(self) -> Result<SigmaSupport, Error> {
        if self.min > self.max {
            return Err(Error::Config {
                key: "noise.max",
                expected: format!("at least noise.min = {}", self.min),
                got: self.max.to_string(),
            });
        }
        Ok(SigmaSupport::Range {
            min: Sigma::from_grey_levels(self.min)?,
            max: Sigma::from_grey_levels(self.max)?,
        })
    }
}
