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

use std::io::{IsTerminal as _, Write as _};
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

/// The command line; help and the version are printed here, as standard output may be full.
fn parse() -> Result<Cli, ExitCode> {
    Cli::try_parse().map_err(|message| {
        if message.use_stderr() {
            let _ = message.print();
            return ExitCode::from(2);
        }
        let text = message.render();
        let text = match std::io::stdout().is_terminal() {
            true => text.ansi().to_string(),
            false => text.to_string(),
        };
        match output::print(&text) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => failed(&error),
        }
    })
}

/// Says what went wrong.
fn failed(error: &anyhow::Error) -> ExitCode {
    let _ = writeln!(std::io::stderr(), "error: {}", one_line(error));
    ExitCode::from(if usage::is_usage(error) { 2 } else { 1 })
}

fn main() -> ExitCode {
    let cli = match parse() {
        Ok(cli) => cli,
        Err(status) => return status,
    };
    // The last resort: input is checked before it can make anything panic.
    panic::set_hook(Box::new(|info| {
        let _ = writeln!(std::io::stderr(), "error: internal error, please report it: {info}");
    }));
    let run = || interrupt::limit_of_files_is_an_error().and_then(|()| cli.command.run());
    match panic::catch_unwind(AssertUnwindSafe(run)) {
        Ok(Ok(Outcome::Done)) => ExitCode::SUCCESS,
        Ok(Ok(Outcome::Interrupted)) => ExitCode::from(130),
        Ok(Err(error)) => failed(&error),
        Err(_) => ExitCode::FAILURE,
    }
}
