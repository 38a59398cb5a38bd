//! What a checkpoint says of its training.

use serde::{Deserialize, Serialize};

use super::TrainConfig;

/// How a checkpoint was trained, as its `config.toml` records it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainingRecord {
    /// Version of the program.
    pub tweedie: String,
    /// Steps that were done.
    pub steps: u64,
    /// Seconds of training.
    pub seconds: f64,
    /// Number of training images, counted at each of `data.scales`.
    pub images: usize,
    /// sha256 of the list of the training images' own sha256, in the order of their names.
    pub data_sha256: String,
    /// sha256 of the weights that the run started from, where it did not start from random ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initial_sha256: Option<String>,
    /// The configuration of the run.
    pub config: TrainConfig,
}
