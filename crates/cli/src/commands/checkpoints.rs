//! `tweedie checkpoints`

use clap::{Args, Subcommand};
use tweedie_model::{CONFIG_FILE, Checkpoint, load_config};

use crate::{Outcome, checkpoint};

/// Lists checkpoints, or shows one
#[derive(Args)]
pub struct Checkpoints {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Names of the checkpoints under checkpoints/
    List,
    /// Checks one checkpoint's files and prints its configuration
    Show {
        /// Name or folder
        checkpoint: String,
    },
}

impl Checkpoints {
    pub fn run(self) -> anyhow::Result<Outcome> {
        match self.action {
            Action::List => {
                let mut names: Vec<String> = checkpoint::folders("checkpoints")
                    .iter()
                    .filter_map(|folder| std::fs::read_dir(folder).ok())
                    .flatten()
                    .flatten()
                    .filter(|entry| entry.path().join(CONFIG_FILE).exists())
                    .map(|entry| entry.file_name().to_string_lossy().into_owned())
                    .collect();
                names.sort();
                names.dedup();
                for name in names {
                    let config = load_config(&checkpoint::find(&name)?)?;
                    println!(
                        "{name}: {} channel(s), noise {} to {}",
                        config.architecture.channels(),
                        config.noise.min,
                        config.noise.max
                    );
                }
            }
            Action::Show { checkpoint } => {
                let folder = checkpoint::find(&checkpoint)?;
                let loaded = Checkpoint::load(&folder, &burn::tensor::Device::flex())?;
                println!("{}", toml::to_string(&loaded.config)?);
            }
        }
        Ok(Outcome::Done)
    }
}
