//! The state of a run, in one file so that one rename replaces all of it.

use std::path::Path;

use burn::optim::{ModuleOptimizer, OptimizerRecord};
use burn::tensor::Bytes;
use serde::{Deserialize, Serialize};

use super::muon::ConvolutionMuon;
use super::{TrainConfig, TrainRow};
use crate::Error;
use crate::error::checkpoint;
use crate::files::tensor_file::{self, Precision};
use crate::networks::PowerIteration;
use crate::weights::{Values, Weights, differences};

/// Name of the state's file in a run's folder.
pub(super) const STATE_FILE: &str = "state.safetensors";

/// Everything that a run needs to go on; random numbers follow from the seed and the step.
pub(super) struct State {
    pub progress: SavedProgress,
    pub weights: Weights,
    pub average: Weights,
    pub optimizer: OptimizerRecord,
    /// Power iterations for the norms of layers; none for networks without bounds.
    pub spectral: Vec<PowerIteration>,
}

/// The part of the state that is not tensors.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct SavedProgress {
    pub config: TrainConfig,
    /// sha256 of the weights that the run started from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initial_sha256: Option<String>,
    /// Whether the number of steps was chosen already, for a run that shall take so many minutes.
    #[serde(default)]
    pub fitted: bool,
    pub step: u64,
    pub seconds: f64,
    pub loss_sum: f64,
    pub loss_count: u64,
    pub rows: Vec<TrainRow>,
}

impl State {
    /// Writes the state.
    pub(super) fn save(self, folder: &Path) -> Result<(), Error> {
        let path = folder.join(STATE_FILE);
        let weights = self
            .weights
            .into_iter()
            .map(|(name, values)| (format!("weights.{name}"), values));
        let average = self
            .average
            .into_iter()
            .map(|(name, values)| (format!("average.{name}"), values));
        let spectral = self.spectral.iter().enumerate().map(|(index, iteration)| {
            let values = iteration.vector().to_vec();
            let dims = vec![values.len()];
            (format!("spectral.{index:03}"), Values { dims, values })
        });
        let optimizer = self
            .optimizer
            .into_bytes()
            .map_err(|error| checkpoint(&path, "an optimizer state that can be stored", &error.to_string()))?;
        let progress = toml::to_string(&self.progress)
            .map_err(|error| checkpoint(&path, "progress that can be stored", &error.to_string()))?;
        let blobs: [(&str, &[u8]); 2] = [("optimizer", &optimizer), ("progress", progress.as_bytes())];
        tensor_file::write(
            &path,
            &tensor_file::encode(
                &path,
                &weights.chain(average).chain(spectral).collect(),
                Precision::F32,
                &blobs,
                None,
            )?,
        )
    }

    /// Reads a state whose network has the parameters of `network`.
    pub(super) fn load(folder: &Path, network: &Weights) -> Result<Self, Error> {
        let path = folder.join(STATE_FILE);
        let (tensors, mut blobs) = tensor_file::decode(&path, &tensor_file::read(&path)?)?;
        let part = |prefix: &str| -> Result<Weights, Error> {
            let part: Weights = tensors
                .iter()
                .filter_map(|(name, values)| Some((name.strip_prefix(prefix)?.to_owned(), values.clone())))
                .collect();
            match differences(network, &part).first() {
                None => Ok(part),
                Some(first) => Err(checkpoint(
                    &path,
                    "the parameters of the configured architecture",
                    first,
                )),
            }
        };
        let mut blob = |name: &str| {
            blobs
                .remove(name)
                .ok_or_else(|| checkpoint(&path, &format!("an entry '{name}'"), "none"))
        };
        let optimizer = OptimizerRecord::from_bytes(Bytes::from_bytes_vec(blob("optimizer")?))
            .map_err(|error| checkpoint(&path, "an optimizer's state", &error.to_string()))?;
        let progress = String::from_utf8(blob("progress")?)
            .ok()
            .and_then(|text| toml::from_str(&text).ok())
            .ok_or_else(|| checkpoint(&path, "the run's progress", "something else"))?;
        Ok(Self {
            progress,
            weights: part("weights.")?,
            average: part("average.")?,
            optimizer,
            spectral: tensors
                .iter()
                .filter(|(name, _)| name.starts_with("spectral."))
                .map(|(_, saved)| PowerIteration::from_vector(saved.values.clone()))
                .collect(),
        })
    }
}

/// The optimizer that a configuration describes.
pub(super) fn optimizer(config: &TrainConfig) -> ModuleOptimizer {
    use burn::grad_clipping::GradientClippingConfig;
    use burn::optim::decay::WeightDecayConfig;
    use burn::optim::{AdamConfig, AdamWConfig};

    use super::OptimizerKind;

    let options = &config.optimizer;
    let clipping = (options.clip_norm > 0.0).then_some(GradientClippingConfig::Norm(options.clip_norm as f32));
    // PyTorch's epsilon: burn's larger default slows the last steps, whose gradients are small.
    const EPSILON: f32 = 1e-8;
    match options.kind {
        OptimizerKind::Adam => {
            let decay = (options.weight_decay > 0.0).then(|| WeightDecayConfig::new(options.weight_decay as f32));
            AdamConfig::new()
                .with_epsilon(EPSILON)
                .with_weight_decay(decay)
                .with_grad_clipping(clipping)
                .init()
        }
        OptimizerKind::AdamW => AdamWConfig::new()
            .with_epsilon(EPSILON)
            .with_weight_decay(options.weight_decay as f32)
            .with_grad_clipping(clipping)
            .init(),
        OptimizerKind::Muon => {
            let muon = ModuleOptimizer::from(ConvolutionMuon::new(options.weight_decay));
            match clipping {
                Some(clipping) => muon.with_grad_clipping(clipping.init()),
                None => muon,
            }
        }
    }
}
