//! Training a denoiser.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use burn::tensor::Device;
use serde::{Deserialize as _, Serialize};
use toml::{Table, Value};
use tweedie_imaging::{MAX_TEXT_BYTES, list_images, read_text};
use tweedie_model::train::{Supervision, TrainConfig, TrainRow, Trainer};
use tweedie_model::{CONFIG_FILE, WEIGHTS_FILE};

use crate::device::DeviceChoice;
use crate::error::{Context as _, bail};
use crate::events::{Progress, TrainingStep, Unit};
use crate::settings::{self, Setting};
use crate::training_data::TrainingData;
use crate::{Events, Result, output, training_card};

/// A training run before it starts.
pub struct Training {
    /// What is trained, on what, and how.
    pub config: TrainConfig,
    /// Folder of the run.
    pub out: PathBuf,
    /// Go on from the last save in the folder, if there is one.
    pub resume: bool,
    /// The file of the configuration.
    path: PathBuf,
}

/// What changes a configuration that was read.
#[derive(Clone, Copy, Debug, Default)]
pub struct Changes<'a> {
    /// Values by key.
    pub settings: &'a [Setting],
    /// Folders of images, instead of those of the configuration; none: those of the configuration.
    pub data: &'a [PathBuf],
    /// Steps, instead of those of the configuration.
    pub steps: Option<u64>,
    /// Minutes that the run shall take; the number of steps follows from it.
    pub minutes: Option<f64>,
}

/// A run, as the JSON has it.
#[derive(Clone, Debug, Serialize)]
pub struct Trained {
    /// Folder of the run, which is a checkpoint.
    pub checkpoint: String,
    /// Steps that are done.
    pub steps: u64,
    /// Images that were trained on.
    pub images: usize,
    /// Images that were measured on.
    pub validation_images: usize,
    /// The last row of its log.
    pub last: Option<TrainRow>,
}

/// A training run at work.
pub struct TrainingRun {
    /// Images that are trained on.
    pub images: usize,
    /// Images that are measured on.
    pub validation_images: usize,
    /// The step at which it goes on, if it goes on.
    pub resumed: Option<u64>,
    /// Parameters that were taken from another checkpoint, and which.
    pub initial: Option<(usize, PathBuf)>,
    out: PathBuf,
    /// None until the run chose it by the time.
    steps: Option<u64>,
    batch: usize,
    trainer: Trainer,
    /// Rows of the log whose curves are drawn.
    measured: usize,
    /// Held until the run is over.
    _lock: Option<File>,
}

impl Training {
    /// A run with the configuration of a TOML file, in `runs/` and the file's name.
    ///
    /// # Errors
    /// Names the file and the key that is wrong.
    pub fn from_toml(path: impl AsRef<Path>) -> Result<Self> {
        Self::with_changes(path.as_ref(), Changes::default())
    }

    /// As [`Self::from_toml`], with changes.
    ///
    /// # Errors
    /// As [`Self::from_toml`].
    pub fn with_changes(path: &Path, changes: Changes<'_>) -> Result<Self> {
        Ok(Self {
            config: configuration(path, changes)?,
            out: Path::new("runs").join(output::stem(path)),
            resume: false,
            path: path.to_path_buf(),
        })
    }

    /// Trains to the end, or until the listener cancels; the device is the best one that is there.
    ///
    /// # Errors
    /// As [`Self::start`] and [`TrainingRun::step`].
    pub fn run(self, events: &dyn Events) -> Result<Trained> {
        let mut run = self.start(&DeviceChoice::Auto.open()?.0, events)?;
        while run.step(events)? {}
        run.finish(events)
    }

    /// The files that it reads.
    ///
    /// # Errors
    /// If a folder of images cannot be listed.
    pub fn inputs(&self) -> Result<Vec<PathBuf>> {
        let mut inputs = vec![self.path.clone()];
        let config = &self.config;
        let mut folders: Vec<&PathBuf> = config.data.folders.iter().chain(&config.validation.folders).collect();
        if let Supervision::Noise2noise { second } = &config.supervision {
            folders.extend(second);
        }
        for folder in folders {
            inputs.extend(list_images(folder)?.images);
        }
        if let Some(initial) = &config.training.initial {
            inputs.extend([WEIGHTS_FILE, CONFIG_FILE].map(|name| initial.join(name)));
        }
        Ok(inputs)
    }

    /// The files that it writes into its folder, but for its state, which no other program reads.
    pub fn outputs(&self) -> Vec<PathBuf> {
        let names = [
            WEIGHTS_FILE,
            CONFIG_FILE,
            "card.md",
            "train.csv",
            "loss.svg",
            "psnr.svg",
        ];
        names.map(|name| self.out.join(name)).to_vec()
    }

    /// Reads the images and prepares the first step.
    ///
    /// # Errors
    /// If the folder holds something that would be replaced, if the images do not fit, or if the device fails.
    pub fn start(self, device: &Device, events: &dyn Events) -> Result<TrainingRun> {
        let Self { config, out, .. } = &self;
        events.hash_file(&self.path)?;
        // Before the folder is made, and again under the lock: another run may have begun in between.
        self.check_folder(&())?;
        output::folder(out)?;
        let lock = lock(out)?;
        let resume = self.check_folder(events)?;
        let data = TrainingData::load(config, events)?;
        let (images, validation_images) = (data.training.len(), data.validation.len());
        let batch = config.training.batch;
        let initial = config.training.initial.clone();
        let mut trainer = Trainer::new(config.clone(), out, data.training, data.validation, data.sha256, device)?;
        let mut taken = None;
        if resume {
            trainer = trainer.resume()?;
            if trainer.is_finished() {
                // What is to be saved may have changed.
                trainer.save()?;
            }
        } else if let Some(initial) = initial {
            events.hash_file(&initial.join(WEIGHTS_FILE))?;
            taken = Some((trainer.start_from_initial()?, initial));
        }
        let steps = trainer.steps();
        events.progress(Progress::Begin {
            total: steps.unwrap_or(0),
            unit: Unit::Steps,
        });
        events.progress(Progress::Done(trainer.steps_done()));
        Ok(TrainingRun {
            images,
            validation_images,
            resumed: resume.then(|| trainer.steps_done()),
            initial: taken,
            out: self.out,
            steps,
            batch,
            measured: trainer.rows().len(),
            trainer,
            _lock: lock,
        })
    }

    /// Whether there is a run to go on with; refuses to write over one, or over a checkpoint that is no run.
    fn check_folder(&self, events: &dyn Events) -> Result<bool> {
        let out = self.out.as_path();
        match (self.resume, Trainer::can_resume(out)) {
            (true, true) => Ok(true),
            (false, true) => bail!(
                "{}: expected no earlier run, got one; go on with --resume, or choose another --out",
                out.display()
            ),
            (_, false) if out.join(CONFIG_FILE).exists() => bail!(
                "{}: expected an empty folder, got a checkpoint; choose another --out",
                out.display()
            ),
            (true, false) => {
                events.note(&format!("{}: no saved run yet, starting one", out.display()));
                Ok(false)
            }
            (false, false) => Ok(false),
        }
    }
}

impl TrainingRun {
    /// Does one step, with what is due after it; `false` if there is none left, or if the listener cancelled (then the
    /// run is saved first).
    ///
    /// # Errors
    /// If the run diverges, the device fails or a file cannot be written.
    pub fn step(&mut self, events: &dyn Events) -> Result<bool> {
        let Self { trainer, measured, .. } = self;
        if trainer.is_finished() {
            return Ok(false);
        }
        if events.is_cancelled() {
            trainer.save()?;
            return Ok(false);
        }
        let done = trainer.step()?;
        if self.steps != trainer.steps() {
            self.steps = trainer.steps();
            if let Some(steps) = self.steps {
                events.note(&format!("{steps} steps fit into the time"));
            }
        }
        events.training_step(&TrainingStep {
            step: done.step,
            steps: self.steps,
            batch: self.batch,
            loss: done.loss,
            rows: trainer.rows(),
        });
        events.progress(Progress::Done(1));
        if trainer.rows()[*measured..].iter().any(|row| !row.validation.is_empty()) {
            training_card::write_curves(&self.out, trainer.rows())?;
        }
        *measured = trainer.rows().len();
        Ok(true)
    }

    /// The number of steps, once it is known; see [`Trainer::steps`].
    pub fn steps(&self) -> Option<u64> {
        self.trainer.steps()
    }

    /// Whether all steps are done.
    pub fn is_finished(&self) -> bool {
        self.trainer.is_finished()
    }

    /// Writes the card.
    ///
    /// # Errors
    /// If a file cannot be written.
    pub fn finish(self, events: &dyn Events) -> Result<Trained> {
        events.progress(Progress::End);
        if self.trainer.is_finished() && self.trainer.is_worse_than_nothing()? {
            events.note(&format!(
                "{}: denoises worse than doing nothing; try a smaller optimizer.learning_rate, or more steps",
                self.out.display()
            ));
        }
        training_card::write(&self.out, self.trainer.rows())?;
        Ok(Trained {
            checkpoint: self.out.display().to_string(),
            steps: self.trainer.steps_done(),
            images: self.images,
            validation_images: self.validation_images,
            last: self.trainer.rows().last().cloned(),
        })
    }
}

/// Keeps other trainings out of a folder for as long as the file is open. `None` where the file system knows no locks on
/// folders.
fn lock(folder: &Path) -> Result<Option<File>> {
    let Ok(file) = File::open(folder) else { return Ok(None) };
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => bail!(
            "{}: expected a folder in which no training runs, got one in which another does",
            folder.display()
        ),
        Err(TryLockError::Error(_)) => Ok(None),
    }
}

/// The configuration file with its changes.
fn configuration(file: &Path, changes: Changes<'_>) -> Result<TrainConfig> {
    let Changes {
        settings,
        data,
        steps,
        minutes,
    } = changes;
    if data.is_empty() && steps.is_none() && minutes.is_none() && settings.is_empty() {
        return Ok(TrainConfig::load(file)?);
    }
    let path = file.display();
    let text = read_text(file, MAX_TEXT_BYTES)?;
    let mut table: Table = toml::from_str(&text).with_context(|| format!("{path}: expected TOML"))?;
    settings::apply(settings, &mut table)?;
    let mut set = |section: &str, key: &str, value: Value| {
        let entry = table.entry(section).or_insert_with(|| Value::Table(Table::new()));
        match entry.as_table_mut() {
            Some(section) => drop(section.insert(key.to_owned(), value)),
            None => bail!("{path}: expected a section [{section}], got a value"),
        }
        Ok(())
    };
    if !data.is_empty() {
        let folders = data
            .iter()
            .map(|folder| Value::String(folder.to_string_lossy().into_owned()));
        set("data", "folders", Value::Array(folders.collect()))?;
    }
    if let Some(steps) = steps {
        set("training", "steps", i64::try_from(steps)?.into())?;
    }
    if let Some(minutes) = minutes {
        set("training", "minutes", minutes.into())?;
    }
    let config = TrainConfig::deserialize(Value::Table(table))
        .with_context(|| format!("{path}, with the command line's changes"))?;
    config.check()?;
    Ok(config)
}
