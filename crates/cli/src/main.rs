//! The `tweedie` binary.
#![forbid(unsafe_code)]

mod cli;
mod commands;
mod interrupt;
mod options;
mod output;
mod progress;
mod session;
mod solver_options;
mod task_options;
mod usage;

use std::panic::{self, AssertUnwindSafe};
use std::process::ExitCode;

use clap::Parser as _;
pub(crate) use cli::{Cli, Outcome};

/// Large activations start at a cache line.
#[global_allocator]
static ALLOCATOR: tweedie::kernels::AlignedAllocator = tweedie::kernels::AlignedAllocator;

/// An error with its causes on one line.
pub(crate) fn one_line(error: &anyhow::Error) -> String {
    format!("{error:#}").split_whitespace().collect::<Vec<_>>().join(" ")
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
            ExitCode::from(if usage::is_usage(&error) { 2 } else { 1 })
        }
        Err(_) => ExitCode::FAILURE,
    }
}
