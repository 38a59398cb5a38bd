//! D(x, sigma), its vector-Jacobian product and its potential.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use serde_json::{Value, json};
use toml::Table;
use tweedie::checkpoint::{self, Checkpoint};
use tweedie::denoisers::{Classical, GaussianSmoothing};
use tweedie::imaging::SigmaSupport;
use tweedie::solvers::Prior;
use tweedie::{DeviceChoice, Image, Sigma};

use crate::array::{Array, Input};
use crate::failure::of_files;
use crate::job::{Listener, run};

/// Pixels of one pass of a denoiser, and of one that is differentiated: the images of a batch that exceed it go one after the other,
/// and between them Ctrl-C is heard. Larger images are cut into tiles by the library.
const PIXELS: usize = 1 << 19;
const PIXELS_WITH_DERIVATIVE: usize = 1 << 17;

/// A denoiser.
#[pyclass(frozen, module = "tweedie._native")]
pub struct Denoiser {
    /// The library's.
    pub checkpoint: Arc<Checkpoint>,
}

/// TOML of JSON.
pub fn table(json: &str) -> PyResult<Table> {
    let value: Value = serde_json::from_str(json).map_err(|error| PyValueError::new_err(error.to_string()))?;
    Table::try_from(value).map_err(|error| PyValueError::new_err(error.to_string()))
}

/// A folder in which `checkpoints` is looked for last.
#[pyfunction]
pub fn bring(folder: PathBuf) {
    tweedie::locate::bring(folder);
}

/// The checkpoints that are found by name, as JSON.
#[pyfunction]
pub fn checkpoints(py: Python<'_>, threads: NonZeroUsize) -> PyResult<String> {
    run(py, threads, None, |listener| {
        Ok(serde_json::to_string(&tweedie::checkpoints::list(listener)?)?)
    })
}

#[pymethods]
impl Denoiser {
    /// The checkpoint of a name or in a folder; `settings` are JSON.
    #[staticmethod]
    fn load(py: Python<'_>, name: String, settings: &str, certifying: bool, threads: NonZeroUsize) -> PyResult<Self> {
        let settings = table(settings)?;
        // That there is no such folder is told as other problems with files.
        if Classical::from_name(&name).is_none() && GaussianSmoothing::parse(&name).is_none() {
            checkpoint::folder_of(&name).map_err(|error| of_files(&error))?;
        }
        let checkpoint = run(py, threads, None, move |listener| {
            let (device, _) = DeviceChoice::Auto.open()?;
            match certifying {
                true => tweedie::certificate::load(&name, settings, &device, listener),
                false => checkpoint::load(&name, settings, &device, listener),
            }
        })?;
        Ok(Self {
            checkpoint: Arc::new(checkpoint),
        })
    }

    /// Its facts, as JSON.
    fn info(&self) -> String {
        let info = self.checkpoint.info();
        let range = match info.sigma {
            SigmaSupport::Blind => None,
            SigmaSupport::Range { min, max } => Some((min.value(), max.value())),
        };
        json!({
            "name": info.name,
            "channels": info.channels,
            "sigma": range,
            "receptive_field": info.receptive_field,
            "weights_sha256": info.weights_sha256,
            "origin": self.checkpoint.origin(),
            "has_vjp": self.checkpoint.differentiable().is_ok(),
            "has_potential": matches!(self.checkpoint.prior(info.channels.max(1)), Ok(Prior::Gradient(_))),
            "takes_maps": self.checkpoint.takes_maps(),
        })
        .to_string()
    }

    /// D(x, sigma), with a level for all images or one for each.
    fn denoise(&self, py: Python<'_>, x: Input<'_>, sigma: Vec<f64>, threads: NonZeroUsize) -> PyResult<Array> {
        let (x, checkpoint) = (x.values()?, Arc::clone(&self.checkpoint));
        run(py, threads, None, move |listener| {
            let x = x.image()?;
            let denoise = |part: Image, level| Array::of(&checkpoint.denoise(&part, level)?);
            joined(in_parts(&[x], &sigma, PIXELS, listener, |[x]: [Image; 1], level| {
                denoise(x, level)
            })?)
        })
    }

    /// D(x, map), with a level for each pixel.
    fn denoise_map(&self, py: Python<'_>, x: Input<'_>, map: Input<'_>, threads: NonZeroUsize) -> PyResult<Array> {
        let (x, map, checkpoint) = (x.values()?, map.values()?, Arc::clone(&self.checkpoint));
        run(py, threads, None, move |_| {
            Array::of(&checkpoint.denoise_map(x.image()?, map.image()?)?)
        })
    }

    /// D(x, sigma) and J^T v.
    fn vjp(
        &self,
        py: Python<'_>,
        x: Input<'_>,
        sigma: Vec<f64>,
        v: Input<'_>,
        threads: NonZeroUsize,
    ) -> PyResult<(Array, Array)> {
        let (x, v, checkpoint) = (x.values()?, v.values()?, Arc::clone(&self.checkpoint));
        run(py, threads, None, move |listener| {
            let both = [x.image()?, v.image()?];
            let parts = in_parts(
                &both,
                &sigma,
                PIXELS_WITH_DERIVATIVE,
                listener,
                |[x, v]: [Image; 2], level| {
                    let (denoised, product) = checkpoint.vjp(&x, level, &v)?;
                    Ok((Array::of(&denoised)?, Array::of(&product)?))
                },
            )?;
            let (denoised, products) = parts.into_iter().unzip();
            Ok((joined(denoised)?, joined(products)?))
        })
    }

    /// g(x, sigma) of each image, and x - D(x, sigma).
    fn potential(
        &self,
        py: Python<'_>,
        x: Input<'_>,
        sigma: Vec<f64>,
        threads: NonZeroUsize,
    ) -> PyResult<(Vec<f64>, Array)> {
        let (x, checkpoint) = (x.values()?, Arc::clone(&self.checkpoint));
        run(py, threads, None, move |listener| {
            let x = x.image()?;
            let Prior::Gradient(denoiser) = checkpoint.prior(x.dims()[1])? else {
                let name = &checkpoint.name;
                return Err(tweedie::Error::Usage(format!(
                    "potential: expected a gradient-step denoiser, whose potential is known, got '{name}'"
                )));
            };
            let parts = in_parts(
                &[x],
                &sigma,
                PIXELS_WITH_DERIVATIVE,
                listener,
                |[x]: [Image; 1], level| {
                    let (values, gradient) = denoiser.potential(x, level)?;
                    Ok((values, Array::of(&gradient)?))
                },
            )?;
            let (values, gradients): (Vec<_>, Vec<_>) = parts.into_iter().unzip();
            Ok((values.concat(), joined(gradients)?))
        })
    }
}

/// `f` of the images of batches, as many at once as `pixels` allows and have the same level.
fn in_parts<const B: usize, T>(
    batches: &[Image; B],
    sigma: &[f64],
    pixels: usize,
    listener: &Listener,
    f: impl Fn([Image; B], Sigma) -> tweedie::Result<T>,
) -> tweedie::Result<Vec<T>> {
    let [n, c, h, w] = batches[0].dims();
    if ![1, n].contains(&sigma.len()) {
        return Err(tweedie::Error::Usage(format!(
            "sigma: expected 1 or {n} levels, got {}",
            sigma.len()
        )));
    }
    let most = (pixels / (h * w).max(1)).max(1);
    let level = |index: usize| if sigma.len() == 1 { sigma[0] } else { sigma[index] };
    let mut parts = Vec::new();
    let mut first = 0;
    while first < n {
        if listener.is_cancelled() {
            return Err(tweedie::Error::Usage("interrupted".to_owned()));
        }
        let same = (first..n).take(most).take_while(|&index| level(index) == level(first));
        let end = first + same.count().max(1);
        let part = batches
            .each_ref()
            .map(|batch| batch.clone().slice([first..end, 0..c, 0..h, 0..w]));
        parts.push(f(part, Sigma::new(level(first))?)?);
        first = end;
    }
    Ok(parts)
}

fn joined(parts: Vec<Array>) -> tweedie::Result<Array> {
    Array::joined(parts).ok_or_else(|| tweedie::Error::Input("x: expected at least one image".to_owned()))
}
