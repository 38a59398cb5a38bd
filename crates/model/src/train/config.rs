//! The configuration of a training run, as it stands in a TOML file.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tweedie_imaging::{MAX_TEXT_BYTES, read_text};

use super::noise::is_zero;
use super::{DegradationConfig, NoiseConfig, PenaltyConfig, Supervision};
use crate::error::{checkpoint, one_line};
use crate::{Architecture, Error, NoiseRange, Precision};

/// A training run. Unknown keys are errors.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainConfig {
    /// Seed of the initial weights, crops and noise.
    #[serde(default)]
    pub seed: u64,
    /// Where the photographs are.
    pub data: DataConfig,
    /// Noise that the network learns to remove.
    pub noise: NoiseConfig,
    /// Steps, batches and loss.
    pub training: TrainingConfig,
    /// Clean pictures, or noisy ones alone.
    #[serde(default, skip_serializing_if = "Supervision::is_clean")]
    pub supervision: Supervision,
    /// Degradations of cameras and files in place of white noise alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub degradation: Option<DegradationConfig>,
    /// Terms that are added to the loss.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub penalty: Option<PenaltyConfig>,
    /// The optimizer and its learning rate.
    #[serde(default)]
    pub optimizer: OptimizerConfig,
    /// Measuring on photographs that are not trained on.
    #[serde(default)]
    pub validation: ValidationConfig,
    /// When the run's state is saved.
    #[serde(default)]
    pub save: SaveConfig,
    /// The network.
    pub architecture: Architecture,
}

/// `[data]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataConfig {
    /// Folders of images, searched recursively.
    pub folders: Vec<PathBuf>,
    /// Side length in pixels of the square crops; even.
    #[serde(default = "patch")]
    pub patch: usize,
    /// Each picture is trained on at these scales too, in (0, 1); DnCNN and FFDNet (Zhang et al. 2017, 2018) were trained on
    /// downscaled pictures as well.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scales: Vec<f64>,
}

/// `[training]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainingConfig {
    /// Optimizer steps.
    pub steps: u64,
    /// Minutes that the run shall take: after its first steps `steps` and the warm-up are chosen so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minutes: Option<f64>,
    /// Crops per step.
    #[serde(default = "batch")]
    pub batch: usize,
    /// The loss, a mean over pixels.
    #[serde(default)]
    pub loss: LossKind,
    /// In this last part of the steps the loss is `"l2"`, whatever it was before.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub l2_last: f64,
    /// Decay of the exponential moving average of the weights, which is what the checkpoint holds; 0 switches it off.
    #[serde(default = "ema_decay")]
    pub ema_decay: f64,
    /// A checkpoint's folder: the run starts with its parameters wherever name and shape are the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub initial: Option<PathBuf>,
}

/// A loss between the estimate and the clean image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LossKind {
    /// Mean absolute error.
    #[default]
    L1,
    /// Mean squared error: its minimiser is the posterior mean, for which Tweedie's formula holds.
    L2,
    /// Mean of sqrt(e^2 + 1e-6), a smooth L1 (Charbonnier et al. 1994).
    Charbonnier,
}

/// `[optimizer]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OptimizerConfig {
    /// Which optimizer.
    pub kind: OptimizerKind,
    /// Largest learning rate.
    pub learning_rate: f64,
    /// Learning rate at the last step, reached along a cosine.
    pub final_learning_rate: f64,
    /// Steps over which the learning rate rises linearly from 0.
    pub warmup_steps: u64,
    /// Decoupled weight decay of AdamW and Muon, L2 penalty of Adam.
    pub weight_decay: f64,
    /// Each parameter's gradient is scaled down to at most this norm; 0 switches it off.
    pub clip_norm: f64,
}

/// An optimizer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OptimizerKind {
    /// Kingma and Ba 2015.
    Adam,
    /// Loshchilov and Hutter 2019.
    AdamW,
    /// Jordan et al. 2024, a kernel as the matrix `[Cout, 9 Cin]`, any other parameter as one row.
    Muon,
}

/// `[validation]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ValidationConfig {
    /// Folders of images; without any, every 20th image of the training data is kept apart.
    pub folders: Vec<PathBuf>,
    /// Noise levels in grey levels.
    pub sigma: Vec<f64>,
    /// Steps between measurements.
    pub every: u64,
    /// At most so many images, the first by name.
    pub images: usize,
}

/// `[save]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SaveConfig {
    /// Steps between saves; 0 for none by steps.
    pub steps: u64,
    /// Minutes between saves; 0 for none by time.
    pub minutes: f64,
    /// How the checkpoint's weights are stored (the run's state is always in f32).
    pub precision: Precision,
}

impl Default for OptimizerConfig {
    fn default() -> Self {
        Self {
            kind: OptimizerKind::Adam,
            learning_rate: 1e-3,
            final_learning_rate: 1e-5,
            warmup_steps: 500,
            weight_decay: 0.0,
            clip_norm: 1.0,
        }
    }
}

impl Default for ValidationConfig {
    fn default() -> Self {
        Self {
            folders: Vec::new(),
            sigma: vec![15.0, 25.0, 50.0],
            every: 2000,
            images: 20,
        }
    }
}

impl Default for SaveConfig {
    fn default() -> Self {
        Self {
            steps: 0,
            minutes: 5.0,
            precision: Precision::F32,
        }
    }
}

fn patch() -> usize {
    64
}

fn batch() -> usize {
    16
}

fn ema_decay() -> f64 {
    0.999
}

impl TrainConfig {
    /// Reads a configuration; paths in it are relative to the working folder.
    ///
    /// # Errors
    /// [`Error::Checkpoint`] naming the file and the line for anything that is not understood; [`Error::Config`] for a
    /// value out of range.
    pub fn load(path: &Path) -> Result<Self, Error> {
        let text = read_text(path, MAX_TEXT_BYTES)?;
        let config: Self = toml::from_str(&text).map_err(|error| {
            let line = error.span().map_or(1, |span| text[..span.start].lines().count().max(1));
            checkpoint(
                path,
                "a training configuration",
                &format!("line {line}: {}", one_line(error.message())),
            )
        })?;
        config.check()?;
        Ok(config)
    }

    /// Checks every value that a type cannot.
    ///
    /// # Errors
    /// [`Error::Config`] naming the key.
    pub fn check(&self) -> Result<(), Error> {
        let require = |key, holds: bool, expected: &str, got: String| {
            if holds {
                Ok(())
            } else {
                Err(Error::Config {
                    key,
                    expected: expected.to_owned(),
                    got,
                })
            }
        };
        let (data, training, optimizer) = (&self.data, &self.training, &self.optimizer);
        self.noise_range().support()?;
        self.noise.check()?;
        require(
            "save.precision",
            !(self.architecture.needs_f32() && self.save.precision == Precision::F16),
            "f32, since rounding would void what is proven of the weights of this kind of network",
            "f16".to_owned(),
        )?;
        require(
            "architecture.kind",
            self.architecture.is_trainable(),
            "a network that is trained here",
            format!("one that is only imported ({})", self.architecture.description()),
        )?;
        require(
            "data.folders",
            !data.folders.is_empty(),
            "at least one folder",
            "none".to_owned(),
        )?;
        let patch_fits = data.patch >= 8 && data.patch.is_multiple_of(2) && data.patch <= 1024;
        require(
            "data.patch",
            patch_fits,
            "an even number from 8 to 1024",
            data.patch.to_string(),
        )?;
        for scale in &data.scales {
            let fits = *scale > 0.0 && *scale < 1.0;
            require("data.scales", fits, "0 < scale < 1", scale.to_string())?;
        }
        require(
            "data.scales",
            data.scales.is_empty() || self.supervision.is_clean(),
            "no scales where clean pictures are not seen, since downscaling averages the noise",
            format!("{:?}", data.scales),
        )?;
        require(
            "training.steps",
            training.steps > 0,
            "at least 1",
            training.steps.to_string(),
        )?;
        let minutes = training.minutes.unwrap_or(1.0);
        require(
            "training.minutes",
            minutes.is_finite() && minutes > 0.0,
            "a finite number > 0",
            minutes.to_string(),
        )?;
        require(
            "training.l2_last",
            (0.0..=1.0).contains(&training.l2_last),
            "a part from 0 to 1",
            training.l2_last.to_string(),
        )?;
        let batch_fits = (1..=4096).contains(&training.batch);
        require("training.batch", batch_fits, "1 to 4096", training.batch.to_string())?;
        let ema_fits = (0.0..1.0).contains(&training.ema_decay);
        require(
            "training.ema_decay",
            ema_fits,
            "0 <= decay < 1",
            training.ema_decay.to_string(),
        )?;
        for (key, value) in [
            ("optimizer.learning_rate", optimizer.learning_rate),
            ("optimizer.final_learning_rate", optimizer.final_learning_rate),
            ("optimizer.weight_decay", optimizer.weight_decay),
            ("optimizer.clip_norm", optimizer.clip_norm),
            ("save.minutes", self.save.minutes),
        ] {
            require(
                key,
                value.is_finite() && value >= 0.0,
                "a finite number >= 0",
                value.to_string(),
            )?;
        }
        require(
            "validation.every",
            self.validation.every > 0,
            "at least 1",
            self.validation.every.to_string(),
        )?;
        if self.supervision.takes_noisy_pictures() {
            let NoiseConfig { min, max, .. } = self.noise;
            require(
                "noise",
                min == max && self.noise.zero == 0.0,
                "one level, that of the noisy pictures",
                format!("{min} to {max}"),
            )?;
        }
        if matches!(self.supervision, Supervision::Sure { .. }) {
            require(
                "training.loss",
                training.loss == LossKind::L2,
                "\"l2\", the loss that SURE estimates",
                format!("{:?}", training.loss).to_lowercase(),
            )?;
        }
        if let Some(degradation) = &self.degradation {
            degradation.check()?;
            require(
                "degradation",
                self.architecture.is_blind() && self.architecture.channels() == 3,
                "a colour network that is blind (architecture.told), since nobody knows the level of such noise",
                "another".to_owned(),
            )?;
            require(
                "degradation",
                self.supervision.is_clean(),
                "clean pictures as targets",
                "noisy ones".to_owned(),
            )?;
        }
        if let Some(penalty) = self.penalty {
            penalty.check()?;
        }
        for &sigma in &self.validation.sigma {
            let range = self.noise_range();
            let inside = (range.min..=range.max).contains(&sigma) || self.architecture.is_blind();
            require("validation.sigma", inside, "levels inside [noise]", sigma.to_string())?;
        }
        Ok(())
    }

    /// The range of noise levels of the run.
    pub fn noise_range(&self) -> NoiseRange {
        let clean_too = self.noise.zero > 0.0;
        NoiseRange {
            min: if clean_too { 0.0 } else { self.noise.min },
            max: self.noise.max,
        }
    }
}
