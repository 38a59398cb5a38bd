//! Forward operators A, noise models, data fidelities and parameter-choice rules for y = A x + noise.
#![forbid(unsafe_code)]

mod cg;
mod error;
mod fft;
mod fidelity;
mod fill;
mod host;
mod interpolate;
mod kernel;
mod norm;
mod operator;
mod random;
mod root;

pub use cg::{CgOptions, conjugate_gradient};
pub use error::Error;
pub use fidelity::{DataFidelity, InnerSolve, L1, L2, L2Ball, Poisson};
pub use kernel::{Kernel, MAX_SIZE as MAX_KERNEL_SIZE};
pub use operator::{
    BayerPattern, Blur, Boundary, CompressedSensing, Demosaicking, Downsampling, Field, Identity, LinearOperator, Mask,
    Mri, MultiCoilMri, NormalSolve, Radon, cartesian_mask, centered_mask, random_mask, synthetic_sensitivities,
};
pub use rustfft::num_complex::Complex;
