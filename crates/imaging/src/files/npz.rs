//! The zip container of `.npz` files.

use std::io::{self, Cursor, Read as _, Seek, Write};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

use super::Array;
use super::bytes::FileBytes;
use super::npy::{self, Npy};
use super::samples::MAX_VALUES;
use crate::Error;

/// All arrays of the archive with their names, in the order of the archive.
pub(super) fn read(bytes: &FileBytes) -> Result<Vec<(String, Npy)>, Error> {
    let refused = |error: zip::result::ZipError| bytes.wrong("a whole .npz file", error.to_string());
    let mut archive = ZipArchive::new(Cursor::new(&bytes.content[..])).map_err(refused)?;
    if archive.has_duplicate_names() {
        return Err(bytes.wrong("arrays with different names", "a name that occurs twice"));
    }
    let mut arrays = Vec::new();
    let mut total = 0;
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index).map_err(refused)?;
        let file_name = entry.name().map_err(refused)?.into_owned();
        // NumPy takes no other files for arrays either.
        let Some(name) = file_name.strip_suffix(".npy") else {
            continue;
        };
        let wrong = |expected: String, got: String| bytes.wrong(expected, format!("{got} in the array '{name}'"));
        let npy = npy::read(&mut entry).map_err(|error| wrong(error.expected, error.got))?;
        // The checksum is compared once the end is reached.
        match entry.read(&mut [0]) {
            Ok(0) => {}
            Ok(_) => return Err(wrong("nothing after the values".to_owned(), "more bytes".to_owned())),
            Err(error) => return Err(wrong("the recorded checksum".to_owned(), error.to_string())),
        }
        total += npy.array.values.len();
        if total > MAX_VALUES {
            return Err(bytes.wrong(format!("at most {MAX_VALUES} values"), "more, in several arrays"));
        }
        arrays.push((name.to_owned(), npy));
    }
    if arrays.is_empty() {
        Err(bytes.wrong("an .npz file with arrays", "none"))
    } else {
        Ok(arrays)
    }
}

/// Writes arrays as f64, compressed; the time of all entries is 1980-01-01, so equal arrays give equal files.
pub(super) fn write(file: impl Write + Seek, arrays: &[(&str, &Array)]) -> io::Result<()> {
    let mut archive = ZipWriter::new(file);
    for (name, array) in arrays {
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
        archive.start_file(format!("{name}.npy"), options)?;
        npy::write(&mut archive, &array.shape, array.values.iter().copied())?;
    }
    archive.finish()?;
    Ok(())
}
