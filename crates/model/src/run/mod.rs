//! Networks as denoisers: tiles, periodic borders, stretching, potentials.

pub(crate) mod denoiser;
pub(crate) mod half_square;
pub(crate) mod periodic;
pub(crate) mod potential;
mod quarters;
mod stretch;
pub(crate) mod tiling;
