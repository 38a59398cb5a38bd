//! A network that was read from a file of another program.

use std::path::{Path, PathBuf};

use burn::tensor::Device;

use super::source::SourceRecord;
use super::{Family, formats, networks, published};
use crate::error::checkpoint;
use crate::files::tensor_file;
use crate::weights::{Weights, differences, network_with_weights, weights_from_network};
use crate::{Architecture, Checkpoint, CheckpointConfig, Error, NoiseRange};

/// A network from the file of another program, in our terms: batch normalisation folded into the convolutions, channels
/// in our order, residual and padding as its architecture says, values in [0, 1] units.
#[derive(Clone, Debug)]
pub struct Peer {
    path: PathBuf,
    source: SourceRecord,
    architecture: Architecture,
    weights: Weights,
    noise: Option<NoiseRange>,
}

impl Peer {
    /// Reads a file and recognises its network: one of the `family` that is asked for, or of the first one whose names it
    /// has.
    ///
    /// Nothing that a file says is executed, and what is allocated is bounded by the file's size.
    ///
    /// # Errors
    /// [`Error::Checkpoint`] naming what was expected of the file; [`Error::Imaging`] if it cannot be read.
    pub fn read(path: &Path, family: Option<Family>) -> Result<Self, Error> {
        Self::from_bytes(path, &tensor_file::read(path)?, family)
    }

    /// [`Self::read`] for the content of a file; `path` gives the name for records and messages.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn from_bytes(path: &Path, bytes: &[u8], family: Option<Family>) -> Result<Self, Error> {
        let (file, weights) = formats::read(path, bytes)?;
        let (family, recognised) = networks::recognise(&file, weights, family).map_err(|wrong| wrong.in_file(path))?;
        let noise = match &file.exported {
            Some(exported) => {
                exported.noise.support().map_err(|error| {
                    checkpoint(
                        path,
                        "levels 0 <= noise.min <= noise.max, both finite",
                        &error.to_string(),
                    )
                })?;
                Some(exported.noise)
            }
            None => published::noise(&file.sha256),
        };
        let name = path
            .file_name()
            .map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        Ok(Self {
            path: path.to_path_buf(),
            source: SourceRecord {
                file: name,
                sha256: file.sha256,
                format: file.format,
                family,
            },
            architecture: recognised.architecture,
            weights: recognised.weights,
            noise,
        })
    }

    /// Which file it is.
    pub fn source(&self) -> &SourceRecord {
        &self.source
    }

    /// The network.
    pub fn architecture(&self) -> &Architecture {
        &self.architecture
    }

    /// The noise levels of its training, where they are known: of published files, by their sha256, and of exports of
    /// this program.
    pub fn noise(&self) -> Option<NoiseRange> {
        self.noise
    }

    /// Number of parameters, after folding.
    pub fn parameters(&self) -> usize {
        self.weights.values().map(|tensor| tensor.values.len()).sum()
    }

    /// The checkpoint of a network that was trained with `noise`.
    ///
    /// # Errors
    /// [`Error::Config`] for a range that makes no sense or a network larger than any that is supported.
    pub fn into_checkpoint(self, noise: NoiseRange, device: &Device) -> Result<Checkpoint, Error> {
        noise.support()?;
        let network = self.architecture.init(0, device)?;
        let different = differences(&weights_from_network(&network)?, &self.weights);
        if let Some(first) = different.first() {
            return Err(checkpoint(&self.path, "the parameters of its architecture", first));
        }
        let mut config = CheckpointConfig::new(self.architecture, noise, None);
        config.source = Some(self.source);
        Ok(Checkpoint {
            config,
            network: network_with_weights(network, &self.weights),
        })
    }
}
