//! Noise that is given or estimated.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use tweedie_imaging::{ColorMode, Image, LawFit, NoiseEstimate, NoiseKind, Sigma, VarianceLaw};
use tweedie_operators::NoiseModel;

use crate::error::{bail, usage};
use crate::noise_option::NoiseOption;
use crate::{Events, Result};

/// The share of a JPEG's quantisation step that counts as an error in denoising, and where an operator is inverted.
pub(crate) const DENOISING: f64 = 1.0;
pub(crate) const INVERTING: f64 = 0.75;

/// The levels of `--sigma S,...`, in grey levels.
pub fn given(levels: &[f64]) -> Result<Vec<Sigma>> {
    levels
        .iter()
        .map(|&level| Sigma::from_grey_levels(level).map_err(|error| usage(format!("--sigma: {error}"))))
        .collect()
}

/// The noise that was used, as the JSON has it. Levels are in 8-bit grey levels.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NoiseUsed {
    /// `white`, `compressed`, `correlated`, `poisson-gaussian` or `map`.
    pub kind: Cow<'static, str>,
    /// The level, or the root mean square level of noise that varies.
    pub level_grey_levels: f64,
    /// Gain of the variance law var = gain x + sigma^2.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gain_grey_levels: Option<f64>,
    /// Sigma of the variance law.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sigma_grey_levels: Option<f64>,
    /// The level before compression, where that changed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before_compression_grey_levels: Option<f64>,
    /// The standard deviation of correlated noise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub standard_deviation_grey_levels: Option<f64>,
    /// Levels at full, half and quarter resolution, where they differ from white noise's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scales_grey_levels: Option<[f64; 3]>,
    /// Whether it was estimated or given, and from what.
    pub rests_on: String,
}

/// A noise model and what is told of it.
#[derive(Clone, Debug)]
pub struct Noise {
    /// For solvers and denoisers.
    pub model: NoiseModel,
    /// For people and files.
    pub used: NoiseUsed,
}

impl Noise {
    /// Noise of one level, as it was given.
    ///
    /// # Errors
    /// Unless the level is finite and not negative.
    pub fn white(grey_levels: f64) -> Result<Self, tweedie_imaging::Error> {
        let level = Sigma::from_grey_levels(grey_levels)?;
        Ok(Self {
            model: NoiseModel::White(level),
            used: NoiseUsed {
                level_grey_levels: grey_levels,
                ..used("white", level, "given".to_owned())
            },
        })
    }

    /// White noise of a level that was given.
    pub fn of_level(level: Sigma) -> Self {
        measured_white(level, "given".to_owned())
    }

    /// What `--noise` gives without a measurement; `None` where one has to tell.
    ///
    /// # Errors
    /// If a map cannot be read or holds levels that are not positive.
    pub fn given(option: &NoiseOption, events: &dyn Events, device: &burn::tensor::Device) -> Result<Option<Self>> {
        Ok(Some(match option {
            NoiseOption::Level(level) => Self::white(*level)?,
            NoiseOption::PoissonGaussian { gain, sigma } => {
                let law = VarianceLaw::from_grey_levels(*gain, *sigma)?;
                Self {
                    model: NoiseModel::PoissonGaussian(law),
                    used: NoiseUsed {
                        gain_grey_levels: Some(*gain),
                        sigma_grey_levels: Some(*sigma),
                        ..used(
                            "poisson-gaussian",
                            Sigma::new(law.variance(0.5).sqrt())?,
                            "given".to_owned(),
                        )
                    },
                }
            }
            NoiseOption::Map(path) => {
                let map = events.read_image(path, ColorMode::AsStored)?.image(device)?;
                let [count, ..] = map.dims();
                if count != 1 || !tweedie_imaging::vec_from_image(&map)?.iter().all(|&level| level > 0.0) {
                    bail!(
                        "{}: expected a map of noise levels above 0 for one image",
                        path.display()
                    );
                }
                let model = NoiseModel::Map(map.clone());
                let level = model.level(&map)?;
                Self {
                    model,
                    used: used("map", level, format!("given by {}", path.display())),
                }
            }
            NoiseOption::Auto | NoiseOption::PoissonGaussianAuto | NoiseOption::Correlated => return Ok(None),
        }))
    }

    /// What an estimate says; `share` of the quantisation step counts as an error ([`NoiseEstimate::restoring`]).
    ///
    /// # Errors
    /// If the share is not finite.
    pub fn of_estimate(estimate: &NoiseEstimate, share: f64) -> Result<Self> {
        let grey = |sigma: Sigma| grey_levels(sigma);
        let restoring = estimate.restoring(share)?;
        Ok(match (estimate.kind, estimate.scales) {
            (NoiseKind::Correlated, Some(scales)) => Self {
                model: NoiseModel::Correlated {
                    level: estimate.level,
                    scales,
                },
                used: NoiseUsed {
                    scales_grey_levels: Some(scales.map(grey)),
                    standard_deviation_grey_levels: estimate.deviation.map(grey),
                    ..used(
                        "correlated",
                        estimate.level,
                        format!(
                            "estimated: standard deviation {:.1}; luma and colour differences have {:.1} at wavelengths of 5 to 11 pixels, \
                             the finest scale {:.1}",
                            estimate.deviation.map_or(0.0, grey),
                            grey(estimate.level),
                            grey(estimate.finest)
                        ),
                    )
                },
            },
            (NoiseKind::Compressed, _) => Self {
                model: NoiseModel::White(restoring),
                used: NoiseUsed {
                    before_compression_grey_levels: Some(grey(estimate.level)),
                    ..used(
                        "compressed",
                        restoring,
                        format!(
                            "estimated through the JPEG's quantisation: {:.1} before compression (which hides up to {:.1}), and what \
                             compression took away",
                            grey(estimate.level),
                            estimate.compressed.map_or(0.0, |compressed| grey(compressed.hidden))
                        ),
                    )
                },
            },
            _ => Self {
                model: NoiseModel::White(estimate.level),
                used: used(
                    "white",
                    estimate.level,
                    "estimated from smooth 7x7 patches at the finest scale".to_owned(),
                ),
            },
        })
    }

    /// Signal-dependent noise of an image y by the law that was fitted to it.
    ///
    /// # Errors
    /// If y is empty or holds NaN or infinities.
    pub fn of_law(fit: &LawFit, y: &Image) -> Result<Self> {
        let [gain, sigma] = fit.law.grey_levels();
        let [dark, bright] = fit.brightness.map(|level| (255.0 * level).round());
        Ok(Self {
            model: NoiseModel::PoissonGaussian(fit.law),
            used: NoiseUsed {
                gain_grey_levels: Some(gain),
                sigma_grey_levels: Some(sigma),
                ..used(
                    "poisson-gaussian",
                    fit.law.mean_level(y)?,
                    format!(
                        "estimated from the {:.0} % of the 8x8 blocks that are smooth, of brightness {dark} to {bright}",
                        100.0 * fit.smooth_share
                    ),
                )
            },
        })
    }

    /// White noise that a file of its kind has, where nothing else is known.
    ///
    /// # Errors
    /// Unless the level is finite and not negative.
    pub(crate) fn assumed(grey_levels: f64) -> Result<Self> {
        let level = Sigma::from_grey_levels(grey_levels)?;
        Ok(measured_white(level, "assumed for files of its kind".to_owned()))
    }

    /// The same, white noise not below a level that files of its kind have.
    ///
    /// # Errors
    /// Unless the level is finite and not negative.
    pub(crate) fn at_least(self, grey_levels: f64) -> Result<Self> {
        match self.model {
            NoiseModel::White(level) if level.grey_levels() < grey_levels => Self::assumed(grey_levels),
            _ => Ok(self),
        }
    }

    /// One line for people.
    pub fn line(&self) -> String {
        let used = &self.used;
        let law = match (used.gain_grey_levels, used.sigma_grey_levels) {
            (Some(gain), Some(sigma)) => format!(", variance {gain:.3} x + {sigma:.2}^2"),
            _ => String::new(),
        };
        format!(
            "{} noise of {:.2} grey levels{law}; {}",
            used.kind, used.level_grey_levels, used.rests_on
        )
    }
}

fn used(kind: &'static str, level: Sigma, rests_on: String) -> NoiseUsed {
    NoiseUsed {
        kind: kind.into(),
        level_grey_levels: grey_levels(level),
        gain_grey_levels: None,
        sigma_grey_levels: None,
        before_compression_grey_levels: None,
        standard_deviation_grey_levels: None,
        scales_grey_levels: None,
        rests_on,
    }
}

/// White noise of a measurement that is no picture, with what tells it.
pub(crate) fn measured_white(level: Sigma, rests_on: String) -> Noise {
    Noise {
        model: NoiseModel::White(level),
        used: used("white", level, rests_on),
    }
}

/// A level in grey levels without the rounding errors of its conversion.
pub fn grey_levels(sigma: Sigma) -> f64 {
    (sigma.grey_levels() * 1e9).round() / 1e9
}
