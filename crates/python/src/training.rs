//! Training.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use tweedie::settings::Setting;
use tweedie::train::{Changes, Training};

use crate::denoiser::table;
use crate::job::run;

/// Trains with the configuration of a file; what was trained, as JSON, and whether it is finished.
#[pyfunction]
#[pyo3(signature = (config, data, out, resume, steps, minutes, settings, tell, threads))]
pub fn train(
    py: Python<'_>,
    config: PathBuf,
    data: Vec<PathBuf>,
    out: PathBuf,
    resume: bool,
    steps: Option<u64>,
    minutes: Option<f64>,
    settings: Vec<String>,
    tell: &Bound<'_, PyAny>,
    threads: NonZeroUsize,
) -> PyResult<String> {
    let settings = settings
        .iter()
        .map(|text| text.parse())
        .collect::<Result<Vec<Setting>, String>>();
    let settings = settings.map_err(PyValueError::new_err)?;
    run(py, threads, Some(tell), move |listener| {
        let changes = Changes {
            settings: &settings,
            data: &data,
            steps,
            minutes,
        };
        let mut training = Training::with_changes(&config, changes)?;
        training.out = out;
        training.resume = resume;
        Ok(serde_json::to_string(&training.run(listener)?)?)
    })
}

/// The TOML of a configuration in JSON.
#[pyfunction]
pub fn toml_of(json: &str) -> PyResult<String> {
    toml::to_string(&table(json)?).map_err(|error| PyValueError::new_err(error.to_string()))
}
