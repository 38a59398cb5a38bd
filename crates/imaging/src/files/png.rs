//! The chunks of a PNG file.

use std::borrow::Cow;
use std::io::Read as _;
use std::ops::Range;

const SIGNATURE: usize = 8;

/// Largest colour profile that is read; those of printers, with tables for every colour, have two megabytes.
const MAX_PROFILE: u64 = 8 << 20;

/// The file without the chunks that do not bear on its pixels: profiles and texts, which may inflate to gigabytes, and the
/// later frames of an animation. Critical chunks, transparency and EXIF (for its orientation) stay.
///
/// What follows a chunk that is cut short is kept as it is, for the decoder to judge.
pub(super) fn essential(content: &[u8]) -> Cow<'_, [u8]> {
    let mut kept: Vec<_> = std::iter::once(0..SIGNATURE.min(content.len())).collect();
    let mut is_whole = true;
    let mut end = kept[0].end;
    for (kind, range) in chunks(content) {
        end = range.end;
        // A critical chunk has an upper-case first letter.
        if kind[0].is_ascii_uppercase() || matches!(&kind, b"tRNS" | b"eXIf") {
            kept.push(range);
        } else {
            is_whole = false;
        }
    }
    if is_whole {
        return Cow::Borrowed(content);
    }
    kept.push(end..content.len());
    Cow::Owned(kept.into_iter().flat_map(|range| &content[range]).copied().collect())
}

/// The colour profile, if there is one of at most [`MAX_PROFILE`] bytes.
///
/// ISO/IEC 15948, section 11.3.3.3: a name and a zero, the method of compression (0), the profile as a zlib stream.
pub(super) fn icc(content: &[u8]) -> Option<Vec<u8>> {
    let (_, range) = chunks(content).find(|(kind, _)| kind == b"iCCP")?;
    let data = content.get(range.start + 8..range.end - 4)?;
    let name = data.iter().position(|&byte| byte == 0)?;
    let (&0, compressed) = data.get(name + 1..)?.split_first()? else {
        return None;
    };
    let mut profile = Vec::new();
    let read = flate2::read::ZlibDecoder::new(compressed)
        .take(MAX_PROFILE + 1)
        .read_to_end(&mut profile);
    (read.is_ok() && profile.len() as u64 <= MAX_PROFILE).then_some(profile)
}

/// Kind and place of the chunks, as far as they are whole. ISO/IEC 15948, section 5.3: length, kind, data, checksum.
fn chunks(content: &[u8]) -> impl Iterator<Item = ([u8; 4], Range<usize>)> {
    let mut at = SIGNATURE;
    std::iter::from_fn(move || {
        let head = content.get(at..at.checked_add(8)?)?;
        let length = u32::from_be_bytes([head[0], head[1], head[2], head[3]]) as usize;
        let end = at.checked_add(length)?.checked_add(12)?;
        if end > content.len() {
            return None;
        }
        let range = at..end;
        at = end;
        Some(([head[4], head[5], head[6], head[7]], range))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(kind: &[u8; 4], length: usize) -> Vec<u8> {
        let mut bytes = (length as u32).to_be_bytes().to_vec();
        bytes.extend(kind);
        bytes.resize(12 + length, 7);
        bytes
    }

    #[test]
    fn what_does_not_bear_on_pixels_is_dropped() {
        let signature = b"\x89PNG\r\n\x1a\n".to_vec();
        let file = |kinds: &[&[u8; 4]]| {
            let chunks = kinds.iter().map(|kind| chunk(kind, usize::from(kind[0]) % 5));
            std::iter::once(signature.clone())
                .chain(chunks)
                .collect::<Vec<_>>()
                .concat()
        };
        let kept: [&[u8; 4]; 6] = [b"IHDR", b"PLTE", b"tRNS", b"eXIf", b"IDAT", b"IEND"];
        let all: [&[u8; 4]; 11] = [
            b"IHDR", b"iCCP", b"PLTE", b"tRNS", b"zTXt", b"eXIf", b"acTL", b"IDAT", b"iTXt", b"fdAT", b"IEND",
        ];
        assert_eq!(essential(&file(&all)), file(&kept));
        assert!(matches!(essential(&file(&kept)), Cow::Borrowed(_)));
        // What comes after the last whole chunk stays, and no cut panics.
        let whole = [file(&all), b"appended".to_vec()].concat();
        assert_eq!(*essential(&whole), [file(&kept), b"appended".to_vec()].concat());
        for length in 0..whole.len() {
            let cut = essential(&whole[..length]);
            assert!(cut.len() <= length, "{length}");
        }
        let huge = [signature.clone(), u32::MAX.to_be_bytes().to_vec(), b"iCCP".to_vec()].concat();
        assert_eq!(*essential(&huge), huge);
    }
}
