//! The noise levels of a run.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::Rng;
use serde::{Deserialize, Serialize};

use crate::Error;

/// `[noise]`: levels in 8-bit grey levels, drawn per crop.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoiseConfig {
    /// Smallest standard deviation.
    pub min: f64,
    /// Largest standard deviation; equal to `min` for a fixed level.
    pub max: f64,
    /// How levels are drawn between them.
    #[serde(default, skip_serializing_if = "Distribution::is_uniform")]
    pub distribution: Distribution,
    /// Share of crops without noise, at level 0.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub zero: f64,
}

/// A distribution of noise levels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Distribution {
    /// All levels alike.
    #[default]
    Uniform,
    /// All orders of magnitude alike: the logarithm is uniform. For wide ranges, whose small levels would hardly be seen.
    LogUniform,
}

impl Distribution {
    fn is_uniform(&self) -> bool {
        *self == Self::Uniform
    }
}

pub(super) fn is_zero(value: &f64) -> bool {
    *value == 0.0
}

impl NoiseConfig {
    /// Checks what [`crate::NoiseRange`] does not.
    ///
    /// # Errors
    /// [`Error::Config`] naming the key.
    pub(super) fn check(&self) -> Result<(), Error> {
        let refuse = |key, expected: &str, got: f64| {
            Err(Error::Config {
                key,
                expected: expected.to_owned(),
                got: got.to_string(),
            })
        };
        if self.distribution == Distribution::LogUniform && self.min <= 0.0 {
            return refuse(
                "noise.min",
                "a level above 0 where levels are log-uniform (zero = 0.05 adds clean crops)",
                self.min,
            );
        }
        if !(0.0..=1.0).contains(&self.zero) {
            return refuse("noise.zero", "a share from 0 to 1", self.zero);
        }
        Ok(())
    }

    /// A level in grey levels.
    pub(super) fn level(&self, rng: &mut ChaCha8Rng) -> f64 {
        let mut unit = || (rng.next_u64() % (1 << 32)) as f64 / (1u64 << 32) as f64;
        if self.zero > 0.0 && unit() < self.zero {
            return 0.0;
        }
        let Self { min, max, .. } = *self;
        match self.distribution {
            Distribution::Uniform => min + (max - min) * unit(),
            Distribution::LogUniform => min * libm::pow(max / min, unit()),
        }
    }
}

#[cfg(test)]
mod tests {
    use rand_chacha::rand_core::SeedableRng;

    use super::*;

    #[test]
    fn log_uniform_levels_are_spread_over_orders_of_magnitude() {
        let noise = NoiseConfig {
            min: 1.0,
            max: 256.0,
            distribution: Distribution::LogUniform,
            zero: 0.1,
        };
        noise.check().unwrap();
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let levels: Vec<f64> = (0..10_000).map(|_| noise.level(&mut rng)).collect();
        let count = |low: f64, high: f64| levels.iter().filter(|level| (low..high).contains(level)).count();
        // Five standard deviations of a binomial count.
        assert!(count(0.0, 0.5).abs_diff(1000) < 150, "{}", count(0.0, 0.5));
        for octave in 0..8 {
            let low = f64::from(1 << octave);
            let found = count(low, 2.0 * low);
            assert!(found.abs_diff(1125) < 160, "{low}: {found}");
        }
        assert_eq!(count(0.5, 1.0) + count(256.0, f64::INFINITY), 0);
    }

    #[test]
    fn levels_out_of_range_are_named() {
        let noise = NoiseConfig {
            min: 0.0,
            max: 50.0,
            distribution: Distribution::LogUniform,
            zero: 0.0,
        };
        assert!(noise.check().unwrap_err().to_string().contains("noise.min"));
        let noise = NoiseConfig {
            zero: 1.5,
            distribution: Distribution::Uniform,
            ..noise
        };
        assert!(noise.check().unwrap_err().to_string().contains("noise.zero"));
    }
}
