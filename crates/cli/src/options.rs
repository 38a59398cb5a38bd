//! Options that every command with work takes.

use std::num::NonZeroUsize;

use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use tweedie::device::DeviceChoice;
use tweedie::imaging::ColorMode;
use tweedie::settings::Setting;

/// Device, threads, and what is printed.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Common options")]
pub struct Common {
    /// Where to compute: auto, flex (CPU); where they were built in also ndarray (CPU), wgpu and wgpu:N (GPU)
    #[arg(long, default_value = "auto", value_name = "DEVICE")]
    pub device: DeviceChoice,
    /// Threads of the CPU [default: all cores]
    #[arg(long, value_name = "N")]
    pub threads: Option<NonZeroUsize>,
    /// Write the results as JSON to FILE, or to standard output for "-"
    #[arg(long, value_name = "FILE")]
    pub json: Option<String>,
    /// Print errors only
    #[arg(long, short, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Print what is done in detail, on standard error
    #[arg(long, short)]
    pub verbose: bool,
    /// Set a configuration value, such as solver.step=0.5 (TOML; can be repeated)
    #[arg(short = 'C', value_name = "KEY=VALUE")]
    pub settings: Vec<Setting>,
}

/// The denoiser and how images are read for it.
#[derive(Args, Clone, Debug)]
pub struct Denoising {
    /// Name of a checkpoint (see `tweedie checkpoints list`), or its folder; or median, haar, nlm, tv, gaussian:WIDTH, which have no weights
    #[arg(long, value_name = "C")]
    pub checkpoint: String,
    #[command(flatten)]
    pub reading: Reading,
}

/// How images are read.
#[derive(Args, Clone, Copy, Debug)]
pub struct Reading {
    /// Channels of the images: as-stored, gray (colour becomes luma) or rgb (gray is repeated)
    #[arg(long, value_name = "MODE", default_value = "as-stored", value_parser = choice(vec![
        ("as-stored", "as many channels as the file has", ColorMode::AsStored),
        ("gray", "one channel, the luma of colour images", ColorMode::Gray),
        ("rgb", "three channels", ColorMode::Rgb),
    ]))]
    pub color: ColorMode,
}

/// Takes one of some names, each with what it means and its value.
pub fn choice<T: Clone + Send + Sync + 'static>(
    values: Vec<(&'static str, &'static str, T)>,
) -> impl TypedValueParser<Value = T> {
    let possible = |(name, help, _): &(&'static str, &'static str, T)| PossibleValue::new(*name).help(*help);
    PossibleValuesParser::new(values.iter().map(possible)).try_map(move |given| {
        let found = values.iter().find(|(name, ..)| *name == given);
        found.map(|(.., value)| value.clone()).ok_or("unknown value")
    })
}
