//! The layers that networks are made of: 3x3 convolutions with stride 1 and zero padding 1, 2x2 convolutions with stride 2,
//! and activations.
//!
//! Activations stay in the layout that the device's convolution wants from the first layer of a stack to the last.

mod activations;
mod autodiff;
mod cache;
mod conv3x3;
mod flex;
pub(crate) mod init;
mod ops;
pub(crate) mod pool;
mod smooth;
pub(crate) mod spline;
mod strided;

pub use activations::Activations;
pub use conv3x3::Conv3x3;
pub use strided::Conv2x2;
pub use tweedie_kernels::{Activation, Smooth};
