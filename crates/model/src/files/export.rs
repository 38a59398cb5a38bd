//! Checkpoints as files that PyTorch takes: safetensors with the names of its modules.

use std::collections::HashMap;
use std::path::Path;

use super::exported::{Exported, METADATA};
use super::tensor_file::{self, Precision};
use crate::error::checkpoint;
use crate::weights::{Weights, weights_from_network};
use crate::{Checkpoint, Error};

impl Checkpoint {
    /// Writes the weights as safetensors: the convolutions of DnCNN and FFDNet as `model.0.weight`, `model.2.weight`, ...,
    /// as they are numbered in a `Sequential` with ReLU between them, and those of a U-Net under their own names. The
    /// architecture and the noise levels are in the metadata.
    ///
    /// # Errors
    /// [`Error::Imaging`] naming the file that cannot be written.
    pub fn export(&self, path: &Path) -> Result<(), Error> {
        let weights: Weights = weights_from_network(&self.network)?
            .into_iter()
            .map(|(name, values)| (pytorch_name(&name), values))
            .collect();
        let exported = Exported {
            architecture: self.config.architecture.clone(),
            noise: self.config.noise,
        };
        let json = serde_json::to_string(&exported)
            .map_err(|error| checkpoint(path, "an architecture", &error.to_string()))?;
        let metadata = HashMap::from([("format".to_owned(), "pt".to_owned()), (METADATA.to_owned(), json)]);
        let bytes = tensor_file::encode(path, &weights, Precision::F32, &[], Some(metadata))?;
        tensor_file::write(path, &bytes)
    }
}

/// `layers.N.PART` as `model.2N.PART`.
fn pytorch_name(name: &str) -> String {
    let renamed = || {
        let (number, part) = name.strip_prefix("layers.")?.split_once('.')?;
        Some(format!("model.{}.{part}", 2 * number.parse::<usize>().ok()?))
    };
    renamed().unwrap_or_else(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_count_the_activations() {
        for (own, pytorch) in [
            ("layers.0.weight", "model.0.weight"),
            ("layers.16.bias", "model.32.bias"),
            ("encoder.0.blocks.1.first.weight", "encoder.0.blocks.1.first.weight"),
        ] {
            assert_eq!(pytorch_name(own), pytorch);
        }
    }
}
