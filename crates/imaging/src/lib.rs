//! What every Tweedie crate shares: the [`Image`] type, noise levels, the denoiser traits, seeded host noise, metrics
//! and files of images and arrays.
#![forbid(unsafe_code)]

mod atomic;
mod color;
mod denoiser;
mod error;
mod files;
mod folder;
mod hash;
mod image;
mod metrics;
pub mod noise;
mod sigma;

pub use atomic::write_atomic;
pub use color::{ColorMode, luma_from_rgb};
pub use denoiser::{Denoiser, DenoiserInfo, DifferentiableDenoiser, GradientDenoiser};
pub use error::Error;
pub use files::{
    Array, Depth, LoadedImage, MAX_VALUES, depth_for, read_array, read_image, read_npz, write_array, write_image,
    write_npz,
};
pub use folder::image_files;
pub use hash::{sha256_bytes, sha256_file};
pub use image::{Image, image_from_vec, require_dims, vec_from_image};
pub use metrics::{psnr, snr, ssim};
pub use sigma::{Sigma, SigmaSupport};
