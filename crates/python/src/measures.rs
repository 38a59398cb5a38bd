//! Certificates, evaluation, noise estimation.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;

use pyo3::prelude::*;
use tweedie::certificate::{self, Patches};
use tweedie::evaluate::Evaluation;
use tweedie::imaging::ColorMode;
use tweedie::solvers::certify::{CertifyOptions, LevelMeasures};
use tweedie::{DeviceChoice, Error, Sigma, inputs, noise_level};

use crate::array::{Input, Values};
use crate::denoiser::Denoiser;
use crate::job::run;

/// A denoiser that is being certified, level by level.
#[pyclass(module = "tweedie._native")]
pub struct Certifying {
    denoiser: Py<Denoiser>,
    patches: Arc<Patches>,
    levels: Vec<LevelMeasures>,
}

#[pymethods]
impl Certifying {
    /// On patches of clean images, each `[1, C, H, W]`.
    #[new]
    fn new(
        py: Python<'_>,
        denoiser: Py<Denoiser>,
        images: Vec<Input<'_>>,
        patch: usize,
        samples: usize,
        seed: u64,
        threads: NonZeroUsize,
    ) -> PyResult<Self> {
        let images: Vec<Values> = images.iter().map(Input::values).collect::<PyResult<_>>()?;
        let patches = run(py, threads, None, move |_| {
            Ok(Patches::Of {
                images: images.into_iter().map(Values::image).collect::<tweedie::Result<_>>()?,
                options: CertifyOptions { patch, samples, seed },
            })
        })?;
        Ok(Self {
            denoiser,
            patches: Arc::new(patches),
            levels: Vec::new(),
        })
    }

    /// Measures at a level and keeps what was measured: the level, as JSON.
    fn measure(&mut self, py: Python<'_>, sigma: f64, threads: NonZeroUsize) -> PyResult<String> {
        let (checkpoint, patches) = (Arc::clone(&self.denoiser.get().checkpoint), Arc::clone(&self.patches));
        let (measures, json) = run(py, threads, None, move |_| {
            let certifying = certificate::Certifying::new(&checkpoint, &patches)?;
            let measures = certifying.measure(Sigma::new(sigma)?)?;
            let json = serde_json::to_string(&certifying.level(sigma, &measures)?)?;
            Ok((measures, json))
        })?;
        self.levels.push(measures);
        Ok(json)
    }

    /// What all levels say of each theorem, as JSON.
    fn theorems(&self, py: Python<'_>, threads: NonZeroUsize) -> PyResult<String> {
        let (checkpoint, patches) = (Arc::clone(&self.denoiser.get().checkpoint), Arc::clone(&self.patches));
        let levels = self.levels.clone();
        run(py, threads, None, move |_| {
            let certifying = certificate::Certifying::new(&checkpoint, &patches)?;
            Ok(serde_json::to_string(&certifying.theorems(&levels))?)
        })
    }
}

/// The denoising of clean images in files at a level in [0, 1] units, as JSON.
#[pyfunction]
pub fn evaluate_files(
    py: Python<'_>,
    denoiser: &Denoiser,
    data: Vec<PathBuf>,
    sigma: f64,
    seed: u64,
    tell: &Bound<'_, PyAny>,
    threads: NonZeroUsize,
) -> PyResult<String> {
    let checkpoint = Arc::clone(&denoiser.checkpoint);
    run(py, threads, Some(tell), move |listener| {
        let (device, _) = DeviceChoice::Auto.open()?;
        let images = inputs::expand(&data, listener)?;
        let evaluation = Evaluation {
            data,
            color: ColorMode::AsStored,
            seed,
        };
        let sigma = Sigma::new(sigma)?;
        let level = evaluation.level(
            &checkpoint,
            &images,
            (noise_level::grey_levels(sigma), sigma),
            &device,
            listener,
        )?;
        let level = level.ok_or_else(|| Error::Usage("interrupted".to_owned()))?;
        Ok(serde_json::to_string(&level)?)
    })
}

/// The denoising of a clean image called `name`, as JSON.
#[pyfunction]
pub fn evaluate_image(
    py: Python<'_>,
    denoiser: &Denoiser,
    name: String,
    clean: Input<'_>,
    sigma: f64,
    seed: u64,
    threads: NonZeroUsize,
) -> PyResult<String> {
    let checkpoint = Arc::clone(&denoiser.checkpoint);
    let clean = clean.values()?;
    run(py, threads, None, move |_| {
        let evaluation = Evaluation {
            data: Vec::new(),
            color: ColorMode::AsStored,
            seed,
        };
        let score = evaluation.score(&checkpoint, &name, clean.image()?, Sigma::new(sigma)?)?;
        Ok(serde_json::to_string(&score)?)
    })
}
