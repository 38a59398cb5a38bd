//! What every Tweedie crate shares: the [`Image`] type, noise levels, the denoiser traits, seeded host noise, metrics
//! and image files.
#![forbid(unsafe_code)]

mod atomic;
mod denoiser;
mod error;
mod hash;
mod image;
mod metrics;
pub mod noise;
mod sigma;

pub use atomic::write_atomic;
pub use denoiser::{Denoiser, DenoiserInfo, DifferentiableDenoiser, GradientDenoiser};
pub use error::Error;
pub use hash::{sha256_bytes, sha256_file};
pub use image::{Image, image_from_vec, require_dims, vec_from_image};
pub use metrics::psnr;
pub use sigma::{Sigma, SigmaSupport};
