//! Images from files and back, in one call each.

use std::path::Path;

use tweedie_imaging::{ColorMode, Depth, Image, depth_for};

use crate::Result;
use crate::device::DeviceChoice;

/// Reads an image, `[1, C, H, W]` with white at 1, with the channels of its file, onto the best device that is there.
///
/// # Errors
/// Names the file.
pub fn read_image(path: impl AsRef<Path>) -> Result<Image> {
    let loaded = tweedie_imaging::read_image(path.as_ref(), ColorMode::AsStored)?;
    Ok(loaded.image(&DeviceChoice::Auto.open()?.0)?)
}

/// Writes an image; the name's ending chooses the format: `.png` and `.tif` with 8 bit, `.npy` with all digits.
///
/// # Errors
/// Names the file.
pub fn write_image(path: impl AsRef<Path>, image: &Image) -> Result<()> {
    let path = path.as_ref();
    Ok(tweedie_imaging::write_image(
        path,
        image,
        depth_for(path, Depth::Eight)?,
    )?)
}
