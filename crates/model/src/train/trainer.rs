//! The training loop.
//!
//! burn-train's learner is not used: it does not keep a moving average of the weights, does not save in the middle of
//! an epoch, and its build alone costs more than the rest of the program.

use std::path::{Path, PathBuf};
use std::time::Instant;

use burn::module::Module;
use burn::optim::{GradientsParams, ModuleOptimizer};
use burn::tensor::{Device, Tensor};

use super::average::moved_towards;
use super::objective::objective;
use super::schedule::Pace;
use super::state::{STATE_FILE, SavedProgress, State, optimizer};
use super::validation::{Validation, validate};
use super::{TrainConfig, TrainRow, TrainingRecord, TrainingSet, csv_from_rows};
use crate::conv::pool::Lease;
use crate::error::checkpoint;
use crate::files::checkpoint::{Checkpoint, CheckpointConfig};
use crate::files::tensor_file;
use crate::networks::PowerIteration;
use crate::weights::{network_with_weights, weights_from_network};
use crate::{Error, Network};

/// Rows of `train.csv` are written at least this often, in steps.
const ROW_EVERY: u64 = 100;

/// Weights whose estimates are farther than this from the truth, root mean square where white is 1, are no denoiser's: ten
/// times the range of all values.
const LARGEST_ERROR: f64 = 10.0;

/// An error of a fifth of a grey level is none to speak of.
const LEAST_ERROR: f64 = 1e-3;

/// Root mean square errors where white is 1.
struct Errors {
    network: f64,
    input: f64,
}

/// The first validation comes after so many seconds of training, or after this part of the steps if that is sooner.
const FIRST_VALIDATION_S: f64 = 60.0;
const FIRST_VALIDATION_SHARE: u64 = 50;

/// What a step did.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// Steps done.
    pub step: u64,
    /// Loss of this step.
    pub loss: f64,
    /// Seconds of training, over all runs.
    pub seconds: f64,
}

/// A run that can be stopped after any step and goes on from its last save with the same numbers.
pub struct Trainer {
    config: TrainConfig,
    folder: PathBuf,
    device: Device,
    network: Network,
    /// The moving average of the weights, without autodiff.
    average: Network,
    optimizer: ModuleOptimizer,
    spectral: Vec<PowerIteration>,
    data: TrainingSet,
    validation: TrainingSet,
    data_sha256: String,
    progress: SavedProgress,
    pace: Pace,
    last_save: (u64, Instant),
    _buffers: Lease,
}

impl Trainer {
    /// A new run in `folder`, which is made if it is not there.
    ///
    /// # Errors
    /// [`Error::Config`] if the data do not fit the configuration.
    pub fn new(
        config: TrainConfig,
        folder: &Path,
        data: TrainingSet,
        validation: TrainingSet,
        data_sha256: String,
        device: &Device,
    ) -> Result<Self, Error> {
        config.check()?;
        let channels = config.architecture.channels();
        data.check(channels, config.data.patch)?;
        if !validation.is_empty() {
            validation.check(channels, 1)?;
        }
        std::fs::create_dir_all(folder).map_err(|source| tweedie_imaging::Error::Io {
            operation: "making",
            path: folder.to_path_buf(),
            source,
        })?;
        let data = data.observed(&config)?;
        let device = device.clone().autodiff();
        let network = config.architecture.init(config.seed, &device)?.certified()?;
        let progress = SavedProgress {
            config: config.clone(),
            initial_sha256: None,
            fitted: false,
            step: 0,
            seconds: 0.0,
            loss_sum: 0.0,
            loss_count: 0,
            rows: Vec::new(),
        };
        Ok(Self {
            average: network.valid(),
            optimizer: optimizer(&config),
            spectral: Vec::new(),
            config,
            folder: folder.to_path_buf(),
            device,
            network,
            data,
            validation,
            data_sha256,
            progress,
            pace: Pace::default(),
            last_save: (0, Instant::now()),
            _buffers: Lease::new(),
        })
    }

    /// Takes the parameters of `training.initial`, where there is one, wherever name and shape are the same, such as all
    /// layers but the first and the last from a gray network for a colour one; returns their number.
    ///
    /// # Errors
    /// As [`Checkpoint::load`]; [`Error::Checkpoint`] if no parameter fits.
    pub fn start_from_initial(&mut self) -> Result<usize, Error> {
        let Some(folder) = self.config.training.initial.clone() else {
            return Ok(0);
        };
        let initial = Checkpoint::load(&folder, &self.device.clone().without_autodiff())?;
        let mut weights = weights_from_network(&initial.network)?;
        let own = weights_from_network(&self.network)?;
        weights.retain(|name, values| own.get(name).is_some_and(|own| own.dims == values.dims));
        if weights.is_empty() {
            return Err(checkpoint(
                &folder,
                "parameters of this architecture",
                "none with the same name and shape",
            ));
        }
        self.network = network_with_weights(self.network.clone(), &weights).certified()?;
        self.average = self.network.valid();
        self.progress.initial_sha256 = Some(initial.config.weights.sha256);
        Ok(weights.len())
    }

    /// Whether a run's folder holds a state to go on from.
    pub fn can_resume(folder: &Path) -> bool {
        folder.join(STATE_FILE).exists()
    }

    /// Goes on from the last save in the run's folder.
    ///
    /// # Errors
    /// [`Error::Checkpoint`] if the state is broken or belongs to another configuration (only the number of steps, the
    /// size of the batches and their crops, the rates and the clipping of the optimizer, `save` and the folders may differ).
    pub fn resume(mut self) -> Result<Self, Error> {
        let state = State::load(&self.folder, &weights_from_network(&self.network)?)?;
        let mut saved = state.progress.config.clone();
        let minutes = self.config.training.minutes;
        let fitted = state.progress.fitted && saved.training.minutes == minutes;
        if fitted && minutes.is_some() {
            self.config.training.steps = saved.training.steps;
            self.config.optimizer.warmup_steps = saved.optimizer.warmup_steps;
        }
        saved.training.steps = self.config.training.steps;
        saved.training.minutes = minutes;
        saved.training.l2_last = self.config.training.l2_last;
        // A schedule may be changed on the way: it says how to go on, not what was done.
        saved.training.batch = self.config.training.batch;
        saved.data.patch = self.config.data.patch;
        let (old, new) = (&mut saved.optimizer, &self.config.optimizer);
        old.learning_rate = new.learning_rate;
        old.final_learning_rate = new.final_learning_rate;
        old.warmup_steps = new.warmup_steps;
        old.clip_norm = new.clip_norm;
        saved.data.folders.clone_from(&self.config.data.folders);
        saved.validation.folders.clone_from(&self.config.validation.folders);
        saved.save = self.config.save.clone();
        if saved != self.config {
            let path = self.folder.join(STATE_FILE);
            return Err(checkpoint(
                &path,
                "a run with this configuration",
                "another one's state",
            ));
        }
        self.network = network_with_weights(self.network, &state.weights);
        self.average = network_with_weights(self.average, &state.average);
        self.optimizer = self.optimizer.load_record(state.optimizer);
        self.spectral = state.spectral;
        self.last_save = (state.progress.step, Instant::now());
        self.progress = SavedProgress {
            config: self.config.clone(),
            fitted,
            ..state.progress
        };
        Ok(self)
    }

    /// Steps done.
    pub fn steps_done(&self) -> u64 {
        self.progress.step
    }

    /// The number of steps of the run, once it is known: a run that shall take so many minutes chooses it after its first
    /// steps.
    pub fn steps(&self) -> Option<u64> {
        let known = self.config.training.minutes.is_none() || self.progress.fitted;
        known.then_some(self.config.training.steps)
    }

    /// Whether all steps are done.
    pub fn is_finished(&self) -> bool {
        self.steps().is_some_and(|steps| self.progress.step >= steps)
    }

    /// The rows of `train.csv` so far.
    pub fn rows(&self) -> &[TrainRow] {
        &self.progress.rows
    }

    /// One optimizer step, and whatever is due after it: a row, a validation, a save.
    ///
    /// # Errors
    /// [`Error::Diverged`] if the loss is not finite or, before a save, the weights are no denoiser's any more: `train.csv`
    /// then has the run's rows, and state and checkpoint are those of the last save. If the device fails, or a file cannot
    /// be written.
    pub fn step(&mut self) -> Result<Progress, Error> {
        let started = Instant::now();
        let step = self.progress.step;
        let batch = self.data.batch(&self.config, step, &self.device);
        let network = self.network.normalised(&mut self.spectral)?;
        let loss = objective(&self.config, &network, batch, step);
        let gradients = GradientsParams::from_grads(loss.backward(), &self.network);
        // Until the number of steps is known, no part of the cosine is.
        let on_cosine = self.steps().is_some();
        let warmup_steps = self.config.optimizer.warmup_steps;
        let rate = self
            .config
            .learning_rate(if on_cosine { step } else { step.min(warmup_steps) });
        let network = self.optimizer.step(rate, self.network.clone(), gradients);
        self.network = network.clamped()?;
        let loss: f64 = loss
            .inner()
            .try_into_scalar::<f32>()
            .map_err(|error| tweedie_imaging::Error::Device {
                reason: error.to_string(),
            })?
            .into();
        if !loss.is_finite() {
            return Err(self.diverged(format!("a loss of {loss}"), rate)?);
        }
        self.average = self.average();
        let progress = &mut self.progress;
        progress.step += 1;
        let seconds = started.elapsed().as_secs_f64();
        progress.seconds += seconds;
        self.pace.add(seconds);
        progress.loss_sum += loss;
        progress.loss_count += 1;
        self.after_step(rate)?;
        Ok(Progress {
            step: self.progress.step,
            loss,
            seconds: self.progress.seconds,
        })
    }

    /// Saves the run's state, its checkpoint (the averaged weights) and `train.csv`.
    ///
    /// # Errors
    /// If a file cannot be written.
    pub fn save(&mut self) -> Result<(), Error> {
        let state = State {
            progress: self.progress.clone(),
            weights: weights_from_network(&self.network)?,
            average: weights_from_network(&self.average)?,
            optimizer: self.optimizer.to_record(),
            spectral: self.spectral.clone(),
        };
        state.save(&self.folder)?;
        let record = TrainingRecord {
            tweedie: env!("CARGO_PKG_VERSION").to_owned(),
            steps: self.progress.step,
            seconds: self.progress.seconds.round(),
            images: self.data.len(),
            data_sha256: self.data_sha256.clone(),
            initial_sha256: self.progress.initial_sha256.clone(),
            config: self.config.clone(),
        };
        let mut config = CheckpointConfig::new(
            self.config.architecture.clone(),
            self.config.noise_range(),
            Some(record),
        );
        config.weights.precision = self.config.save.precision;
        Checkpoint {
            config,
            network: self.averaged_network()?,
        }
        .save(&self.folder)?;
        self.write_rows()?;
        self.last_save = (self.progress.step, Instant::now());
        Ok(())
    }

    fn after_step(&mut self, rate: f64) -> Result<(), Error> {
        let step = self.progress.step;
        let finished = self.is_finished();
        let minutes = self.config.training.minutes.filter(|_| self.steps().is_none());
        let minutes = minutes.filter(|minutes| self.pace.is_known(*minutes));
        let due = step.is_multiple_of(self.config.validation.every) || finished;
        let measure = !self.validation.is_empty() && (due || self.is_first_validation() || minutes.is_some());
        let started = Instant::now();
        if measure || finished || step.is_multiple_of(ROW_EVERY) {
            let validation = if measure {
                validate(self.averaged_network()?, &self.config, &self.validation, &self.device)?
            } else {
                Validation::default()
            };
            self.row(rate, validation);
        }
        if let Some(minutes) = minutes {
            let (spent_s, validation_s) = (self.progress.seconds, started.elapsed().as_secs_f64());
            self.config.fit(minutes, &self.pace, step, spent_s, validation_s);
            self.progress.config = self.config.clone();
            self.progress.fitted = true;
        }
        let (last_step, last_time) = self.last_save;
        let save = &self.config.save;
        let by_steps = save.steps > 0 && step - last_step >= save.steps;
        let by_time = save.minutes > 0.0 && last_time.elapsed().as_secs_f64() >= 60.0 * save.minutes;
        if !(by_steps || by_time || finished) {
            return Ok(());
        }
        // The loss of a step is that before it, so what this step did to the weights is not known yet.
        let error = self.errors(&self.network.valid())?.network;
        if error.is_nan() || error > LARGEST_ERROR {
            return Err(self.diverged(format!("an error of {error:.1e} where white is 1"), rate)?);
        }
        self.save()
    }

    /// The error of a diverged run, after its rows were written; its state and checkpoint stay those of the last save.
    fn diverged(&mut self, what: String, learning_rate: f64) -> Result<Error, Error> {
        self.row(learning_rate, Validation::default());
        self.write_rows()?;
        Ok(Error::Diverged {
            step: self.progress.step,
            what,
            learning_rate,
        })
    }

    /// A row of the losses since the last one, if there are any.
    fn row(&mut self, learning_rate: f64, validation: Validation) {
        let progress = &mut self.progress;
        if progress.loss_count == 0 {
            return;
        }
        progress.rows.push(TrainRow {
            step: progress.step,
            seconds: progress.seconds,
            loss: progress.loss_sum / progress.loss_count as f64,
            learning_rate,
            validation: validation.levels,
            degraded_psnr_db: validation.degraded_psnr_db,
        });
        (progress.loss_sum, progress.loss_count) = (0.0, 0);
    }

    fn write_rows(&self) -> Result<(), Error> {
        let csv = csv_from_rows(&self.progress.rows);
        tensor_file::write(&self.folder.join("train.csv"), csv.as_bytes())
    }

    /// Whether the averaged weights denoise the next batch worse than doing nothing would; never where clean pictures are
    /// not seen.
    ///
    /// # Errors
    /// If the device fails.
    pub fn is_worse_than_nothing(&self) -> Result<bool, Error> {
        if !self.config.supervision.is_clean() {
            return Ok(false);
        }
        let Errors { network, input } = self.errors(&self.averaged_network()?)?;
        // Without noise nothing is best, and what is left is what the network cannot keep.
        Ok(network.is_nan() || network > input.max(LEAST_ERROR))
    }

    /// Root mean square errors on the next batch, of the estimates and of the noisy crops; without clean pictures, the
    /// distance of the estimates from the crops.
    fn errors(&self, network: &Network) -> Result<Errors, Error> {
        let batch = self.data.batch(
            &self.config,
            self.progress.step,
            &self.device.clone().without_autodiff(),
        );
        let estimate = network.forward(batch.noisy.clone(), batch.sigma);
        let target = batch.target.unwrap_or_else(|| batch.noisy.clone());
        let rms = |x: Tensor<4>| {
            let value = (x - target.clone()).square().mean().sqrt().try_into_scalar::<f32>();
            value.map(f64::from).map_err(|error| tweedie_imaging::Error::Device {
                reason: error.to_string(),
            })
        };
        Ok(Errors {
            network: rms(estimate)?,
            input: rms(batch.noisy)?,
        })
    }

    /// Whether nothing was measured yet and it is time to see whether the run goes well.
    fn is_first_validation(&self) -> bool {
        let progress = &self.progress;
        let by_share = self
            .steps()
            .is_some_and(|steps| progress.step * FIRST_VALIDATION_SHARE >= steps);
        let is_time = progress.seconds >= FIRST_VALIDATION_S || by_share;
        is_time && progress.rows.iter().all(|row| row.validation.is_empty())
    }

    /// average <- d average + (1 - d) weights, where d rises to the configured decay over the first steps so that the
    /// average forgets the initial weights.
    fn average(&self) -> Network {
        let step = self.progress.step as f64;
        let decay = self.config.training.ema_decay.min((1.0 + step) / (10.0 + step)) as f32;
        moved_towards(self.average.clone(), &self.network.valid(), 1.0 - decay)
    }

    /// Means of weights meet the bounds that the weights meet; what is left is the estimates' error.
    fn averaged_network(&self) -> Result<Network, Error> {
        let network = if self.config.training.ema_decay > 0.0 {
            self.average.clone()
        } else {
            self.network.valid()
        };
        network.certified()
    }
}
