//! The `tweedie` binary.
#![forbid(unsafe_code)]

mod channels;
mod checkpoint;
mod cli;
mod commands;
mod degradation;
mod device;
mod gallery;
mod import_card;
mod inputs;
mod interrupt;
mod locate;
mod measurement;
mod noise_level;
mod options;
mod output;
mod overrides;
mod progress;
mod provenance;
mod published;
mod scores;
mod session;
mod solve;
mod solver_options;
mod strength;
mod task;
mod training_card;
mod training_data;
mod usage;

use std::panic::{self, AssertUnwindSafe};
use std::process::ExitCode;

use clap::Parser as _;
pub(crate) use cli::{Cli, Outcome};

/// Large activations are aligned and backed by huge pages.
#[global_allocator]
static ALLOCATOR: tweedie_kernels::AlignedAllocator = tweedie_kernels::AlignedAllocator;

/// An error with its causes on one line.
pub(crate) fn one_line(error: &anyhow::Error) -> String {
    format!("{error:#}").split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Adds the file to an error that does not name it.
pub(crate) fn for_file(error: anyhow::Error, path: &std::path::Path) -> anyhow::Error {
    let path = path.display().to_string();
    if format!("{error:#}").contains(&path) {
        error
    } else {
        error.context(path)
    }
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    // The last resort: input is checked before it can make anything panic.
    panic::set_hook(Box::new(|info| {
        eprintln!("error: internal error, please report it: {info}")
    }));
    match panic::catch_unwind(AssertUnwindSafe(|| cli.command.run())) {
        Ok(Ok(Outcome::Done)) => ExitCode::SUCCESS,
        Ok(Ok(Outcome::Interrupted)) => ExitCode::from(130),
        Ok(Err(error)) => {
            eprintln!("error: {}", one_line(&error));
            ExitCode::from(if error.is::<usage::Usage>() { 2 } else { 1 })
        }
        Err(_) => ExitCode::FAILURE,
    }
}
