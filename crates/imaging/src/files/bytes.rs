//! Whole files in memory, so that what is hashed is what is decoded.

use std::io::Read;
use std::path::Path;

use image::ImageFormat;

use super::samples::MAX_VALUES;
use crate::{Error, regular};

/// Largest file that is read: [`MAX_VALUES`] numbers of f64, the largest samples there are, and a header.
const MAX_BYTES: u64 = 8 * MAX_VALUES as u64 + (1 << 20);

/// What a file's first bytes say that it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FileKind {
    /// PNG, JPEG or TIFF.
    Raster(ImageFormat),
    Npy,
    Npz,
}

/// As many bytes as tell every format.
const HEAD: usize = 16;

/// A file's content with its name for messages.
pub(super) struct FileBytes<'a> {
    pub(super) path: &'a Path,
    pub(super) content: Vec<u8>,
    pub(super) kind: FileKind,
}

impl<'a> FileBytes<'a> {
    /// Reads a file of a known format that is not larger than [`MAX_BYTES`]; of others nothing but the beginning.
    pub(super) fn read(path: &'a Path) -> Result<Self, Error> {
        let (mut file, length) = regular::open(path)?;
        let mut head = Vec::with_capacity(HEAD);
        Read::by_ref(&mut file)
            .take(HEAD as u64)
            .read_to_end(&mut head)
            .map_err(Error::reading(path))?;
        let kind = kind_of(&head).map_err(|got| wrong(path, EXPECTED, got))?;
        let content = regular::read_rest(path, file, head, length, MAX_BYTES)?;
        Ok(Self { path, content, kind })
    }

    /// A file's content that is in memory already.
    pub(super) fn new(path: &'a Path, content: Vec<u8>) -> Result<Self, Error> {
        let kind = kind_of(&content).map_err(|got| wrong(path, EXPECTED, got))?;
        Ok(Self { path, content, kind })
    }

    /// An error about this file's content, whatever a decoder says of it.
    pub(super) fn wrong(&self, expected: impl Into<String>, got: impl Into<String>) -> Error {
        wrong(self.path, expected, got)
    }
}

fn wrong(path: &Path, expected: impl Into<String>, got: impl Into<String>) -> Error {
    Error::Format {
        path: path.to_path_buf(),
        expected: expected.into(),
        got: shown(&got.into()),
    }
}

/// Most letters of a file's text, or of a decoder's words about it, in a message.
const LONGEST: usize = 300;

/// A text that may come from a file as messages show it: on one line, without what is not printed, of moderate length.
pub(super) fn shown(text: &str) -> String {
    let printed: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let line = printed.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(LONGEST) {
        None => line,
        Some((end, _)) => format!("{} ...", &line[..end]),
    }
}

/// The format by the first bytes, or what they are instead.
fn kind_of(head: &[u8]) -> Result<FileKind, String> {
    if head.is_empty() {
        return Err("an empty file".to_owned());
    }
    if head.starts_with(b"\x93NUMPY") {
        return Ok(FileKind::Npy);
    }
    if head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06") {
        return Ok(FileKind::Npz);
    }
    // BigTIFF, which the guess does not know.
    if head.starts_with(b"II\x2b\0") || head.starts_with(b"MM\0\x2b") {
        return Ok(FileKind::Raster(ImageFormat::Tiff));
    }
    match image::guess_format(head) {
        Ok(format @ (ImageFormat::Png | ImageFormat::Jpeg | ImageFormat::Tiff)) => Ok(FileKind::Raster(format)),
        Ok(other) => Err(format!("a file of type {}", other.to_mime_type())),
        Err(_) => Err("another kind of content".to_owned()),
    }
}

const EXPECTED: &str = "a PNG, JPEG, TIFF, .npy or .npz file";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_files_are_shown_on_one_line_of_moderate_length() {
        assert_eq!(shown("a \0\x1b[31m\nname"), "a [31m name");
        let long = "\u{e9} ".repeat(1000);
        let shown = shown(&long);
        assert!(
            shown.chars().count() == LONGEST + 4 && shown.ends_with(" ..."),
            "{shown}"
        );
    }
}
