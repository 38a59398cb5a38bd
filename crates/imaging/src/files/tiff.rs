//! TIFF files that `image` does not read or write: several pages, and gray floats.

use std::io::{self, Cursor, Seek, Write};

use tiff::decoder::{Decoder, DecodingResult, Limits};
use tiff::encoder::colortype::ColorType as EncoderColor;
use tiff::encoder::{TiffEncoder, TiffValue, colortype};
use tiff::tags::Tag;
use tiff::{ColorType, TiffError, TiffResult};

use super::bytes::FileBytes;
use super::samples::{Decoded, Depth, MAX_VALUES, split};
use crate::Error;

/// Most pages of a file.
const MAX_PAGES: usize = 1 << 16;

type Pages<'a> = Decoder<Cursor<&'a [u8]>>;

/// The pages of a stack, or a picture of gray floats; `None` for a single picture of other samples, and where the pages differ
/// in size or kind, as a picture and its preview do: then the first is the picture.
pub(super) fn decode_stack(bytes: &FileBytes) -> Result<Option<Decoded>, Error> {
    let refused = |error: TiffError| bytes.wrong("a whole TIFF image, gray or RGB", error.to_string());
    let Some((count, kind, size)) = stack(&bytes.content).map_err(refused)? else {
        return Ok(None);
    };
    let channels = match kind {
        ColorType::Gray(_) => 1,
        ColorType::RGB(_) => 3,
        other => return Err(bytes.wrong("pages of gray or RGB", format!("{other:?}"))),
    };
    let [height, width] = size;
    let values = [count, channels, height, width]
        .iter()
        .try_fold(1_usize, |product, &n| product.checked_mul(n));
    if values.is_none_or(|values| values > MAX_VALUES) {
        return Err(bytes.wrong(
            format!("at most {MAX_VALUES} samples"),
            format!("{count} pages of {width}x{height} pixels"),
        ));
    }
    let mut pages = open(&bytes.content).map_err(refused)?;
    let mut stack = Decoded {
        dims: [count, channels, height, width],
        values: Vec::new(),
        depth: Depth::Float,
        alpha: None,
        compression: None,
        metadata: super::Metadata::default(),
    };
    for page in 0..count {
        if page > 0 {
            pages.next_image().map_err(refused)?;
        }
        let orientation: Option<u16> = pages.find_tag_unsigned(Tag::Orientation).map_err(refused)?;
        if orientation.is_some_and(|orientation| orientation != 1) {
            return Err(bytes.wrong("upright pages", format!("orientation {}", orientation.unwrap_or(0))));
        }
        let planar: Option<u16> = pages.find_tag_unsigned(Tag::PlanarConfiguration).map_err(refused)?;
        if channels > 1 && planar == Some(2) {
            return Err(bytes.wrong("pages with their channels together", "planes"));
        }
        let decoded = match pages.read_image().map_err(refused)? {
            DecodingResult::U8(samples) => split(&samples, channels, size, u8::MAX.into(), Depth::Eight),
            DecodingResult::U16(samples) => split(&samples, channels, size, u16::MAX.into(), Depth::Sixteen),
            DecodingResult::F32(samples) => split(&samples, channels, size, 1.0, Depth::Float),
            DecodingResult::F64(samples) => split(&samples, channels, size, 1.0, Depth::Float),
            _ => return Err(bytes.wrong("samples of 8 or 16 bits or floats", format!("{kind:?}"))),
        };
        if decoded.values.len() != channels * height * width {
            return Err(bytes.wrong(
                format!("{} samples in a page", channels * height * width),
                decoded.values.len().to_string(),
            ));
        }
        stack.values.extend(decoded.values);
        stack.depth = decoded.depth;
        if page == 0 {
            // Values longer than the limit of the reader are left out.
            let icc = pages.get_tag_u8_vec(Tag::IccProfile).ok();
            stack.metadata = super::Metadata::upright(None, icc);
        }
    }
    Ok(Some(stack))
}

/// The colour profile of the first page.
pub(super) fn icc(content: &[u8]) -> Option<Vec<u8>> {
    open(content).ok()?.get_tag_u8_vec(Tag::IccProfile).ok()
}

fn open(content: &[u8]) -> TiffResult<Pages<'_>> {
    let mut limits = Limits::default();
    limits.decoding_buffer_size = 8 * MAX_VALUES;
    limits.intermediate_buffer_size = 8 * MAX_VALUES;
    Ok(Decoder::new(Cursor::new(content))?.with_limits(limits))
}

/// Number, kind and `[H, W]` of the pages, where this module reads them.
fn stack(content: &[u8]) -> TiffResult<Option<(usize, ColorType, [usize; 2])>> {
    let mut pages = open(content)?;
    let page = |pages: &mut Pages<'_>| -> TiffResult<(ColorType, [usize; 2])> {
        let (width, height) = pages.dimensions()?;
        Ok((pages.colortype()?, [height as usize, width as usize]))
    };
    // What this decoder does not know is a matter for the other one, or a preview of another kind.
    let Ok(first) = page(&mut pages) else { return Ok(None) };
    let mut count = 1;
    while pages.more_images() {
        count += 1;
        match pages.next_image() {
            Err(TiffError::UnsupportedError(_)) => return Ok(None),
            other => other?,
        }
        // The decoder refuses a circle of pages.
        if count > MAX_PAGES || page(&mut pages).ok() != Some(first) {
            return Ok(None);
        }
    }
    let (kind, size) = first;
    let is_float = matches!(kind, ColorType::Gray(32 | 64));
    Ok((count > 1 || is_float).then_some((count, kind, size)))
}

/// Samples of one or several images, pixel by pixel.
pub(super) enum Samples {
    Eight(Vec<u8>),
    Sixteen(Vec<u16>),
    Float(Vec<f32>),
}

/// Writes each image of `dims` = `[N, C, H, W]`, C = 1 or 3, as a page.
pub(super) fn write(
    file: impl Write + Seek,
    samples: &Samples,
    dims: [usize; 4],
    icc: Option<&[u8]>,
) -> io::Result<()> {
    let result = match (samples, dims[1]) {
        (Samples::Eight(samples), 1) => pages::<colortype::Gray8>(file, samples, dims, icc),
        (Samples::Eight(samples), _) => pages::<colortype::RGB8>(file, samples, dims, icc),
        (Samples::Sixteen(samples), 1) => pages::<colortype::Gray16>(file, samples, dims, icc),
        (Samples::Sixteen(samples), _) => pages::<colortype::RGB16>(file, samples, dims, icc),
        (Samples::Float(samples), 1) => pages::<colortype::Gray32Float>(file, samples, dims, icc),
        (Samples::Float(samples), _) => pages::<colortype::RGB32Float>(file, samples, dims, icc),
    };
    result.map_err(|error| match error {
        TiffError::IoError(error) => error,
        other => io::Error::other(other),
    })
}

fn pages<C: EncoderColor>(
    file: impl Write + Seek,
    samples: &[C::Inner],
    [_, channels, h, w]: [usize; 4],
    icc: Option<&[u8]>,
) -> TiffResult<()>
where
    [C::Inner]: TiffValue,
{
    let mut encoder = TiffEncoder::new(file)?;
    for page in samples.chunks_exact(channels * h * w) {
        let mut image = encoder.new_image::<C>(w as u32, h as u32)?;
        if let Some(icc) = icc {
            image.encoder().write_tag(Tag::IccProfile, icc)?;
        }
        image.write_data(page)?;
    }
    Ok(())
}
