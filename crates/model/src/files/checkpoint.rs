//! A checkpoint: a folder with `model.safetensors`, `config.toml`, `card.md` and `train.csv`.

use std::path::Path;

use burn::tensor::Device;
use serde::{Deserialize, Serialize};
use tweedie_imaging::{MAX_TEXT_BYTES, read_text, sha256_bytes};

use super::import::source::SourceRecord;
use super::noise_range::NoiseRange;
use super::tensor_file::{self, Precision};
use crate::error::{checkpoint, one_line};
use crate::train::TrainingRecord;
use crate::weights::{differences, network_with_weights, weights_from_network};
use crate::{Architecture, Error, Network, NetworkDenoiser};

/// Name of the weights' file in a checkpoint's folder.
pub const WEIGHTS_FILE: &str = "model.safetensors";
/// Name of the configuration in a checkpoint's folder.
pub const CONFIG_FILE: &str = "config.toml";

/// The version of `config.toml` that this program writes and reads.
const FORMAT: u32 = 1;

/// What `config.toml` of a checkpoint says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckpointConfig {
    /// Version of this format.
    pub format: u32,
    /// The weights' file.
    pub weights: WeightsRecord,
    /// Noise levels for which the network was trained.
    pub noise: NoiseRange,
    /// The network.
    pub architecture: Architecture,
    /// How it was trained, where this program did that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub training: Option<TrainingRecord>,
    /// The file of another program that it comes from, where it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<SourceRecord>,
}

/// Which weights belong to a configuration.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WeightsRecord {
    /// sha256 of `model.safetensors`.
    pub sha256: String,
    /// How they are stored.
    #[serde(default)]
    pub precision: Precision,
    /// sha256 of the weights before the last save. Two files cannot be replaced in one step: the configuration is
    /// written first, and a run that is killed before the new weights are in place still has the old ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous_sha256: Option<String>,
}

/// A checkpoint in memory.
#[derive(Debug)]
pub struct Checkpoint {
    /// What `config.toml` says.
    pub config: CheckpointConfig,
    /// The network with its weights.
    pub network: Network,
}

impl Checkpoint {
    /// Reads a checkpoint's folder and checks the format, the names, shapes and types of the weights and their sha256.
    ///
    /// # Errors
    /// [`Error::Checkpoint`] saying what differs in which file; [`Error::Imaging`] for a file that cannot be read.
    pub fn load(folder: &Path, device: &Device) -> Result<Self, Error> {
        let path = folder.join(WEIGHTS_FILE);
        let config = load_config(folder)?;
        let bytes = tensor_file::read(&path)?;
        let sha256 = sha256_bytes(&bytes);
        if sha256 != config.weights.sha256 && Some(&sha256) != config.weights.previous_sha256.as_ref() {
            return Err(checkpoint(&path, &format!("sha256 {}", config.weights.sha256), &sha256));
        }
        let (weights, _) = tensor_file::decode(&path, &bytes)?;
        let network = config.architecture.init(0, device)?;
        let different = differences(&weights_from_network(&network)?, &weights);
        if !different.is_empty() {
            let count = different.len();
            let shown = different.into_iter().take(4).collect::<Vec<_>>().join(", ");
            return Err(checkpoint(
                &path,
                "the parameters of its architecture",
                &format!("{count} differences: {shown}"),
            ));
        }
        let mut config = config;
        config.weights.sha256 = sha256;
        config.weights.previous_sha256 = None;
        Ok(Self {
            network: network_with_weights(network, &weights),
            config,
        })
    }

    /// Writes the weights, in the configuration's precision, and the configuration; the folder is made if it is not there.
    ///
    /// # Errors
    /// [`Error::Imaging`] naming the file that cannot be written.
    pub fn save(&mut self, folder: &Path) -> Result<(), Error> {
        let path = folder.join(WEIGHTS_FILE);
        std::fs::create_dir_all(folder).map_err(|source| tweedie_imaging::Error::Io {
            operation: "making",
            path: folder.to_path_buf(),
            source,
        })?;
        let precision = self.config.weights.precision;
        let bytes = tensor_file::encode(&path, &weights_from_network(&self.network)?, precision, &[], None)?;
        let previous = path.exists().then(|| tweedie_imaging::sha256_file(&path)).transpose()?;
        self.config.weights.sha256 = sha256_bytes(&bytes);
        self.config.weights.previous_sha256 = previous;
        save_config(folder, &self.config)?;
        tensor_file::write(&path, &bytes)?;
        self.config.weights.previous_sha256 = None;
        save_config(folder, &self.config)
    }

    /// The network as a denoiser called `name`.
    ///
    /// # Errors
    /// [`Error::Config`] if the range of noise levels makes no sense.
    pub fn denoiser(self, name: &str, device: &Device) -> Result<NetworkDenoiser, Error> {
        let CheckpointConfig {
            architecture,
            noise,
            weights,
            ..
        } = self.config;
        Ok(NetworkDenoiser::new(
            name,
            self.network,
            &architecture,
            noise.support()?,
            Some(weights.sha256),
            device,
        ))
    }
}

impl CheckpointConfig {
    /// A configuration for weights that were not saved yet.
    pub fn new(architecture: Architecture, noise: NoiseRange, training: Option<TrainingRecord>) -> Self {
        Self {
            format: FORMAT,
            weights: WeightsRecord::default(),
            noise,
            architecture,
            training,
            source: None,
        }
    }
}

/// Reads and checks `config.toml` alone.
///
/// # Errors
/// As [`Checkpoint::load`].
pub fn load_config(folder: &Path) -> Result<CheckpointConfig, Error> {
    let path = folder.join(CONFIG_FILE);
    let text = read_text(&path, MAX_TEXT_BYTES)?;
    let config: CheckpointConfig = toml::from_str(&text)
        .map_err(|error| checkpoint(&path, "a checkpoint's configuration", one_line(error.message())))?;
    if let Err(error) = config.noise.support() {
        return Err(checkpoint(
            &path,
            "levels 0 <= noise.min <= noise.max, both finite",
            &error.to_string(),
        ));
    }
    if config.format != FORMAT {
        return Err(checkpoint(
            &path,
            &format!("format {FORMAT}"),
            &config.format.to_string(),
        ));
    }
    Ok(config)
}

fn save_config(folder: &Path, config: &CheckpointConfig) -> Result<(), Error> {
    let path = folder.join(CONFIG_FILE);
    let text = toml::to_string(config).map_err(|error| checkpoint(&path, "a configuration", &error.to_string()))?;
    tensor_file::write(&path, text.as_bytes())
}
