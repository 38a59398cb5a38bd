//! Decoding PNG, JPEG and TIFF.

use std::borrow::Cow;
use std::io::Cursor;

use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader};

use super::bytes::FileBytes;
use super::profile::ToSrgb;
use super::samples::{Decoded, Depth, MAX_VALUES, split};
use super::{JpegCompression, Metadata, png, tiff};
use crate::Error;

pub(super) fn decode(bytes: &FileBytes, format: ImageFormat) -> Result<Decoded, Error> {
    let name = match format {
        ImageFormat::Png => "PNG",
        ImageFormat::Jpeg => "JPEG",
        _ => "TIFF",
    };
    let whole = || format!("a whole {name} image, gray or RGB");
    let refused = |error: image::ImageError| bytes.wrong(whole(), error.to_string());
    if format == ImageFormat::Jpeg && !jpeg_ends(&bytes.content) {
        return Err(bytes.wrong(whole(), "a truncated one (no end marker)"));
    }

    if format == ImageFormat::Tiff
        && let Some(stack) = tiff::decode_stack(bytes)?
    {
        return Ok(in_srgb(stack));
    }
    let content = match format {
        ImageFormat::Png => png::essential(&bytes.content),
        _ => Cow::Borrowed(&bytes.content[..]),
    };
    let mut reader = ImageReader::with_format(Cursor::new(&content[..]), format);
    let mut limits = image::Limits::default();
    // Decoders hold the samples and, at worst, one more copy of up to 4 channels; f32 samples are the largest.
    limits.max_alloc = Some(8 * MAX_VALUES as u64);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(refused)?;
    let (width, height) = decoder.dimensions();
    let samples = u64::from(width) * u64::from(height) * u64::from(decoder.color_type().channel_count());
    if samples > MAX_VALUES as u64 {
        return Err(bytes.wrong(
            format!("at most {MAX_VALUES} samples"),
            format!("{width}x{height} pixels"),
        ));
    }
    // Every block of 8x8 pixels takes a bit at least: a file that is shorter is cut, and claims a picture that would take long to fill
    // with gray.
    let blocks = u64::from(width.div_ceil(8)) * u64::from(height.div_ceil(8));
    if format == ImageFormat::Jpeg && (8 * bytes.content.len() as u64) < blocks {
        let got = format!("{} bytes for {width}x{height} pixels", bytes.content.len());
        return Err(bytes.wrong(whole(), got));
    }
    let orientation = decoder.orientation().map_err(refused)?;
    // Metadata that cannot be read are none: the picture does not depend on them.
    let exif = decoder.exif_metadata().ok().flatten();
    let icc = match format {
        ImageFormat::Png => png::icc(&bytes.content),
        // The decoder of `image` asks for the tag by a number that its library knows by name by now.
        ImageFormat::Tiff => tiff::icc(&bytes.content),
        _ => decoder.icc_profile().ok().flatten(),
    };
    let mut image = DynamicImage::from_decoder(decoder).map_err(refused)?;
    image.apply_orientation(orientation);
    let mut decoded = planes(bytes, &image)?;
    decoded.metadata = Metadata::upright(exif, icc);
    if format == ImageFormat::Jpeg {
        decoded.compression = JpegCompression::read(&bytes.content);
        if let Some(compression) = &mut decoded.compression {
            compression.is_turned = orientation != Orientation::NoTransforms;
        }
    }
    Ok(in_srgb(decoded))
}

/// The picture in sRGB, if it has the profile of another RGB space, which it loses then.
fn in_srgb(mut decoded: Decoded) -> Decoded {
    let conversion = decoded.metadata.icc_for(decoded.dims[1]).and_then(ToSrgb::of);
    if let (Some(conversion), 3) = (conversion, decoded.dims[1]) {
        let [_, channels, h, w] = decoded.dims;
        for image in decoded.values.chunks_exact_mut(channels * h * w) {
            conversion.convert(image);
        }
        decoded.metadata.icc = None;
    }
    decoded
}

fn planes(bytes: &FileBytes, image: &DynamicImage) -> Result<Decoded, Error> {
    let size = [image.height() as usize, image.width() as usize];
    let (eight, sixteen) = (f64::from(u8::MAX), f64::from(u16::MAX));
    Ok(match image {
        DynamicImage::ImageLuma8(pixels) => split(pixels, 1, size, eight, Depth::Eight),
        DynamicImage::ImageLumaA8(pixels) => split(pixels, 2, size, eight, Depth::Eight),
        DynamicImage::ImageRgb8(pixels) => split(pixels, 3, size, eight, Depth::Eight),
        DynamicImage::ImageRgba8(pixels) => split(pixels, 4, size, eight, Depth::Eight),
        DynamicImage::ImageLuma16(pixels) => split(pixels, 1, size, sixteen, Depth::Sixteen),
        DynamicImage::ImageLumaA16(pixels) => split(pixels, 2, size, sixteen, Depth::Sixteen),
        DynamicImage::ImageRgb16(pixels) => split(pixels, 3, size, sixteen, Depth::Sixteen),
        DynamicImage::ImageRgba16(pixels) => split(pixels, 4, size, sixteen, Depth::Sixteen),
        DynamicImage::ImageRgb32F(pixels) => split(pixels, 3, size, 1.0, Depth::Float),
        DynamicImage::ImageRgba32F(pixels) => split(pixels, 4, size, 1.0, Depth::Float),
        other => return Err(bytes.wrong("gray or RGB samples", format!("{:?}", other.color()))),
    })
}

/// Whether the end marker follows the first scan. The decoder fills the missing part of a truncated image with gray.
///
/// Inside a scan the byte 255 is never followed by 217, so only the marker itself can match; in the segments before the
/// scan (an embedded preview, for instance) it can, so these are skipped by their lengths. ITU-T T.81, annex B.
fn jpeg_ends(content: &[u8]) -> bool {
    const END: [u8; 2] = [0xff, 0xd9];
    let mut at = 2;
    while let Some(&[0xff, marker]) = content.get(at..at + 2) {
        match marker {
            // Fill bytes may precede a marker.
            0xff => at += 1,
            // Start of scan.
            0xda => return content[at..].windows(2).any(|pair| pair == END),
            // Markers without a segment.
            0x01 | 0xd0..=0xd8 => at += 2,
            _ => match content.get(at + 2..at + 4) {
                Some(&[high, low]) => at += 2 + usize::from(u16::from_be_bytes([high, low])),
                _ => return false,
            },
        }
    }
    false
}
