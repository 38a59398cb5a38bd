//! Whole files in memory, so that what is hashed is what is decoded.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use image::ImageFormat;

use super::FileKind;
use crate::Error;

/// Largest file that is read: 4 GiB, twice what [`super::MAX_VALUES`] numbers of f64 take.
const MAX_BYTES: u64 = 1 << 32;

/// A file's content with its name for messages.
pub(super) struct FileBytes<'a> {
    pub(super) path: &'a Path,
    pub(super) content: Vec<u8>,
}

impl<'a> FileBytes<'a> {
    /// Reads a file that is neither empty nor larger than [`MAX_BYTES`].
    pub(super) fn read(path: &'a Path) -> Result<Self, Error> {
        let io = |source| Error::Io {
            operation: "reading",
            path: path.to_path_buf(),
            source,
        };
        let file = File::open(path).map_err(io)?;
        let mut bytes = Self {
            path,
            content: Vec::new(),
        };
        if file.metadata().map_err(io)?.is_dir() {
            return Err(bytes.wrong("a file", "a folder"));
        }
        // One byte more than allowed tells a file of the limit's size from a larger one.
        file.take(MAX_BYTES + 1).read_to_end(&mut bytes.content).map_err(io)?;
        match bytes.content.len() as u64 {
            0 => Err(bytes.wrong(EXPECTED, "an empty file")),
            length if length > MAX_BYTES => Err(bytes.wrong(format!("at most {MAX_BYTES} bytes"), "more")),
            _ => Ok(bytes),
        }
    }

    /// The format by the first bytes.
    pub(super) fn kind(&self) -> Result<FileKind, Error> {
        if self.content.starts_with(b"\x93NUMPY") {
            return Ok(FileKind::Npy);
        }
        if self.content.starts_with(b"PK\x03\x04") || self.content.starts_with(b"PK\x05\x06") {
            return Ok(FileKind::Npz);
        }
        // BigTIFF, which the guess does not know.
        if self.content.starts_with(b"II\x2b\0") || self.content.starts_with(b"MM\0\x2b") {
            return Ok(FileKind::Raster(ImageFormat::Tiff));
        }
        match image::guess_format(&self.content) {
            Ok(format @ (ImageFormat::Png | ImageFormat::Jpeg | ImageFormat::Tiff)) => Ok(FileKind::Raster(format)),
            Ok(other) => Err(self.wrong(EXPECTED, format!("a file of type {}", other.to_mime_type()))),
            Err(_) => Err(self.wrong(EXPECTED, "another kind of content")),
        }
    }

    /// An error about this file's content, on one line whatever a decoder says.
    pub(super) fn wrong(&self, expected: impl Into<String>, got: impl Into<String>) -> Error {
        let got = got.into().split_whitespace().collect::<Vec<_>>().join(" ");
        Error::Format {
            path: self.path.to_path_buf(),
            expected: expected.into(),
            got,
        }
    }
}

const EXPECTED: &str = "a PNG, JPEG, TIFF, .npy or .npz file";
