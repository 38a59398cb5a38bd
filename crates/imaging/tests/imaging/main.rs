//! Files, noise and metrics through the public interface.

mod arrays;
mod formats;
mod metrics;
mod noise;
mod noise_estimate;
mod raster;
mod refused;
mod shared;
mod support;
