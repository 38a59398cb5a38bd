//! Tweedie restores images with learned denoisers as priors, trains such denoisers, and certifies them.
//!
//! A picture is deblurred by the checkpoint `gray`, which comes with the program:
//!
//! ```
//! # std::env::set_current_dir("../..").unwrap();
//! # let folder = tempfile::tempdir().unwrap();
//! # let sharp = tweedie::read_image("datasets/samples/camera.png")?.slice([0..1, 0..1, 100..148, 90..138]);
//! # tweedie::write_image(folder.path().join("blurred.png"), &sharp)?;
//! # let checkpoints = std::path::absolute("checkpoints").unwrap();
//! # std::os::unix::fs::symlink(checkpoints, folder.path().join("checkpoints")).unwrap();
//! # std::env::set_current_dir(folder.path()).unwrap();
//! use tweedie::{Checkpoint, Kernel, Restorer, Sigma, Task, read_image, write_image};
//!
//! let blurred = read_image("blurred.png")?;
//! let task = Task::deblur(Kernel::gaussian(1.6, 9)?).noise(Sigma::from_grey_levels(2.55)?);
//! let gray = Checkpoint::find("gray")?;
//! let restored = Restorer::new(&gray).restore(&task, &blurred)?;
//! write_image("restored.png", &restored.image)?;
//! # Ok::<(), tweedie::Error>(())
//! ```
//!
//! [`Checkpoint`] denoises, [`Restorer`] restores, [`Training`] trains, [`Certificate`] measures. Each job reports to an
//! [`Events`], which can also stop it. The crates below are there whole, as [`imaging`], [`operators`], [`solvers`],
//! [`model`] and [`burn`].
#![forbid(unsafe_code)]

mod abilities;
pub mod auto;
pub mod bench;
pub mod certificate;
mod channels;
pub mod checkpoint;
pub mod checkpoints;
pub mod choice;
pub mod coils;
pub mod compare;
pub mod degradation;
pub mod demo;
pub mod denoising;
pub mod device;
pub mod document;
mod error;
pub mod evaluate;
pub mod events;
pub mod fidelity;
pub mod finished;
pub mod gallery;
pub mod guard;
mod images;
pub mod import;
pub mod import_card;
pub mod inputs;
pub mod jobs;
mod known;
pub mod locate;
pub mod mask;
pub mod measured_noise;
pub mod measurement;
pub mod measurement_folder;
pub mod noise_level;
pub mod noise_option;
pub mod noise_report;
pub mod output;
pub mod picture;
mod place;
pub mod provenance;
pub mod published;
mod restore;
mod restorer;
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

pub use burn::tensor::Device;
pub use certificate::Certificate;
pub use checkpoint::Checkpoint;
pub use degradation::{Border, Pixels};
pub use device::DeviceChoice;
pub use error::{Error, Result};
pub use events::Events;
pub use images::{read_image, write_image};
pub use measurement::Measurement;
pub use restore::restore;
pub use restorer::Restorer;
pub use strength::Strength;
pub use task::Task;
pub use train::Training;
pub use tweedie_imaging::{Image, Sigma};
pub use tweedie_operators::{BayerPattern, Boundary, Kernel};
pub use tweedie_solver::methods::{
    DiffPir, GsPnp, PnpAdmm, PnpDrs, PnpFista, PnpHqs, PnpPgd, ProxPnp, RedAdmm, RedApg, RedDpg, RedFp, RedGd, RedPg,
    RedPro, RedProRelaxed,
};
pub use tweedie_solver::study::Rule;
/// The parts, for what the library's own interface does not cover.
pub use {
    burn, tweedie_datasets as datasets, tweedie_denoisers as denoisers, tweedie_imaging as imaging,
    tweedie_kernels as kernels, tweedie_model as model, tweedie_operators as operators, tweedie_report as report,
    tweedie_solver as solvers,
};

/// Compiles the README's program.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
