//! Forward operators A, noise models, data fidelities and parameter-choice rules for y = A x + noise.
//!
//! ```
//! use std::sync::Arc;
//!
//! use burn::tensor::Device;
//! use tweedie_imaging::image_from_vec;
//! use tweedie_operators::{Blur, Boundary, DataFidelity, InnerSolve, Kernel, L2, LinearOperator};
//!
//! let blur = Arc::new(Blur::new([1, 8, 8], &Kernel::gaussian(1.6, 5)?, Boundary::Circular)?);
//! let clean = image_from_vec((0..64).map(|n| (n % 8) as f32 / 8.0).collect(), [1, 1, 8, 8], &Device::flex())?;
//! let fidelity = L2::new(blur.clone(), blur.apply(clean.clone())?)?;
//! assert!(fidelity.value(clean.clone())?[0] < 1e-10);
//! let (_, solve) = fidelity.prox(clean, 0.5)?;
//! assert_eq!(solve, InnerSolve::Exact);
//! # Ok::<(), tweedie_operators::Error>(())
//! ```
#![forbid(unsafe_code)]

mod anscombe;
mod cg;
mod cg_options;
mod error;
mod fft;
mod fidelity;
mod fill;
mod host;
mod interpolate;
mod kernel;
mod noise_model;
mod norm;
mod operator;
mod poisson_noise;
mod root;
pub mod rules;

pub use anscombe::Anscombe;
pub use cg::conjugate_gradient;
pub use cg_options::CgOptions;
pub use error::Error;
pub use fidelity::{DataFidelity, InnerSolve, L1, L2, L2Ball, Poisson, Scaled};
pub use kernel::{Kernel, KernelEstimate, KernelShape, MAX_SIZE as MAX_KERNEL_SIZE, Resampling, estimate_kernel};
pub use noise_model::{NoiseModel, denoise_scales, denoise_with_map};
pub use operator::{
    BayerPattern, Blur, Boundary, CompressedSensing, Demosaicking, Determined, Downsampling, Field, Identity,
    LinearOperator, Mask, Mri, MultiCoilMri, NormalSolve, Radon, TikhonovSolve, UnknownBorder, Whitened,
    cartesian_mask, centered_mask, centred_phase, random_mask, synthetic_sensitivities,
};
pub use poisson_noise::poisson_noise;
pub use rustfft::num_complex::Complex;
