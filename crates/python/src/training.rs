//! Training.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use serde::Deserialize;
use tweedie::Error;
use tweedie::settings::Setting;
use tweedie::train::{Changes, Training};

use crate::denoiser::table;
use crate::job::run;
use crate::physics::wrong_values;

/// A run and what changes its configuration.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Options {
    /// The file of the configuration.
    config: PathBuf,
    /// Folders of images, instead of those of the configuration.
    data: Vec<PathBuf>,
    /// Folder of the run.
    out: PathBuf,
    resume: bool,
    steps: Option<u64>,
    minutes: Option<f64>,
    /// Values, `KEY=VALUE`.
    settings: Vec<String>,
}

/// Trains; `options` are JSON, and so is what was trained.
#[pyfunction]
pub fn train(py: Python<'_>, options: &str, tell: &Bound<'_, PyAny>, threads: NonZeroUsize) -> PyResult<String> {
    let options: Options = wrong_values(serde_json::from_str(options))?;
    run(py, threads, Some(tell), move |listener| {
        let settings: Result<Vec<Setting>, String> = options.settings.iter().map(|text| text.parse()).collect();
        let settings = settings.map_err(|text| Error::Usage(format!("settings: {text}")))?;
        let changes = Changes {
            settings: &settings,
            data: &options.data,
            steps: options.steps,
            minutes: options.minutes,
        };
        let mut training = Training::with_changes(&options.config, changes)?;
        training.out = options.out;
        training.resume = options.resume;
        Ok(serde_json::to_string(&training.run(listener)?)?)
    })
}

/// The TOML of a configuration in JSON.
#[pyfunction]
pub fn toml_of(json: &str) -> PyResult<String> {
    toml::to_string(&table(json)?).map_err(|error| PyValueError::new_err(error.to_string()))
}
