//! Helpers of these tests.

use std::path::{Path, PathBuf};

use burn::tensor::Device;
use tweedie_imaging::{Image, image_from_vec};

/// A file beside its generator.
pub fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

pub fn image(values: &[f32], dims: [usize; 4]) -> Image {
    image_from_vec(values.to_vec(), dims, &Device::default()).unwrap()
}

/// A little-endian `.npy` file, version 1, with this header dictionary; not padded, which readers must accept.
pub fn npy(header: &str, data: &[u8]) -> Vec<u8> {
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend(u16::try_from(header.len()).unwrap().to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(data);
    bytes
}

/// The header dictionary of a C-order array.
pub fn header(descr: &str, shape: &str) -> String {
    format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}")
}
