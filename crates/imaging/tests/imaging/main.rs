//! Files, noise and metrics through the public interface.

mod arrays;
mod formats;
mod metrics;
mod noise;
mod raster;
mod refused;
mod shared;
mod support;
