//! safetensors files, with any names.

use std::path::Path;

use crate::import::wrong::Wrong;
use crate::tensor_file;
use crate::weights::Weights;

pub(super) fn read(path: &Path, bytes: &[u8]) -> Result<Weights, crate::Error> {
    let (weights, blobs) = tensor_file::decode(path, bytes)?;
    if weights.is_empty() {
        let got = format!("{} tensors of bytes", blobs.len());
        return Err(Wrong::new("tensors of floating point numbers", got).in_file(path));
    }
    Ok(weights)
}
