//! What a picture's file says besides its samples.

use image::metadata::Orientation;

use super::profile;

/// What a picture's file says besides its samples, so that a result may say it too.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata {
    /// EXIF, a TIFF structure: date, camera, exposure. The orientation in it is that of the samples as they were read: upright.
    pub exif: Option<Vec<u8>>,
    /// Colour profile (ICC) of the samples as they were read: none where they were converted to sRGB.
    pub icc: Option<Vec<u8>>,
}

impl Metadata {
    /// Metadata of samples to which the orientation in `exif` was applied.
    pub(super) fn upright(mut exif: Option<Vec<u8>>, icc: Option<Vec<u8>>) -> Self {
        if let Some(exif) = &mut exif {
            // What it was is known already.
            let _ = Orientation::remove_from_exif_chunk(exif);
        }
        Self { exif, icc }
    }

    /// The profile, if it is for so many channels.
    pub(super) fn icc_for(&self, channels: usize) -> Option<&[u8]> {
        self.icc
            .as_deref()
            .filter(|icc| profile::channels(icc) == Some(channels))
    }
}
