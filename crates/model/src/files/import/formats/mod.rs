//! Files of weights, one format per file. The content decides, not the name.

mod bytes;
mod flax;
mod hdf5;
mod matconvnet;
mod number;
mod pickle;
mod pytorch;
mod pytorch_legacy;
mod pytorch_zip;
mod safetensors;

use std::path::Path;

use serde::{Deserialize, Serialize};
use tweedie_imaging::sha256_bytes;

use super::wrong::Wrong;
use crate::Error;
use crate::files::exported::Exported;
use crate::weights::Weights;

/// A file format of weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// safetensors.
    Safetensors,
    /// PyTorch since release 1.6: a zip archive.
    PytorchZip,
    /// PyTorch before release 1.6: pickles and raw storages.
    PytorchLegacy,
    /// MessagePack as written by Flax.
    Flax,
    /// MatConvNet in a MATLAB 7.3 file, that is HDF5.
    Matconvnet,
}

impl Format {
    /// What it is, in a few words.
    pub fn description(self) -> &'static str {
        match self {
            Self::Safetensors => "safetensors",
            Self::PytorchZip => "PyTorch",
            Self::PytorchLegacy => "PyTorch before 1.6",
            Self::Flax => "Flax MessagePack",
            Self::Matconvnet => "MatConvNet in MATLAB 7.3",
        }
    }

    /// What the first bytes say.
    fn of(bytes: &[u8]) -> Option<Self> {
        let first = *bytes.first()?;
        if bytes.starts_with(b"PK\x03\x04") {
            Some(Self::PytorchZip)
        } else if bytes.starts_with(&pytorch_legacy::MAGIC) {
            Some(Self::PytorchLegacy)
        } else if hdf5::superblock(bytes).is_some() {
            Some(Self::Matconvnet)
        } else if bytes.get(8) == Some(&b'{') {
            Some(Self::Safetensors)
        } else if matches!(first, 0x81..=0x8f | 0xde | 0xdf) {
            Some(Self::Flax)
        } else {
            None
        }
    }
}

/// What is known of a file besides its tensors.
#[derive(Debug)]
pub(super) struct File {
    pub format: Format,
    pub sha256: String,
    /// The metadata of an export of this program.
    pub exported: Option<Exported>,
}

/// Reads a file and its floating point tensors; `path` is for messages.
pub(super) fn read(path: &Path, bytes: &[u8]) -> Result<(File, Weights), Error> {
    let format = Format::of(bytes).ok_or_else(|| {
        let expected = "safetensors, PyTorch, Flax or MATLAB 7.3";
        Wrong::new(expected, "a file of another kind").in_file(path)
    })?;
    let mut exported = None;
    let weights = match format {
        Format::Safetensors => safetensors::read(bytes).map(|(weights, metadata)| {
            exported = metadata;
            weights
        }),
        Format::PytorchZip => pytorch_zip::read(bytes),
        Format::PytorchLegacy => pytorch_legacy::read(bytes),
        Format::Flax => flax::read(bytes),
        Format::Matconvnet => matconvnet::read(bytes),
    };
    let file = File {
        format,
        sha256: sha256_bytes(bytes),
        exported,
    };
    Ok((file, weights.map_err(|wrong| wrong.in_file(path))?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tweedie_testing::shared_data;

    /// Formats and numbers of floating point tensors; files that are cut off are refused.
    #[test]
    #[ignore = "needs TWEEDIE_SHARED"]
    fn published_files_are_read() {
        for (name, format, tensors) in [
            ("DnCNN/sigma=25.mat", Format::Matconvnet, 34),
            ("DnCNN/GD_Color_Blind.mat", Format::Matconvnet, 40),
            ("FFDNet/FFDNet_gray.mat", Format::Matconvnet, 30),
            ("Provable_Plug_and_Play/DnCNN_noise15.pth", Format::PytorchLegacy, 77),
            (
                "Provable_Plug_and_Play/RealSN_SimpleCNN_noise15.pth",
                Format::PytorchLegacy,
                12,
            ),
            ("universal_inverse_problem/BSD400_gray/model.pt", Format::PytorchZip, 56),
            ("scico-data/dncnn6N.mpk", Format::Flax, 22),
        ] {
            let path = shared_data(&format!("data/weights/{name}"));
            let bytes = std::fs::read(&path).unwrap();
            let (file, weights) = read(&path, &bytes).unwrap();
            assert_eq!((file.format, weights.len()), (format, tensors), "{name}");
            for length in (0..bytes.len()).step_by(bytes.len() / 16 + 1) {
                assert!(read(&path, &bytes[..length]).is_err(), "{name} cut to {length}");
            }
        }
    }
}
