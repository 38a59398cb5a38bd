//! Checkpoints as ONNX models, for runtimes without this crate.

pub(crate) mod frame;
pub(crate) mod graph;

use std::path::Path;

use self::graph::Graph;
use super::tensor_file;
use crate::error::checkpoint;
use crate::weights::{Weights, weights_from_network};
use crate::{Architecture, Checkpoint, Error};

impl Checkpoint {
    /// Writes D as an ONNX model (operator set 13) of one `dncnn`, `ffdnet` or `unet`: from `noisy` `[N, C, H, W]`, nominal
    /// range [0, 1], and `sigma` `[N]` in the same units (a blind network has no such input) to `denoised` `[N, C, H, W]`,
    /// all in f32. H and W are free: the model extends and crops images as the network here does.
    ///
    /// # Errors
    /// [`Error::Checkpoint`] for another kind of network or for circular padding; [`Error::Imaging`] naming the file that
    /// cannot be written.
    pub fn export_onnx(&self, path: &Path) -> Result<(), Error> {
        let weights = weights_from_network(&self.network)?;
        let bytes = model(&self.config.architecture, weights).map_err(|got| {
            checkpoint(
                path,
                "a dncnn with zero padding, an ffdnet or a unet to write as ONNX",
                got,
            )
        })?;
        tensor_file::write(path, &bytes)
    }
}

/// The model's bytes, or what it is that has no model.
fn model(architecture: &Architecture, weights: Weights) -> Result<Vec<u8>, &'static str> {
    let mut graph = Graph::new(weights);
    architecture.onnx(&mut graph)?;
    Ok(graph.encode(architecture.channels()))
}

#[cfg(test)]
mod tests;
