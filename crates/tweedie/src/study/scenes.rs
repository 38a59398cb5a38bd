//! The images of a study, and their measurements.

use std::path::Path;

use burn::tensor::Device;
use tweedie_imaging::Image;

use super::manifest::{Images, located};
use crate::error::{Context as _, bail};
use crate::inputs::{self, Input};
use crate::measurement::Measurement;
use crate::task::{Task, single};
use crate::{Events, Result, locate};

/// The photograph of studies that name none.
const DEFAULT_IMAGE: &str = "samples/camera.png";

/// The images that a manifest in `folder` names.
pub fn inputs(images: &Images, folder: &Path, events: &dyn Events) -> Result<Vec<Input>> {
    let paths = if images.paths.is_empty() {
        let candidates = locate::folders("datasets")
            .into_iter()
            .map(|folder| folder.join(DEFAULT_IMAGE));
        let found = candidates.into_iter().find(|path| path.is_file());
        vec![found.with_context(|| format!("{DEFAULT_IMAGE}: expected in {}", locate::description("datasets")))?]
    } else {
        images.paths.iter().map(|path| located(folder, path)).collect()
    };
    let mut inputs = inputs::expand(&paths, events)?;
    if inputs.is_empty() {
        bail!("images.paths: expected images, found none");
    }
    inputs::set_apart(&mut inputs)?;
    Ok(inputs)
}

/// An image of a study, `[1, C, H, W]`.
pub fn clean(images: &Images, input: &Input, device: &Device, events: &dyn Events) -> Result<Image> {
    let read =
        || {
            let image = events.read_image(&input.path, images.color)?.image(device)?;
            let [_, rows, cols] = single(image.dims())?;
            match images.crop {
                None => Ok(image),
                Some(side) if (1..=rows.min(cols)).contains(&side) => Ok(image
                    .narrow(2, (rows - side) / 2, side)
                    .narrow(3, (cols - side) / 2, side)),
                Some(side) => bail!("images.crop: expected 1 to {} pixels, got {side}", rows.min(cols)),
            }
        };
    read().map_err(|error: crate::Error| error.in_file(&input.path))
}

/// Degrades an image.
pub fn measurement(task: &Task, input: &Input, clean: &Image) -> Result<Measurement> {
    let measurement = Measurement::simulate(&input.name, task.clone(), clean.clone());
    let measurement = measurement.map_err(|error| error.in_file(&input.path))?;
    if measurement.is_extended() {
        bail!("task.boundary: expected circular or replicate, a study compares whole images");
    }
    Ok(measurement)
}
