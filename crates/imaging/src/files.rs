//! Image and array files. Formats are told by content when reading and by the name's ending when writing.

mod array;
mod array_file;
mod bytes;
mod jpeg;
mod metadata;
mod npy;
mod npz;
mod png;
mod profile;
mod raster;
mod samples;
mod tiff;
mod write;

use std::path::Path;

use burn::tensor::Device;

pub use array::Array;
pub use array_file::{decode_arrays, read_array, read_npz, write_array, write_npz};
use bytes::{FileBytes, FileKind};
pub use jpeg::JpegCompression;
pub use metadata::Metadata;
use samples::require_finite;
pub use samples::{Depth, MAX_VALUES};
pub use write::{Encoding, depth_for, write_image, write_image_as};

use crate::color::{self, ColorMode};
use crate::{Error, Image, image_from_vec, sha256_bytes};

/// An image file in host memory.
#[derive(Clone, Debug, PartialEq)]
pub struct LoadedImage {
    /// `[N, C, H, W]`; N is 1 except for four-dimensional arrays.
    pub dims: [usize; 4],
    /// Samples in the order of `dims`, nominal range `[0, 1]`, finite.
    pub values: Vec<f32>,
    /// Precision of the samples in the file.
    pub depth: Depth,
    /// sha256 of the file that was decoded, in hexadecimal.
    pub sha256: String,
    /// What else the file says.
    pub metadata: Metadata,
    /// How the file was compressed, if it is a JPEG.
    pub compression: Option<JpegCompression>,
}

impl LoadedImage {
    /// The image as a tensor on `device`.
    ///
    /// # Errors
    /// [`Error::Shape`] if the public fields were changed and no longer fit together.
    pub fn image(&self, device: &Device) -> Result<Image, Error> {
        image_from_vec(self.values.clone(), self.dims, device)
    }
}

/// Reads an image: PNG, JPEG, TIFF, `.npy`, or `.npz` with a single array. The content decides, not the name.
///
/// * PNG, JPEG, TIFF: gray or RGB of up to 8 or of 16 bits, TIFF also of floats. The EXIF (or TIFF) orientation is applied.
///   An alpha channel is dropped if every pixel is opaque, else the image is refused. Samples of another RGB space than sRGB are
///   converted to it where a colour profile (ICC) says so by curves and a matrix; profiles that are tables, and gamma chunks,
///   are ignored. The pages of a TIFF file are a batch if they are alike, else the first is read; of several frames the first.
/// * Arrays: f32, f64, u8, u16, or bool, in C or Fortran order, of shape `[H, W]`, `[C, H, W]` with C = 1 or 3,
///   `[H, W, C]` with C = 1 or 3 (only if the first axis is neither 1 nor 3), or `[N, C, H, W]`.
/// * Integers are divided by their largest value (255, 65535; true is 1); floats keep their values.
///
/// # Errors
/// [`Error::Io`] if the file cannot be read; [`Error::Format`] if it is empty, truncated, of another format or larger
/// than [`MAX_VALUES`], or if `mode` asks for gray or RGB and the file has neither 1 nor 3 channels;
/// [`Error::NonFinite`] if it holds NaN or an infinity.
pub fn read_image(path: &Path, mode: ColorMode) -> Result<LoadedImage, Error> {
    let (loaded, alpha) = read_image_and_alpha(path, mode)?;
    match alpha {
        None => Ok(loaded),
        Some(alpha) => {
            let transparent = alpha.iter().filter(|&&alpha| alpha != 1.0).count();
            Err(Error::Format {
                path: path.to_path_buf(),
                expected: "an opaque image".to_owned(),
                got: format!("{transparent} pixels that are not opaque"),
            })
        }
    }
}

/// Reads an image as [`read_image`] does, and its alpha channel where a pixel is not opaque: `H W` values, 0 is transparent and
/// 1 opaque, row by row. Colours are as stored, not multiplied with alpha, also where nothing of them is seen.
///
/// # Errors
/// As [`read_image`], but for transparent pixels.
pub fn read_image_and_alpha(path: &Path, mode: ColorMode) -> Result<(LoadedImage, Option<Vec<f32>>), Error> {
    decode(FileBytes::read(path)?, mode)
}

/// [`read_image_and_alpha`] for the content of a file; `name` is named in errors.
///
/// # Errors
/// As [`read_image_and_alpha`], but for those of the file system.
pub fn decode_image(name: &Path, content: Vec<u8>, mode: ColorMode) -> Result<(LoadedImage, Option<Vec<f32>>), Error> {
    decode(FileBytes::new(name, content)?, mode)
}

fn decode(bytes: FileBytes, mode: ColorMode) -> Result<(LoadedImage, Option<Vec<f32>>), Error> {
    let decoded = match bytes.kind {
        FileKind::Raster(format) => raster::decode(&bytes, format)?,
        FileKind::Npy | FileKind::Npz => array_file::decode_image(&bytes)?,
    };
    require_finite(bytes.path.display().to_string(), &decoded.values)?;
    let channels = decoded.dims[1];
    let (values, dims) = color::convert(decoded.values, decoded.dims, mode)
        .ok_or_else(|| bytes.wrong("an image with 1 or 3 channels", format!("{channels} channels")))?;
    let loaded = LoadedImage {
        dims,
        values,
        depth: decoded.depth,
        sha256: sha256_bytes(&bytes.content),
        metadata: decoded.metadata,
        compression: decoded.compression,
    };
    Ok((loaded, decoded.alpha))
}
