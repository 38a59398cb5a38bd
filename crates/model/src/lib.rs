//! Denoising networks D(x, sigma), their training and their checkpoints.
#![forbid(unsafe_code)]
#![cfg_attr(
    feature = "ndarray",
    expect(
        deprecated,
        reason = "burn announces the end of burn-ndarray; until then it is one of our devices"
    )
)]

mod conv;
mod error;
mod files;
mod networks;
mod run;
pub mod train;
mod weights;

pub use conv::{Activation, Activations, Conv2x2, Conv3x3, Smooth};
pub use error::Error;
pub use files::checkpoint::{CONFIG_FILE, Checkpoint, CheckpointConfig, WEIGHTS_FILE, WeightsRecord, load_config};
pub use files::import::{Family, Format, Peer, SourceRecord};
pub use files::noise_range::NoiseRange;
pub use files::tensor_file::Precision;
pub use networks::{
    Architecture, BlockActivation, Conditioning, Crr, CrrConfig, Dncnn, DncnnConfig, Ffdnet, FfdnetConfig,
    GradientStep, GradientStepConfig, GradientUnet, GradientUnetConfig, Lipschitz, LipschitzConfig, Network, Padding,
    Proven, Resampling, Ridge, RidgeConfig, Sizes, Unet, UnetConfig, Wcrr, WcrrConfig,
};
pub use run::denoiser::NetworkDenoiser;
pub use run::potential::PotentialDenoiser;
