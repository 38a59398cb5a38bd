//! Samples of images in host memory.

use super::{JpegCompression, Metadata};
use crate::Error;

/// Most numbers that an image or array may have: 2^28, 1 GiB of f32, a gray image of 16384x16384. A small file can
/// claim, or unpack to, far more than memory holds.
pub const MAX_VALUES: usize = 1 << 28;

/// Precision of the samples in an image file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// 8-bit integers; 255 is the value 1. Files with fewer bits are scaled to it.
    Eight,
    /// 16-bit integers; 65535 is the value 1.
    Sixteen,
    /// Floating point numbers, which stand for themselves.
    Float,
}

/// Samples as a decoder delivers them, `[N, C, H, W]`, nominal range `[0, 1]`.
pub(super) struct Decoded {
    pub(super) dims: [usize; 4],
    pub(super) values: Vec<f32>,
    pub(super) depth: Depth,
    /// [`super::read_image_and_alpha`].
    pub(super) alpha: Option<Vec<f32>>,
    pub(super) metadata: Metadata,
    pub(super) compression: Option<JpegCompression>,
}

/// Interleaved samples to planes, scaled by 1 / `largest`; the last of 2 or 4 is alpha, which counts where a pixel is not opaque.
pub(super) fn split<T: Copy + Into<f64>>(
    samples: &[T],
    stored: usize,
    [height, width]: [usize; 2],
    largest: f64,
    depth: Depth,
) -> Decoded {
    let channels = stored - usize::from(stored.is_multiple_of(2));
    let plane = |channel: usize| {
        samples
            .iter()
            .skip(channel)
            .step_by(stored)
            .map(move |&sample| (sample.into() / largest) as f32)
    };
    let is_transparent = |pixel: &[T]| channels < stored && pixel[channels].into() != largest;
    let alpha = samples
        .chunks_exact(stored)
        .any(is_transparent)
        .then(|| plane(channels).collect());
    Decoded {
        dims: [1, channels, height, width],
        values: (0..channels).flat_map(plane).collect(),
        depth,
        alpha,
        metadata: Metadata::default(),
        compression: None,
    }
}

pub(super) fn require_finite<T: Copy + Into<f64>>(what: String, values: &[T]) -> Result<(), Error> {
    let mut bad = values
        .iter()
        .enumerate()
        .filter(|(_, value)| !(**value).into().is_finite());
    match bad.next() {
        None => Ok(()),
        Some((first, _)) => Err(Error::NonFinite {
            what,
            count: 1 + bad.count(),
            first,
        }),
    }
}
