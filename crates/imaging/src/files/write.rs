//! Writing images.

use std::fs::File;
use std::io::{self, BufWriter};
use std::path::Path;

use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder};

use super::samples::{Depth, require_finite};
use super::tiff::{self, Samples};
use super::{Metadata, npy};
use crate::{Error, Image, vec_from_image, write_atomic};

/// Longest EXIF that a JPEG file holds: a segment of 65,535 bytes, less its length and the six bytes that name it.
const MAX_JPEG_EXIF: usize = 65_535 - 8;

/// Formats that can be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Png,
    Jpeg,
    Tiff,
    Npy,
}

/// How an image is written.
#[derive(Clone, Copy, Debug)]
pub struct Encoding<'a> {
    /// Precision of the samples.
    pub depth: Depth,
    /// Of JPEG files, 1 to 100.
    pub jpeg_quality: u8,
    /// Goes into the file as far as the format holds it: EXIF into PNG and JPEG, the colour profile into PNG, JPEG and TIFF if it
    /// is for as many channels.
    pub metadata: Option<&'a Metadata>,
}

impl Encoding<'_> {
    /// Quality of JPEG files for which nothing else is asked: artefacts are below one grey level on average.
    pub const JPEG_QUALITY: u8 = 95;

    /// Samples of this precision, no metadata.
    pub fn new(depth: Depth) -> Self {
        Self {
            depth,
            jpeg_quality: Self::JPEG_QUALITY,
            metadata: None,
        }
    }
}

/// [`write_image_as`] without metadata.
///
/// # Errors
/// As [`write_image_as`].
pub fn write_image(path: &Path, image: &Image, depth: Depth) -> Result<(), Error> {
    write_image_as(path, image, &Encoding::new(depth))
}

/// Writes an image, atomically; the name's ending chooses the format.
///
/// * `.png`: [`Depth::Eight`] or [`Depth::Sixteen`], one image with 1 or 3 channels. A value v becomes the integer
///   round(m min(max(v, 0), 1)), m = 255 or 65535: values outside `[0, 1]` are clipped.
/// * `.jpg`, `.jpeg`: as `.png` with [`Depth::Eight`], and then with loss; chroma has the full resolution.
/// * `.tif`, `.tiff`: as `.png`, or [`Depth::Float`], nothing clipped or rounded; each image of a batch is a page.
/// * `.npy`: [`Depth::Float`], f32, nothing clipped or rounded. Shape `[H, W]` for one gray image, `[3, H, W]` for one
///   in colour, else `[N, C, H, W]`.
///
/// [`super::read_image`] gives back the same image from floats.
///
/// # Errors
/// [`Error::Format`] for other endings, for a depth that the format does not have, and for a quality outside 1 to 100;
/// [`Error::Shape`] for a batch or a channel count that it cannot hold; [`Error::NonFinite`] for NaN and infinities;
/// [`Error::Io`]; [`Error::Device`].
pub fn write_image_as(path: &Path, image: &Image, encoding: &Encoding<'_>) -> Result<(), Error> {
    let format = format_of(path)?;
    let dims = image.dims();
    let values = vec_from_image(image)?;
    require_finite(path.display().to_string(), &values)?;
    let refused = |expected: &str, got: String| Error::Format {
        path: path.to_path_buf(),
        expected: expected.to_owned(),
        got,
    };
    let depth = encoding.depth;
    let fits = match format {
        Format::Png => depth != Depth::Float,
        Format::Jpeg => depth == Depth::Eight,
        Format::Tiff => true,
        Format::Npy => depth == Depth::Float,
    };
    if !fits {
        let expected = "8 or 16 bits for .png, 8 for .jpg, floats for .npy, any of them for .tif";
        return Err(refused(expected, format!("{depth:?}").to_lowercase()));
    }
    if format == Format::Npy {
        let shape = match dims {
            [1, 1, ..] => &dims[2..],
            [1, 3, ..] => &dims[1..],
            _ => &dims,
        };
        return write_atomic(path, |file| npy::write(file, shape, values.iter().copied()));
    }
    if format == Format::Jpeg && !(1..=100).contains(&encoding.jpeg_quality) {
        return Err(refused(
            "a JPEG quality from 1 to 100",
            encoding.jpeg_quality.to_string(),
        ));
    }
    let samples = samples(&values, dims, format, depth)?;
    write_atomic(path, |file| encode(file, format, &samples, dims, encoding))
}

/// The depth in which a file of that name keeps most of an image whose own depth is `source`: floats for `.npy`; for `.jpg`
/// 8 bits; for `.tif` that of the source; for `.png` 8 bits if the source has 8 bits, else 16.
///
/// # Errors
/// [`Error::Format`] for names that [`write_image`] does not take.
pub fn depth_for(path: &Path, source: Depth) -> Result<Depth, Error> {
    Ok(match (format_of(path)?, source) {
        (Format::Npy, _) => Depth::Float,
        (Format::Jpeg, _) => Depth::Eight,
        (Format::Tiff, source) => source,
        (Format::Png, Depth::Eight) => Depth::Eight,
        (Format::Png, Depth::Sixteen | Depth::Float) => Depth::Sixteen,
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
        "jpg" | "jpeg" => Ok(Format::Jpeg),
        "tif" | "tiff" => Ok(Format::Tiff),
        "npy" => Ok(Format::Npy),
        _ => Err(Error::Format {
            path: path.to_path_buf(),
            expected: "a name that ends in .png, .jpg, .jpeg, .tif, .tiff or .npy".to_owned(),
            got: if ending.is_empty() {
                "no ending".to_owned()
            } else {
                format!(".{ending}")
            },
        }),
    }
}

/// The samples, pixel by pixel.
fn samples(values: &[f32], dims: [usize; 4], format: Format, depth: Depth) -> Result<Samples, Error> {
    let [n, channels, h, w] = dims;
    let fits = (n == 1 || (n > 1 && format == Format::Tiff))
        && matches!(channels, 1 | 3)
        && h > 0
        && w > 0
        && u32::try_from(h.max(w)).is_ok()
        && (format != Format::Jpeg || h.max(w) <= usize::from(u16::MAX));
    if !fits {
        return Err(Error::Shape {
            operation: "write_image",
            expected: match format {
                Format::Tiff => "images with 1 or 3 channels, [N, C, H, W]",
                Format::Jpeg => "one image of at most 65535 pixels a side with 1 or 3 channels, [1, C, H, W]",
                _ => "one image with 1 or 3 channels, [1, C, H, W]",
            }
            .to_owned(),
            got: format!("{dims:?}"),
        });
    }
    let plane = h * w;
    let interleaved = values
        .chunks_exact(channels * plane)
        .flat_map(|image| (0..plane).flat_map(move |i| (0..channels).map(move |c| image[c * plane + i])));
    Ok(match depth {
        Depth::Eight => Samples::Eight(interleaved.map(|v| quantised(v, u8::MAX.into()) as u8).collect()),
        Depth::Sixteen => Samples::Sixteen(interleaved.map(|v| quantised(v, u16::MAX.into()) as u16).collect()),
        Depth::Float => Samples::Float(interleaved.collect()),
    })
}

/// round(largest min(max(v, 0), 1)).
fn quantised(v: f32, largest: f64) -> f64 {
    (f64::from(v).clamp(0.0, 1.0) * largest).round()
}

fn encode(
    file: &mut BufWriter<File>,
    format: Format,
    samples: &Samples,
    dims: [usize; 4],
    encoding: &Encoding<'_>,
) -> io::Result<()> {
    let [_, channels, h, w] = dims;
    let icc = encoding.metadata.and_then(|metadata| metadata.icc_for(channels));
    let exif = encoding.metadata.and_then(|metadata| metadata.exif.as_deref());
    let (bytes, color) = match (samples, channels) {
        _ if format == Format::Tiff => return tiff::write(file, samples, dims, icc),
        (Samples::Eight(samples), 1) => (samples.clone(), ExtendedColorType::L8),
        (Samples::Eight(samples), _) => (samples.clone(), ExtendedColorType::Rgb8),
        (Samples::Sixteen(samples), _) => {
            // The encoders take native byte order.
            let bytes = samples.iter().flat_map(|sample| sample.to_ne_bytes()).collect();
            let color = if channels == 1 {
                ExtendedColorType::L16
            } else {
                ExtendedColorType::Rgb16
            };
            (bytes, color)
        }
        (Samples::Float(_), _) => return Err(io::Error::other("floats are for TIFF files")),
    };
    match format {
        Format::Jpeg => {
            let encoder = JpegEncoder::new_with_quality(file, encoding.jpeg_quality);
            finish(
                encoder,
                &bytes,
                [h, w],
                color,
                icc,
                exif.filter(|exif| exif.len() <= MAX_JPEG_EXIF),
            )
        }
        // The fast setting writes photographs at nearly the size of the slow one.
        _ => {
            let encoder = PngEncoder::new_with_quality(file, CompressionType::Fast, FilterType::Adaptive);
            finish(encoder, &bytes, [h, w], color, icc, exif)
        }
    }
}

fn finish(
    mut encoder: impl ImageEncoder,
    bytes: &[u8],
    [h, w]: [usize; 2],
    color: ExtendedColorType,
    icc: Option<&[u8]>,
    exif: Option<&[u8]>,
) -> io::Result<()> {
    // What a format cannot hold is left out.
    if let Some(icc) = icc {
        let _ = encoder.set_icc_profile(icc.to_vec());
    }
    if let Some(exif) = exif {
        let _ = encoder.set_exif_metadata(exif.to_vec());
    }
    encoder
        .write_image(bytes, w as u32, h as u32, color)
        .map_err(|error| match error {
            image::ImageError::IoError(error) => error,
            other => io::Error::other(other),
        })
}
