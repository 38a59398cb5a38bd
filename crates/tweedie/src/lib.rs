//! Tweedie: learned denoisers as priors in image restoration.
#![forbid(unsafe_code)]

pub mod auto;
pub mod bench;
pub mod certificate;
mod channels;
pub mod checkpoint;
pub mod checkpoints;
pub mod degradation;
pub mod device;
mod error;
pub mod evaluate;
pub mod events;
pub mod gallery;
pub mod import;
pub mod import_card;
pub mod inputs;
mod known;
pub mod locate;
pub mod measurement;
pub mod measurement_folder;
pub mod noise_level;
pub mod output;
pub mod provenance;
pub mod published;
mod restore;
pub mod scores;
pub mod settings;
pub mod solver;
pub mod solver_options;
pub mod strength;
pub mod study;
mod sweep;
pub mod task;
pub mod task_options;
pub mod train;
pub mod training_card;
pub mod training_data;
pub mod wrapping;

pub use error::{Error, Result};
pub use events::Events;
pub use restore::restore;
/// The parts, for what the library's own interface does not cover.
pub use {
    burn, tweedie_datasets as datasets, tweedie_denoisers as denoisers, tweedie_imaging as imaging,
    tweedie_kernels as kernels, tweedie_model as model, tweedie_operators as operators, tweedie_report as report,
    tweedie_solver as solvers,
};
