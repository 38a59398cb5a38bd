//! `tweedie train`

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use clap::Args;
use indicatif::ProgressBar;
use serde::{Deserialize as _, Serialize};
use toml::{Table, Value};
use tweedie_model::train::{TrainConfig, TrainRow, Trainer};
use tweedie_model::{CONFIG_FILE, WEIGHTS_FILE};

use crate::options::Common;
use crate::session::{Results, Session};
use crate::training_data::TrainingData;
use crate::{Outcome, output, overrides, progress, training_card};

/// Lines are printed at most this often where there is no terminal for a bar.
const LINE_EVERY: Duration = Duration::from_secs(30);

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
    #[command(flatten)]
    common: Common,
}

const EXAMPLES: &str = "\
Examples:
  tweedie train --config datasets/train.toml --data ~/photographs --out runs/mine
  tweedie train --config datasets/train.toml --data ~/photographs --out runs/mine --resume
  tweedie train --config datasets/train.toml --steps 200 -C training.batch=4 -C architecture.width=32";

/// The run, as the JSON has it.
#[derive(Serialize)]
struct Run {
    checkpoint: String,
    steps: u64,
    images: usize,
    validation_images: usize,
    last: Option<TrainRow>,
}

impl Train {
    pub fn run(self) -> anyhow::Result<Outcome> {
        let session = Session::start("train", &self.common)?;
        session.run(|results| self.work(&session, results))
    }

    fn work(&self, session: &Session, results: &mut Results<'_, Run>) -> anyhow::Result<Outcome> {
        let config = self.configuration()?;
        session.hash_file(&self.config)?;
        let out = self
            .out
            .clone()
            .unwrap_or_else(|| Path::new("runs").join(output::stem(&self.config)));
        let resume = self.check_folder(session, &out)?;
        output::folder(&out)?;
        let data = TrainingData::load(session, &config)?;
        let (images, validation_images) = (data.training.len(), data.validation.len());
        session.say(format_args!(
            "{images} images for training, {validation_images} for validation"
        ));
        let steps = config.training.steps;
        let (batch, initial) = (config.training.batch, config.training.initial.clone());
        let mut trainer = Trainer::new(
            config,
            &out,
            data.training,
            data.validation,
            data.sha256,
            &session.device,
        )?;
        if resume {
            trainer = trainer.resume()?;
            session.say(format_args!("resumed at step {}", trainer.steps_done()));
            if trainer.is_finished() {
                // What is to be saved may have changed.
                trainer.save()?;
            }
        } else if let Some(initial) = initial {
            session.hash_file(&initial.join(WEIGHTS_FILE))?;
            let taken = trainer.start_from_initial()?;
            session.say(format_args!("{taken} parameters from {}", initial.display()));
        }
        let mut display = Display::new(session, steps, batch, trainer.steps_done());
        let mut measured = trainer.rows().len();
        let mut outcome = Outcome::Done;
        while !trainer.is_finished() {
            if session.is_interrupted() {
                trainer.save()?;
                outcome = Outcome::Interrupted;
                break;
            }
            let done = trainer.step()?;
            display.step(done.step, done.loss, trainer.rows());
            if trainer.rows()[measured..].iter().any(|row| !row.validation.is_empty()) {
                training_card::write_curves(&out, trainer.rows())?;
            }
            measured = trainer.rows().len();
        }
        display.bar.finish_and_clear();
        training_card::write(&out, trainer.rows())?;
        results.push(Run {
            checkpoint: out.display().to_string(),
            steps: trainer.steps_done(),
            images,
            validation_images,
            last: trainer.rows().last().cloned(),
        })?;
        let state = if matches!(outcome, Outcome::Done) {
            "finished"
        } else {
            "stopped and saved; go on with --resume"
        };
        session.say(format_args!(
            "{}: step {}/{steps}, {state}",
            out.display(),
            trainer.steps_done()
        ));
        Ok(outcome)
    }

    /// The configuration file with what the command line changes.
    fn configuration(&self) -> anyhow::Result<TrainConfig> {
        if self.data.is_empty() && self.steps.is_none() && self.common.settings.is_empty() {
            return Ok(TrainConfig::load(&self.config)?);
        }
        let path = self.config.display();
        let text = std::fs::read_to_string(&self.config).with_context(|| format!("reading {path}"))?;
        let mut table: Table = toml::from_str(&text).with_context(|| format!("{path}: expected TOML"))?;
        overrides::apply(&self.common.settings, &mut table)?;
        let mut set = |section: &str, key: &str, value: Value| {
            let entry = table.entry(section).or_insert_with(|| Value::Table(Table::new()));
            match entry.as_table_mut() {
                Some(section) => drop(section.insert(key.to_owned(), value)),
                None => bail!("{path}: expected a section [{section}], got a value"),
            }
            Ok(())
        };
        if !self.data.is_empty() {
            let folders = self
                .data
                .iter()
                .map(|folder| Value::String(folder.to_string_lossy().into_owned()));
            set("data", "folders", Value::Array(folders.collect()))?;
        }
        if let Some(steps) = self.steps {
            set("training", "steps", i64::try_from(steps)?.into())?;
        }
        let config = TrainConfig::deserialize(Value::Table(table))
            .with_context(|| format!("{path}, with the command line's changes"))?;
        config.check()?;
        Ok(config)
    }

    /// Whether there is a run to go on with; refuses to write over one, or over a checkpoint that is no run.
    fn check_folder(&self, session: &Session, out: &Path) -> anyhow::Result<bool> {
        match (self.resume, Trainer::can_resume(out)) {
            (true, true) => Ok(true),
            (false, true) => {
                bail!(
                    "{}: expected no earlier run, got one; go on with --resume, or choose another --out",
                    out.display()
                )
            }
            (_, false) if out.join(CONFIG_FILE).exists() => {
                bail!(
                    "{}: expected an empty folder, got a checkpoint; choose another --out",
                    out.display()
                )
            }
            (true, false) => {
                session.note(format_args!("{}: no saved run yet, starting one", out.display()));
                Ok(false)
            }
            (false, false) => Ok(false),
        }
    }
}

/// The bar, or lines where there is no terminal.
struct Display<'a> {
    session: &'a Session,
    bar: ProgressBar,
    lines: bool,
    steps: u64,
    batch: usize,
    first: u64,
    started: Instant,
    last_line: Instant,
    /// Mean loss of the last hundred steps or so.
    loss: Option<f64>,
}

impl<'a> Display<'a> {
    fn new(session: &'a Session, steps: u64, batch: usize, first: u64) -> Self {
        let bar = progress::bar(session, steps, "{bar:30} {pos}/{len} {wide_msg} ETA {eta}");
        bar.set_position(first);
        let lines = !session.quiet && !std::io::stderr().is_terminal();
        let now = Instant::now();
        Self {
            session,
            bar,
            lines,
            steps,
            batch,
            first,
            started: now,
            last_line: now,
            loss: None,
        }
    }

    fn step(&mut self, step: u64, loss: f64, rows: &[TrainRow]) {
        let mean = self.loss.map_or(loss, |mean| mean + 0.02 * (loss - mean));
        self.loss = Some(mean);
        let seconds = self.started.elapsed().as_secs_f64();
        let per_step = seconds / (step - self.first) as f64;
        let last = rows.iter().rev().find(|row| !row.validation.is_empty());
        let psnr = last.map_or(String::new(), |row| {
            let level = |entry: &tweedie_model::train::ValidationPsnr| format!(" {:.2}", entry.psnr_db);
            format!(", PSNR{} dB", row.validation.iter().map(level).collect::<String>())
        });
        let rate = self.batch as f64 / per_step;
        let message = format!("loss {mean:.5}{psnr}, {rate:.0} images/s");
        if self.lines && (self.last_line.elapsed() >= LINE_EVERY || step == self.steps) {
            self.last_line = Instant::now();
            let left = per_step * (self.steps - step) as f64;
            eprintln!("step {step}/{}, {message}, {:.0} min left", self.steps, left / 60.0);
        }
        self.bar.set_position(step);
        self.bar.set_message(message);
        if self.session.verbose && rows.last().is_some_and(|row| row.step == step) {
            self.bar
                .suspend(|| self.session.detail(format_args!("step {step}: {:?}", rows.last())));
        }
    }
}
