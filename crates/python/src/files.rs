//! Images from files and back.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use pyo3::prelude::*;
use tweedie::Error;
use tweedie::imaging::{self, Depth, depth_for};

use crate::array::{Array, Input};
use crate::job::run;

/// An image, with the channels of its file.
#[pyfunction]
pub fn read_image(py: Python<'_>, path: PathBuf, threads: NonZeroUsize) -> PyResult<Array> {
    run(py, threads, None, move |_| Array::of(&tweedie::read_image(path)?))
}

/// Writes an image; the depth is `8`, `16` or `float`, by default what suits the name.
#[pyfunction]
#[pyo3(signature = (path, image, depth, threads))]
pub fn write_image(
    py: Python<'_>,
    path: PathBuf,
    image: Input<'_>,
    depth: Option<&str>,
    threads: NonZeroUsize,
) -> PyResult<()> {
    let image = image.values()?;
    let depth = match depth {
        None => None,
        Some("8") => Some(Depth::Eight),
        Some("16") => Some(Depth::Sixteen),
        Some("float") => Some(Depth::Float),
        Some(other) => {
            let text = format!("depth: expected 8, 16 or float, got {other}");
            return Err(crate::failure::failure(&Error::Usage(text)));
        }
    };
    run(py, threads, None, move |_| {
        let depth = match depth {
            Some(depth) => depth,
            None => depth_for(&path, Depth::Eight)?,
        };
        Ok(imaging::write_image(&path, &image.image()?, depth)?)
    })
}
