//! What every Tweedie crate shares: the [`Image`] type, noise levels, the denoiser traits, seeded
//! host noise, metrics and files of images and arrays.
//!
//! ```
//! use burn::tensor::Device;
//! use tweedie_imaging::{ColorMode, Depth, Image, Sigma, noise, psnr, read_image, write_image};
//!
//! # fn main() -> Result<(), tweedie_imaging::Error> {
//! # let folder = tempfile::tempdir().unwrap();
//! # let path = folder.path().join("noisy.npy");
//! let device = Device::default();
//! let sigma = Sigma::from_grey_levels(25.0)?;
//! let clean = Image::full([1, 1, 64, 64], 0.5, &device);
//! let noisy = clean.clone() + noise::gaussian(clean.dims(), sigma, 0, 0, &device)?;
//! write_image(&path, &noisy, Depth::Float)?;
//!
//! let loaded = read_image(&path, ColorMode::Gray)?;
//! assert_eq!(loaded.dims, [1, 1, 64, 64]);
//! let psnr_db = psnr(&loaded.image(&device)?, &clean)?[0];
//! // -20 log10(25/255) = 20.17 for the whole population; these are 4096 samples.
//! assert!((psnr_db - 20.17).abs() < 0.3);
//! # Ok(())
//! # }
//! ```
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
mod noise_estimate;
pub mod random;
mod regular;
mod replace;
mod resize;
mod sigma;
mod variance_law;

pub use atomic::{require_writable, write_atomic};
pub use color::{ColorMode, luma_from_rgb};
pub use denoiser::{Denoiser, DenoiserInfo, DifferentiableDenoiser, GradientDenoiser, HostDenoiser, MapDenoiser};
pub use error::Error;
pub use files::{
    Array, Depth, Encoding, JpegCompression, LoadedImage, MAX_VALUES, Metadata, decode_arrays, decode_image, depth_for,
    read_array, read_image, read_image_and_alpha, read_npz, write_array, write_image, write_image_as, write_npz,
};
pub use folder::{Listing, image_files, list_images};
pub use hash::{sha256_bytes, sha256_file};
pub use image::{Image, image_from_vec, require_dims, vec_from_image};
pub use metrics::{psnr, snr, ssim};
pub use noise_estimate::{
    Compressed, LawFit, NoiseEstimate, NoiseKind, estimate_correlated_noise, estimate_law, estimate_noise,
    estimate_white_noise,
};
pub use regular::{MAX_TEXT_BYTES, read_bytes, read_text};
pub use replace::{FileId, require_replaceable};
pub use resize::{downscaled, keys_cubic, resized};
pub use sigma::{Sigma, SigmaSupport};
pub use variance_law::VarianceLaw;
