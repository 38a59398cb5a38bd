//! The `tweedie` binary.
#![forbid(unsafe_code)]

mod checkpoint;
mod commands;
mod interrupt;
mod options;
mod output;
mod task;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Large activations are aligned and backed by huge pages.
#[global_allocator]
static ALLOCATOR: tweedie_kernels::AlignedAllocator = tweedie_kernels::AlignedAllocator;

/// Trains learned denoisers and restores images with them.
///
/// Noise levels are standard deviations in 8-bit grey levels.
#[derive(Parser)]
#[command(version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Demo(commands::demo::Demo),
    Train(commands::train::Train),
    Denoise(commands::denoise::Denoise),
    Restore(commands::restore::Restore),
    Evaluate(commands::evaluate::Evaluate),
    Checkpoints(commands::checkpoints::Checkpoints),
    Bench(commands::bench::Bench),
    Completions(commands::completions::Completions),
}

/// How a command ended, apart from errors.
pub(crate) enum Outcome {
    /// Everything was done.
    Done,
    /// A signal stopped it; what was finished is kept.
    Interrupted,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let result = match cli.command {
        Command::Demo(command) => command.run(),
        Command::Train(command) => command.run(),
        Command::Denoise(command) => command.run(),
        Command::Restore(command) => command.run(),
        Command::Evaluate(command) => command.run(),
        Command::Checkpoints(command) => command.run(),
        Command::Bench(command) => command.run(),
        Command::Completions(command) => command.run(),
    };
    match result {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::Interrupted) => ExitCode::from(130),
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
