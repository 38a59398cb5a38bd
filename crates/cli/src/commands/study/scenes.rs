//! The images of a study, and their measurements.

use std::path::Path;

use anyhow::{Context as _, bail};
use tweedie_imaging::Image;

use super::manifest::{Images, located};
use crate::degradation::single;
use crate::inputs::{self, Input};
use crate::session::Session;
use crate::solve::Measurement;
use crate::task::Task;
use crate::{for_file, locate};

/// The photograph of studies that name none.
const DEFAULT_IMAGE: &str = "samples/camera.png";

/// The images that a manifest in `folder` names.
pub fn inputs(images: &Images, folder: &Path) -> anyhow::Result<Vec<Input>> {
    let paths = if images.paths.is_empty() {
        let candidates = locate::folders("datasets")
            .into_iter()
            .map(|folder| folder.join(DEFAULT_IMAGE));
        let found = candidates.into_iter().find(|path| path.is_file());
        vec![found.with_context(|| format!("{DEFAULT_IMAGE}: expected in {}", locate::description("datasets")))?]
    } else {
        images.paths.iter().map(|path| located(folder, path)).collect()
    };
    let inputs = inputs::expand(&paths)?;
    if inputs.is_empty() {
        bail!("images.paths: expected images, found none");
    }
    inputs::require_different_stems(&inputs)?;
    Ok(inputs)
}

/// An image of a study, `[1, C, H, W]`.
pub fn clean(session: &Session, images: &Images, input: &Input) -> anyhow::Result<Image> {
    let read =
        || {
            let image = session
                .read_image(&input.path, images.color.into())?
                .image(&session.device)?;
            let [_, rows, cols] = single(image.dims())?;
            match images.crop {
                None => Ok(image),
                Some(side) if (1..=rows.min(cols)).contains(&side) => Ok(image
                    .narrow(2, (rows - side) / 2, side)
                    .narrow(3, (cols - side) / 2, side)),
                Some(side) => bail!("images.crop: expected 1 to {} pixels, got {side}", rows.min(cols)),
            }
        };
    read().map_err(|error| for_file(error, &input.path))
}

/// Degrades an image.
pub fn measurement(task: &Task, input: &Input, clean: &Image) -> anyhow::Result<Measurement> {
    let measure = || {
        let truth = task.degradation.cropped(clean.clone());
        let operator = task.operator(single(truth.dims())?)?;
        let y = task.measure(operator.as_ref(), truth.clone(), &input.name)?;
        Ok(Measurement {
            name: input.name.clone(),
            task: task.clone(),
            operator,
            y,
            truth: Some(truth),
        })
    };
    measure().map_err(|error| for_file(error, &input.path))
}
