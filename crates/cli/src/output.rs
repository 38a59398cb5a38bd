//! What is written: images, and text on standard output.

use std::io::{ErrorKind, Write as _};

use anyhow::Context as _;
use clap::Args;
use tweedie::imaging::{Depth, Encoding};
use tweedie::output;

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
    /// Quality of results that are .jpg files, 1 to 100
    #[arg(long, value_name = "N", default_value_t = Encoding::JPEG_QUALITY, value_parser = clap::value_parser!(u8).range(1..=100))]
    pub quality: u8,
}

impl From<Precision> for output::Precision {
    fn from(precision: Precision) -> Self {
        Self {
            depth: precision.depth,
            jpeg_quality: precision.quality,
        }
    }
}

/// Writes text to standard output. A reader who has seen enough (`| head`) closes the pipe, which is no error.
pub fn print(text: &str) -> anyhow::Result<()> {
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        result => result.context("writing to standard output"),
    }
}
