//! Training of a denoiser on photographs.

mod average;
mod config;
mod data;
mod degradation;
mod log;
mod loss;
mod muon;
mod noise;
mod objective;
mod penalty;
mod record;
mod schedule;
mod state;
mod supervision;
mod trainer;
mod validation;

pub use config::{
    DataConfig, LossKind, OptimizerConfig, OptimizerKind, SaveConfig, TrainConfig, TrainingConfig, ValidationConfig,
};
pub use data::TrainingSet;
pub use degradation::DegradationConfig;
pub use log::{TrainRow, ValidationPsnr, csv_from_rows};
pub use noise::{Distribution, NoiseConfig};
pub use penalty::{NormPenalty, PenaltyConfig};
pub use record::TrainingRecord;
pub use supervision::Supervision;
pub use trainer::{Progress, Trainer};
