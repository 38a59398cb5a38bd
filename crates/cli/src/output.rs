//! How images are written.

use clap::Args;
use tweedie::imaging::Depth;

use crate::options::choice;

/// The precision of images that are written.
#[derive(Args, Clone, Copy, Debug)]
pub struct Precision {
    /// Precision of the results [default: that of the input, up to 16 bit]
    #[arg(long, value_name = "D", value_parser = choice(vec![
        ("8", "8-bit PNG", Depth::Eight),
        ("16", "16-bit PNG", Depth::Sixteen),
        ("float", ".npy array of f32, nothing clipped or rounded", Depth::Float),
    ]))]
    pub depth: Option<Depth>,
}
