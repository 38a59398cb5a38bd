//! Fast 3x3 convolutions on the CPU, for the networks that denoise images.
//!
//! A stack of `3x3` convolutions with stride 1 and zero padding 1 keeps its activations in one padded layout
//! ([`Layout`]) from the first layer to the last: [`pack`] once, run a [`Conv3x3`] plan per layer, [`unpack`] once.
//! Each plan offers the forward pass with bias and activation fused, and the gradients with respect to its input,
//! weights and bias with the activation's derivative fused.
//!
//! The instruction set is chosen once at run time ([`active_kernel`]); the environment variable `TWEEDIE_KERNEL`
//! overrides it (`naive`, `scalar`, `avx2` or `avx512`). Work is spread over rayon's current pool, and results do not
//! depend on the number of threads, bit for bit.
//!
//! Beside the convolutions stand what networks of proven bounds and known potentials need: activations whose slope is
//! a function of their output ([`Smooth`]) and learned linear splines ([`Splines`]), in portable code.
//!
//! Kernels: `naive` (the oracle, [`naive`]), `scalar` (portable code), `avx2` and `avx512`. There is none for NEON yet:
//! AArch64 runs the portable code. Buffers may have any alignment, but those that start at a cache line are faster
//! ([`AlignedAllocator`]).
//!
//! This is the only crate of the workspace with `unsafe` code: a [`Kernel`] value exists only if the CPU supports it,
//! which is what every call into an instruction-set-specific function relies on.
//!
//! ```
//! use tweedie_kernels::{Activation, Conv3x3, Layout, pack, unpack};
//!
//! # fn main() -> Result<(), tweedie_kernels::Error> {
//! let input = Layout::new(1, 3, 20, 30)?;
//! let conv = Conv3x3::new(input, 16)?;
//! let weights = vec![0.1; 16 * 3 * 3 * 3];
//! let transformed = conv.transform_forward(&weights)?;
//!
//! let mut x = vec![0.0; input.len()];
//! pack(&input, &vec![1.0; 3 * 20 * 30], &mut x)?;
//! let mut y = vec![0.0; conv.output().len()];
//! conv.forward(&x, &transformed, None, Activation::Relu, &mut y)?;
//! let mut image = vec![0.0; 16 * 20 * 30];
//! unpack(&conv.output(), &y, &mut image)?;
//! assert!((image[0] - 1.2).abs() < 1e-5); // a corner pixel sees 4 of 9 taps in 3 channels
//! # Ok(())
//! # }
//! ```
#![deny(missing_docs)]

mod activation;
mod allocator;
mod blocks;
mod buffer;
mod chunks;
mod conv;
mod elementwise;
mod error;
mod filter;
mod grid;
mod kernel;
mod layout;
mod method;
pub mod naive;
mod output;
mod shuffle;
mod simd;
mod smooth;
mod spline;
mod strided;
mod thin;
mod winograd;

pub use activation::Activation;
pub use allocator::AlignedAllocator;
pub use conv::{Conv3x3, Transformed};
pub use error::Error;
pub use kernel::{Kernel, active_kernel};
pub use layout::{Layout, pack, unpack};
pub use shuffle::{shuffle, unshuffle};
pub use smooth::Smooth;
pub use spline::{SEGMENT, Splines, spline_potential};
pub use strided::Conv2x2;
