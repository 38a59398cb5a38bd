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

pub use cg::{CgOptions, conjugate_gradient};
pub use error::Error;
pub use fidelity::{DataFidelity, InnerSolve, L2};
pub use kernel::{Kernel, MAX_SIZE as MAX_KERNEL_SIZE};
pub use operator::{Blur, Boundary, Downsampling, Identity, LinearOperator, Mask, NormalSolve};
