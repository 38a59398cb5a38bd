//! `tweedie completions`

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::Outcome;

/// Prints a completion script for a shell
#[derive(Args)]
pub struct Completions {
    /// The shell
    shell: Shell,
}

impl Completions {
    pub fn run(self) -> anyhow::Result<Outcome> {
        clap_complete::generate(self.shell, &mut crate::Cli::command(), "tweedie", &mut std::io::stdout());
        Ok(Outcome::Done)
    }
}
