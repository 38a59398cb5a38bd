//! PyTorch files since release 1.6: a zip archive with `NAME/data.pkl` and the storages as `NAME/data/KEY`, stored
//! without compression.

use std::collections::HashMap;
use std::io::{Cursor, Read};

use zip::{CompressionMethod, ZipArchive};

use super::bytes::Bytes;
use super::pickle;
use super::pytorch::{tensors, weights_from_views};
use crate::files::import::wrong::{Wrong, printable};
use crate::weights::Weights;

pub(super) fn read(bytes: &[u8]) -> Result<Weights, Wrong> {
    let refused = |error: zip::result::ZipError| Wrong::new("a whole zip archive", printable(&error.to_string()));
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(refused)?;
    let name = archive
        .file_names()
        .filter_map(|name| name.ok().map(|name| name.into_owned()))
        .find(|name| name.ends_with("/data.pkl"))
        .ok_or_else(|| Wrong::new("an archive with data.pkl", "none"))?;
    let root = name.trim_end_matches("data.pkl").to_owned();
    if let Ok(order) = entry(&mut archive, &format!("{root}byteorder"), bytes.len())
        && order != b"little"
    {
        return Err(Wrong::new(
            "little-endian numbers",
            printable(&String::from_utf8_lossy(&order)),
        ));
    }
    let object = pickle::read(&mut Bytes::new(&entry(&mut archive, &name, bytes.len())?))?;
    let views = tensors(&object)?;
    let (mut storages, mut total) = (HashMap::new(), 0);
    for key in views.values().map(|view| &view.storage.key) {
        if storages.contains_key(key) {
            continue;
        }
        let content = entry(&mut archive, &format!("{root}data/{key}"), bytes.len())?;
        // Entries that lie over each other could be read many times.
        total += content.len();
        if total > bytes.len() {
            return Err(Wrong::new("entries that fit into the archive", "more bytes"));
        }
        storages.insert(key.clone(), content);
    }
    weights_from_views(&views, bytes.len(), &storages)
}

/// The content of an entry, which is not compressed, so it cannot be longer than the archive.
fn entry(archive: &mut ZipArchive<Cursor<&[u8]>>, name: &str, archive_bytes: usize) -> Result<Vec<u8>, Wrong> {
    let refused = |got: String| Wrong::new(format!("{} as a stored entry", printable(name)), got);
    let file = archive
        .by_name(name)
        .map_err(|error| refused(printable(&error.to_string())))?;
    if file.compression() != CompressionMethod::Stored {
        return Err(refused(format!("{:?}", file.compression())));
    }
    let mut content = Vec::new();
    file.take(archive_bytes as u64)
        .read_to_end(&mut content)
        .map_err(|error| refused(printable(&error.to_string())))?;
    Ok(content)
}
