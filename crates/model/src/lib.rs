//! Denoising networks D(x, sigma), their training and their checkpoints.
#![forbid(unsafe_code)]
#![cfg_attr(
    feature = "ndarray",
    expect(
        deprecated,
        reason = "burn announces the end of burn-ndarray; until then it is one of our devices"
    )
)]

mod architecture;
mod checkpoint;
mod conv;
mod crr;
mod denoiser;
mod dncnn;
mod error;
mod export;
mod ffdnet;
mod gradient_step;
mod import;
mod init;
mod lipschitz;
mod network;
mod onnx;
mod periodic;
mod phases;
mod potential;
mod ridge;
mod spectral;
mod stretch;
mod tensor_file;
mod tiling;
pub mod train;
mod unet;
mod weights;

pub use architecture::Architecture;
pub use checkpoint::{CONFIG_FILE, Checkpoint, CheckpointConfig, NoiseRange, WEIGHTS_FILE, WeightsRecord, load_config};
pub use conv::{Activation, Activations, Conv3x3};
pub use crr::{Crr, CrrConfig};
pub use denoiser::NetworkDenoiser;
pub use dncnn::{Conditioning, Dncnn, DncnnConfig, Padding};
pub use error::Error;
pub use ffdnet::{Ffdnet, FfdnetConfig};
pub use gradient_step::{GradientStep, GradientStepConfig};
pub use import::{Family, Format, Peer, SourceRecord};
pub use lipschitz::{Lipschitz, LipschitzConfig};
pub use network::{Network, Proven};
pub use potential::PotentialDenoiser;
pub use ridge::{Ridge, RidgeConfig};
pub use tensor_file::Precision;
pub use unet::{Unet, UnetConfig};
