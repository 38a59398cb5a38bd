//! What `--noise` takes.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// The noise of a measurement, as it is asked for. Numbers are in 8-bit grey levels.
#[derive(Clone, Debug, PartialEq)]
pub enum NoiseOption {
    /// White Gaussian noise of this level.
    Level(f64),
    /// Estimated from each measurement.
    Auto,
    /// Signal-dependent noise, var = gain x + sigma^2.
    PoissonGaussian {
        /// Variance for a brightness of one grey level.
        gain: f64,
        /// Standard deviation in black.
        sigma: f64,
    },
    /// The same, with gain and sigma fitted to each measurement.
    PoissonGaussianAuto,
    /// A level for each pixel: an image or array whose value 255 (of an array: 1) is the level 255.
    Map(PathBuf),
    /// Noise that is stronger at low frequencies; its levels are estimated from each measurement.
    Correlated,
}

impl NoiseOption {
    /// The file that it names.
    pub fn file(&self) -> Option<&PathBuf> {
        match self {
            Self::Map(path) => Some(path),
            _ => None,
        }
    }

    /// Whether each measurement has to tell.
    pub fn is_estimated(&self) -> bool {
        matches!(self, Self::Auto | Self::PoissonGaussianAuto | Self::Correlated)
    }
}

impl FromStr for NoiseOption {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let level = |text: &str| match text.parse::<f64>() {
            Ok(value) if value.is_finite() && value >= 0.0 => Some(value),
            _ => None,
        };
        let expected = || {
            format!(
                "expected a level >= 0, auto, poisson-gaussian:GAIN,SIGMA, poisson-gaussian:auto, map:FILE or correlated, got '{text}'"
            )
        };
        if let Some(level) = level(text) {
            return Ok(Self::Level(level));
        }
        match text.split_once(':') {
            None if text == "auto" => Ok(Self::Auto),
            None if text == "correlated" => Ok(Self::Correlated),
            Some(("poisson-gaussian", "auto")) => Ok(Self::PoissonGaussianAuto),
            Some(("poisson-gaussian", law)) => {
                let (gain, sigma) = law.split_once(',').ok_or_else(expected)?;
                match (level(gain), level(sigma)) {
                    (Some(gain), Some(sigma)) => Ok(Self::PoissonGaussian { gain, sigma }),
                    _ => Err(expected()),
                }
            }
            Some(("map", path)) if !path.is_empty() => Ok(Self::Map(path.into())),
            _ => Err(expected()),
        }
    }
}

impl fmt::Display for NoiseOption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Level(level) => level.fmt(f),
            Self::Auto => f.write_str("auto"),
            Self::PoissonGaussian { gain, sigma } => write!(f, "poisson-gaussian:{gain},{sigma}"),
            Self::PoissonGaussianAuto => f.write_str("poisson-gaussian:auto"),
            Self::Map(path) => write!(f, "map:{}", path.display()),
            Self::Correlated => f.write_str("correlated"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_read_back() {
        for text in [
            "25",
            "7.65",
            "0",
            "auto",
            "poisson-gaussian:2,5",
            "poisson-gaussian:auto",
            "map:a,b.npy",
            "correlated",
        ] {
            assert_eq!(text.parse::<NoiseOption>().unwrap().to_string(), text);
        }
        for text in [
            "",
            "-1",
            "nan",
            "inf",
            "Auto",
            "map:",
            "poisson-gaussian:",
            "poisson-gaussian:1",
            "poisson-gaussian:-1,2",
            "white:3",
        ] {
            let error = text.parse::<NoiseOption>().unwrap_err();
            assert!(error.contains("poisson-gaussian:GAIN,SIGMA"), "{text}: {error}");
        }
    }
}
