//! The commands.

use clap::{Parser, Subcommand};

use crate::commands;

/// Train learned denoisers and restore images with them
///
/// Noise levels are standard deviations in 8-bit grey levels. Exit status: 0 done, 1 failed, 2 wrong usage, 130
/// interrupted.
#[derive(Parser)]
#[command(name = "tweedie", version, arg_required_else_help = true)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Subcommand)]
pub enum Command {
    Demo(commands::demo::Demo),
    Train(commands::train::Train),
    Denoise(commands::denoise::Denoise),
    Simulate(commands::simulate::Simulate),
    Restore(commands::restore::Restore),
    Noise(commands::noise::NoiseCommand),
    Evaluate(commands::evaluate::Evaluate),
    Compare(commands::compare::Compare),
    Certify(commands::certify::Certify),
    Study(commands::study::Study),
    Import(commands::import::Import),
    Checkpoints(commands::checkpoints::Checkpoints),
    Datasets(commands::datasets::Datasets),
    Bench(commands::bench::Bench),
    Completions(commands::completions::Completions),
}

impl Command {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<Outcome> {
        match self {
            Self::Demo(command) => command.run(),
            Self::Train(command) => command.run(),
            Self::Denoise(command) => command.run(),
            Self::Simulate(command) => command.run(),
            Self::Restore(command) => command.run(),
            Self::Noise(command) => command.run(),
            Self::Evaluate(command) => command.run(),
            Self::Compare(command) => command.run(),
            Self::Certify(command) => command.run(),
            Self::Study(command) => command.run(),
            Self::Import(command) => command.run(),
            Self::Checkpoints(command) => command.run(),
            Self::Datasets(command) => command.run(),
            Self::Bench(command) => command.run(),
            Self::Completions(command) => command.run(),
        }
    }
}

/// How a command ended, apart from errors.
pub enum Outcome {
    /// Everything was done.
    Done,
    /// A signal stopped it; what was finished is kept.
    Interrupted,
}
