//! Noise that is given, assumed or estimated.

use std::num::NonZeroUsize;
use std::sync::Arc;

use pyo3::prelude::*;
use tweedie::burn::tensor::Device;
use tweedie::choice::Choice;
use tweedie::denoising::Denoising;
use tweedie::noise_level::{Noise, NoiseUsed, grey_levels};
use tweedie::noise_option::NoiseOption;
use tweedie::operators::NoiseModel;
use tweedie::picture::UnknownNoise;
use tweedie::{Error, Sigma, noise_report};

use crate::array::{Array, Input, Values};
use crate::denoiser::Denoiser;
use crate::job::run;

/// Noise as Python asks for it, one of: a level; gain and sigma; a map of levels, all in [0, 1] units; a way to estimate it.
#[derive(FromPyObject)]
pub enum Asked<'py> {
    /// White noise of this level.
    Level(f64),
    /// The variance is gain x + sigma^2.
    Law(f64, f64),
    /// `auto` and its kin, as the command line has them.
    Estimated(String),
    /// A level for each pixel.
    Map(Input<'py>),
}

/// The same, free of Python.
pub enum Wanted {
    /// White noise of this level.
    Level(f64),
    /// The variance is gain x + sigma^2.
    Law(f64, f64),
    /// A way to estimate it.
    Estimated(String),
    /// A level for each pixel.
    Map(Values),
    /// What suits the task.
    Default,
}

impl Asked<'_> {
    /// A copy, which the job keeps while the interpreter goes on.
    pub fn wanted(self) -> PyResult<Wanted> {
        Ok(match self {
            Self::Level(level) => Wanted::Level(level),
            Self::Law(gain, sigma) => Wanted::Law(gain, sigma),
            Self::Estimated(text) => Wanted::Estimated(text),
            Self::Map(map) => Wanted::Map(map.values()?),
        })
    }
}

impl Wanted {
    /// The noise, or what is to be found out.
    pub fn resolve(self) -> tweedie::Result<Result<Noise, UnknownNoise>> {
        Ok(match self {
            Self::Default => Err(UnknownNoise::Default),
            Self::Level(level) => Ok(Noise::of_level(Sigma::new(level)?)),
            Self::Law(gain, sigma) => {
                let option = NoiseOption::PoissonGaussian {
                    gain: grey_levels(Sigma::new(gain)?),
                    sigma: grey_levels(Sigma::new(sigma)?),
                };
                let given = Noise::given(&option, &(), &Device::flex())?;
                given.ok_or(UnknownNoise::Estimated(option))
            }
            Self::Estimated(text) => {
                let option: NoiseOption = text.parse().map_err(|text| Error::Usage(format!("noise: {text}")))?;
                Err(UnknownNoise::Estimated(option))
            }
            Self::Map(values) => {
                let map = values.image()?;
                let model = NoiseModel::Map(map.clone());
                let used = NoiseUsed {
                    kind: "map".into(),
                    level_grey_levels: grey_levels(model.level(&map)?),
                    gain_grey_levels: None,
                    sigma_grey_levels: None,
                    before_compression_grey_levels: None,
                    standard_deviation_grey_levels: None,
                    scales_grey_levels: None,
                    rests_on: "given".to_owned(),
                };
                Ok(Noise { model, used })
            }
        })
    }
}

/// Denoises a batch whose noise is to be estimated in the way that `option` says: the batch, the noise as JSON, warnings.
#[pyfunction]
pub fn denoise_unknown(
    py: Python<'_>,
    denoiser: &Denoiser,
    x: Input<'_>,
    option: String,
    tell: &Bound<'_, PyAny>,
    threads: NonZeroUsize,
) -> PyResult<(Array, String, Vec<String>)> {
    let checkpoint = Choice::from(Arc::clone(&denoiser.checkpoint));
    let x = x.values()?;
    run(py, threads, Some(tell), move |listener| {
        let option: NoiseOption = option.parse().map_err(|text| Error::Usage(format!("sigma: {text}")))?;
        let denoising = Denoising::new(&checkpoint, &option, &Device::flex(), listener)?;
        let denoised = denoising.denoise("x", x.image()?, None)?;
        Ok((
            Array::of(&denoised.image)?,
            serde_json::to_string(&denoised.noise)?,
            denoised.warnings,
        ))
    })
}

/// What the noise of an image is, as JSON.
#[pyfunction]
pub fn estimate_noise(py: Python<'_>, x: Input<'_>, threads: NonZeroUsize) -> PyResult<String> {
    let x = x.values()?;
    run(py, threads, None, move |_| {
        let report = noise_report::report(&x.image()?, None)?;
        Ok(serde_json::to_string(&report)?)
    })
}
