//! Denoising networks D(x, sigma), their training and their checkpoints.
#![forbid(unsafe_code)]

mod architecture;
mod conv;
mod denoiser;
mod dncnn;
mod error;
mod ffdnet;
mod init;
mod network;
mod tiling;

pub use architecture::Architecture;
pub use conv::{Activation, Activations, Conv3x3};
pub use denoiser::NetworkDenoiser;
pub use dncnn::{Dncnn, DncnnConfig};
pub use error::Error;
pub use ffdnet::{Ffdnet, FfdnetConfig};
pub use network::Network;
