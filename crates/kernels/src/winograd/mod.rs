//! Winograd's minimal filtering: `3x3` convolution as a matrix product per position of a transformed tile.
//!
//! ```text
//! Y = A^T [ sum_c (G w G^T) .* (B^T d B) ] A          (forward, input gradient)
//! dw = G^T [ sum_tiles (B^T d B) .* (A dY A^T) ] G    (weight gradient)
//! ```
//!
//! Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", CVPR 2016.

mod conv;
pub(crate) mod gemm;
mod transform;
mod weight_grad;
mod weights;

pub(crate) use conv::{Conv, conv};
pub(crate) use weight_grad::{WeightGrad, weight_grad};
pub(crate) use weights::transform_weights;
