//! Denoisers without weights, each from its paper: priors that need no training, and known cases for certificates.
//!
//! The [`Classical`] ones take images of any size and any number of channels, each channel by itself, and compute on the host
//! in f64: the result does not depend on the device, and difference quotients of D are not lost in f32 rounding. All are
//! homogeneous in the image and the noise level together, D(c x, c sigma) = c D(x, sigma) for c > 0.
//!
//! [`GaussianSmoothing`] is the linear symmetric denoiser, for which the theory is complete.
//!
//! A denoiser on planes is one type that implements [`PlaneMethod`]; [`ByPlane`] makes a denoiser of it.
//!
//! ```
//! use burn::tensor::Device;
//! use tweedie_denoisers::{ByPlane, Classical, TotalVariation};
//! use tweedie_imaging::{Denoiser, Error, Sigma, noise, psnr};
//!
//! # fn main() -> Result<(), Error> {
//! let sigma = Sigma::from_grey_levels(25.0)?;
//! let clean = burn::tensor::Tensor::full([1, 1, 32, 32], 0.5, &Device::default());
//! let noisy = clean.clone() + noise::gaussian(clean.dims(), sigma, 0, 0, &Device::default())?;
//! let denoised = ByPlane::new(TotalVariation::default()).denoise(noisy.clone(), sigma)?;
//! assert!(psnr(&denoised, &clean)? > psnr(&noisy, &clean)?);
//! assert_eq!(Classical::from_name("tv"), Some(Classical::TotalVariation));
//! # Ok(())
//! # }
//! ```
#![forbid(unsafe_code)]

mod by_plane;
mod classical;
mod gaussian;
mod haar;
mod median;
mod nlm;
mod planes;
mod tv;

pub use by_plane::{ByPlane, PlaneMethod};
pub use classical::Classical;
pub use gaussian::GaussianSmoothing;
pub use haar::HaarThreshold;
pub use median::Median;
pub use nlm::NonLocalMeans;
pub use tv::TotalVariation;
