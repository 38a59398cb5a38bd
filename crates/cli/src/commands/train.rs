//! `tweedie train`

use std::path::PathBuf;

use clap::Args;
use tweedie::train::{Changes, Trained, Training};

use crate::Outcome;
use crate::options::Common;
use crate::session::{Results, Session};

/// Train a denoiser on photographs
///
/// The configuration is a TOML file; datasets/train.toml is one to start from. The folder of the run is a checkpoint at
/// any moment after the first save: model.safetensors (averaged weights), config.toml, card.md, train.csv, and curves as
/// SVG. A run that was stopped, by Ctrl-C or otherwise, goes on with --resume and ends with the same weights as one that
/// was not.
///
/// Images smaller than a crop are left out. Without validation folders, every 20th image is kept for validation.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Train {
    /// Configuration (TOML)
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Folders of images, instead of those of the configuration
    #[arg(long, value_name = "DIR", num_args = 1..)]
    data: Vec<PathBuf>,
    /// Folder of the run [default: runs/ and the configuration's name]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Go on from the last save in --out, if there is one
    #[arg(long)]
    resume: bool,
    /// Steps, instead of those of the configuration
    #[arg(long, value_name = "N")]
    steps: Option<u64>,
    /// Minutes that the run shall take: its first steps are timed, and the number of steps and the warm-up chosen so
    #[arg(long, value_name = "N", conflicts_with = "steps")]
    minutes: Option<f64>,
    #[command(flatten)]
    common: Common,
}

const EXAMPLES: &str = "\
Examples:
  tweedie train --config datasets/train.toml --data ~/photographs --out runs/mine
  tweedie train --config datasets/train.toml --data ~/photographs --out runs/mine --resume
  tweedie train --config datasets/train.toml --data ~/photographs --minutes 30
  tweedie train --config datasets/train.toml --steps 200 -C training.batch=4 -C architecture.width=32";

impl Train {
    pub fn run(self) -> anyhow::Result<Outcome> {
        let session = Session::start("train", &self.common)?;
        session.run(|results| self.work(&session, results))
    }

    fn work(&self, session: &Session, results: &mut Results<'_, Trained>) -> anyhow::Result<Outcome> {
        let changes = Changes {
            settings: &self.common.settings,
            data: &self.data,
            steps: self.steps,
            minutes: self.minutes,
        };
        let mut training = Training::with_changes(&self.config, changes)?;
        training.out = self.out.clone().unwrap_or(training.out);
        training.resume = self.resume;
        session.claim(training.outputs(), training.inputs()?)?;
        let mut run = training.start(&session.device, session)?;
        session.say(format_args!(
            "{} images for training, {} for validation",
            run.images, run.validation_images
        ));
        if let Some(step) = run.resumed {
            session.say(format_args!("resumed at step {step}"));
        }
        if let Some((taken, initial)) = &run.initial {
            session.say(format_args!("{taken} parameters from {}", initial.display()));
        }
        while run.step(session)? {}
        let of_steps = run.steps().map_or_else(String::new, |steps| format!("/{steps}"));
        let (outcome, state) = match run.is_finished() {
            true => (Outcome::Done, "finished"),
            false => (Outcome::Interrupted, "stopped and saved; go on with --resume"),
        };
        let trained = run.finish(session)?;
        session.say(format_args!(
            "{}: step {}{of_steps}, {state}",
            trained.checkpoint, trained.steps
        ));
        results.push(trained)?;
        Ok(outcome)
    }
}
