//! Writing images.

use std::io::{self, Seek, Write};
use std::path::Path;

use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::codecs::tiff::TiffEncoder;
use image::{ExtendedColorType, ImageEncoder};

use super::{Depth, array, require_finite};
use crate::{Error, Image, vec_from_image, write_atomic};

/// Formats that can be written.
#[derive(Clone, Copy)]
enum Format {
    Png,
    Tiff,
    Npy,
}

/// Writes an image, atomically; the name's ending chooses the format.
///
/// * `.png`, `.tif`, `.tiff`: [`Depth::Eight`] or [`Depth::Sixteen`], one image with 1 or 3 channels. A value v becomes
///   the integer round(m min(max(v, 0), 1)), m = 255 or 65535: values outside `[0, 1]` are clipped.
/// * `.npy`: [`Depth::Float`], f32, nothing clipped or rounded. Shape `[H, W]` for one gray image, `[3, H, W]` for one
///   in colour, else `[N, C, H, W]`; [`super::read_image`] gives back the same image.
///
/// JPEG is not written: a restoration should not lose quality in its file.
///
/// # Errors
/// [`Error::Format`] for other endings, and for a depth that the format does not have; [`Error::Shape`] for a batch or a
/// channel count that it cannot hold; [`Error::NonFinite`] for NaN and infinities; [`Error::Io`]; [`Error::Device`].
pub fn write_image(path: &Path, image: &Image, depth: Depth) -> Result<(), Error> {
    let format = format_of(path)?;
    let dims = image.dims();
    let values = vec_from_image(image)?;
    require_finite(path.display().to_string(), &values)?;
    match (format, depth) {
        (Format::Npy, Depth::Float) => {
            let shape = match dims {
                [1, 1, ..] => &dims[2..],
                [1, 3, ..] => &dims[1..],
                _ => &dims,
            };
            write_atomic(path, |file| array::write_values(file, shape, values.iter().copied()))
        }
        (Format::Png | Format::Tiff, Depth::Eight) => {
            let samples = interleaved(&values, dims)?;
            let bytes: Vec<u8> = samples.map(|v| quantised(v, u8::MAX.into()) as u8).collect();
            let color = if dims[1] == 1 {
                ExtendedColorType::L8
            } else {
                ExtendedColorType::Rgb8
            };
            write_atomic(path, |file| encode(file, format, &bytes, dims, color))
        }
        (Format::Png | Format::Tiff, Depth::Sixteen) => {
            let samples = interleaved(&values, dims)?;
            // The encoders take native byte order.
            let bytes: Vec<u8> = samples
                .flat_map(|v| (quantised(v, u16::MAX.into()) as u16).to_ne_bytes())
                .collect();
            let color = if dims[1] == 1 {
                ExtendedColorType::L16
            } else {
                ExtendedColorType::Rgb16
            };
            write_atomic(path, |file| encode(file, format, &bytes, dims, color))
        }
        (Format::Npy, _) | (_, Depth::Float) => Err(Error::Format {
            path: path.to_path_buf(),
            expected: "8 or 16 bits for .png and .tif, floats for .npy".to_owned(),
            got: format!("{depth:?}").to_lowercase(),
        }),
    }
}

/// The depth in which a file of that name keeps most of an image whose own depth is `source`: floats for `.npy`; for
/// `.png` and `.tif` 8 bits if the source has 8 bits, else 16.
///
/// # Errors
/// [`Error::Format`] for names that [`write_image`] does not take.
pub fn depth_for(path: &Path, source: Depth) -> Result<Depth, Error> {
    Ok(match (format_of(path)?, source) {
        (Format::Npy, _) => Depth::Float,
        (_, Depth::Eight) => Depth::Eight,
        (_, Depth::Sixteen | Depth::Float) => Depth::Sixteen,
    })
}

fn format_of(path: &Path) -> Result<Format, Error> {
    let ending = path
        .extension()
        .and_then(|ending| ending.to_str())
        .unwrap_or_default()
        .to_ascii_lowercase();
    match ending.as_str() {
        "png" => Ok(Format::Png),
        "tif" | "tiff" => Ok(Format::Tiff),
        "npy" => Ok(Format::Npy),
        _ => Err(Error::Format {
            path: path.to_path_buf(),
            expected: "a name that ends in .png, .tif, .tiff or .npy".to_owned(),
            got: if ending.is_empty() {
                "no ending".to_owned()
            } else {
                format!(".{ending}")
            },
        }),
    }
}

/// The samples of one image, pixel by pixel.
fn interleaved(values: &[f32], dims: [usize; 4]) -> Result<impl Iterator<Item = f32>, Error> {
    let [n, channels, h, w] = dims;
    let fits = n == 1 && matches!(channels, 1 | 3) && h > 0 && w > 0 && u32::try_from(h.max(w)).is_ok();
    if !fits {
        return Err(Error::Shape {
            operation: "write_image",
            expected: "one image with 1 or 3 channels, [1, C, H, W]".to_owned(),
            got: format!("{dims:?}"),
        });
    }
    let plane = h * w;
    Ok((0..plane).flat_map(move |i| (0..channels).map(move |c| values[c * plane + i])))
}

/// round(largest min(max(v, 0), 1)).
fn quantised(v: f32, largest: f64) -> f64 {
    (f64::from(v).clamp(0.0, 1.0) * largest).round()
}

fn encode(
    file: impl Write + Seek,
    format: Format,
    bytes: &[u8],
    [_, _, h, w]: [usize; 4],
    color: ExtendedColorType,
) -> io::Result<()> {
    let (h, w) = (h as u32, w as u32);
    let result = match format {
        // The fast setting writes photographs at nearly the size of the slow one.
        Format::Png => PngEncoder::new_with_quality(file, CompressionType::Fast, FilterType::Adaptive)
            .write_image(bytes, w, h, color),
        _ => TiffEncoder::new(file).write_image(bytes, w, h, color),
    };
    result.map_err(|error| match error {
        image::ImageError::IoError(error) => error,
        other => io::Error::other(other),
    })
}
