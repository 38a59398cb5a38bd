//! Training of a denoiser on photographs.

mod config;
mod data;
mod log;
mod loss;
mod muon;
mod objective;
mod penalty;
mod state;
mod supervision;
mod trainer;

pub use config::{
    DataConfig, LossKind, NoiseConfig, OptimizerConfig, OptimizerKind, SaveConfig, TrainConfig, TrainingConfig,
    ValidationConfig,
};
pub use data::TrainingSet;
pub use log::{TrainRow, ValidationPsnr, csv_from_rows};
pub use penalty::{NormPenalty, PenaltyConfig};
pub use supervision::Supervision;
pub use trainer::{Progress, Trainer, TrainingRecord};
