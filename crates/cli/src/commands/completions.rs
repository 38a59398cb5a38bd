//! `tweedie completions`

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use crate::Outcome;
use crate::output::print;

/// Print a completion script for a shell
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Completions {
    /// The shell
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

const EXAMPLES: &str = "\
Examples:
  tweedie completions bash > ~/.local/share/bash-completion/completions/tweedie
  tweedie completions zsh > ~/.zfunc/_tweedie
  tweedie completions fish > ~/.config/fish/completions/tweedie.fish";

impl Completions {
    pub fn run(self) -> anyhow::Result<Outcome> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut crate::Cli::command(), "tweedie", &mut script);
        print(&String::from_utf8(script)?)?;
        Ok(Outcome::Done)
    }
}
