//! `tweedie train`

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use anyhow::{Context, bail};
use clap::Args;
use serde::Serialize;
use tweedie_imaging::{ColorMode, image_files, read_image, sha256_bytes};
use tweedie_model::train::{TrainConfig, TrainRow, Trainer, TrainingSet};

use crate::options::{Common, FileHash};
use crate::{Outcome, interrupt, output};

/// Without a validation folder, one image in so many is kept apart from training.
const HELD_OUT: usize = 20;

/// Trains a denoiser; interrupt it at any time and go on with --resume
#[derive(Args)]
pub struct Train {
    /// Configuration in TOML
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Folders of images, instead of those of the configuration
    #[arg(long, value_name = "DIR")]
    data: Vec<PathBuf>,
    /// Folder of the run, which becomes the checkpoint
    #[arg(long, value_name = "DIR", default_value = "runs/train")]
    out: PathBuf,
    /// Go on from the state in --out
    #[arg(long)]
    resume: bool,
    /// Steps, instead of those of the configuration
    #[arg(long, value_name = "N")]
    steps: Option<u64>,
    #[command(flatten)]
    common: Common,
}

#[derive(Serialize)]
struct Result<'a> {
    checkpoint: String,
    step: u64,
    last: Option<&'a TrainRow>,
}

impl Train {
    pub fn run(self) -> anyhow::Result<Outcome> {
        let session = self.common.start()?;
        let interrupted = interrupt::flag()?;
        let mut config = TrainConfig::load(&self.config)?;
        if !self.data.is_empty() {
            config.data.folders.clone_from(&self.data);
        }
        if let Some(steps) = self.steps {
            config.training.steps = steps;
        }
        if self.resume != Trainer::can_resume(&self.out) {
            let (expected, got) = if self.resume { ("a run's state", "none") } else { ("no earlier run, or --resume", "one") };
            bail!("{}: expected {expected}, got {got}", self.out.display());
        }
        let mode = if config.architecture.channels() == 1 { ColorMode::Gray } else { ColorMode::Rgb };
        let (mut images, files) = load(&config.data.folders, mode)?;
        let hashes: String = files.iter().map(|file| format!("{}\n", file.sha256)).collect();
        let validation = if config.validation.folders.is_empty() {
            hold_out(&mut images, config.validation.images)
        } else {
            let mut held = load(&config.validation.folders, mode)?.0;
            held.truncate(config.validation.images);
            held
        };
        let (data, validation) = (training_set(images)?, training_set(validation)?);
        let (steps, batch) = (config.training.steps, config.training.batch);
        let sha256 = sha256_bytes(hashes.as_bytes());
        let mut trainer = Trainer::new(config, &self.out, data, validation, sha256, &session.device)?;
        if self.resume {
            trainer = trainer.resume()?;
        }
        let template = "{bar:30} {pos}/{len} {msg} ETA {eta}";
        let bar = output::bar(steps, session.quiet, template);
        bar.set_position(trainer.steps_done());
        let lines = !session.quiet && !std::io::stderr().is_terminal();
        let (first, started) = (trainer.steps_done(), std::time::Instant::now());
        let mut stopped = false;
        while !trainer.is_finished() {
            if interrupted.load(Ordering::Relaxed) {
                trainer.save()?;
                stopped = true;
                break;
            }
            let progress = trainer.step()?;
            let rate = ((progress.step - first) as usize * batch) as f64 / started.elapsed().as_secs_f64();
            let last = trainer.rows().iter().rev().find(|row| !row.validation.is_empty());
            let psnr = last.map_or(String::new(), |row| {
                row.validation.iter().map(|entry| format!(" {:.2}", entry.psnr_db)).collect::<String>()
            });
            let message = format!("loss {:.5} PSNR{psnr} dB, {rate:.0} images/s", progress.loss);
            if lines && progress.step.is_multiple_of(100) {
                eprintln!("step {}/{steps} {message}", progress.step);
            }
            bar.set_position(progress.step);
            bar.set_message(message);
        }
        bar.finish();
        let result = Result {
            checkpoint: self.out.display().to_string(),
            step: trainer.steps_done(),
            last: trainer.rows().last(),
        };
        session.finish("train", &[result], &files)?;
        Ok(if stopped { Outcome::Interrupted } else { Outcome::Done })
    }
}

type Photograph = ([usize; 3], Vec<f32>);

fn load(folders: &[PathBuf], mode: ColorMode) -> anyhow::Result<(Vec<Photograph>, Vec<FileHash>)> {
    let (mut images, mut files) = (Vec::new(), Vec::new());
    for folder in folders {
        for path in image_files(folder).with_context(|| format!("training images in {}", Path::display(folder)))? {
            let loaded = read_image(&path, mode)?;
            let [n, c, h, w] = loaded.dims;
            let size = c * h * w;
            images.extend((0..n).map(|i| ([c, h, w], loaded.values[i * size..(i + 1) * size].to_vec())));
            files.push(FileHash { path: path.display().to_string(), sha256: loaded.sha256 });
        }
    }
    Ok((images, files))
}

/// Takes every 20th image out, and returns the first `most` of them.
fn hold_out(images: &mut Vec<Photograph>, most: usize) -> Vec<Photograph> {
    let mut held = Vec::new();
    let mut index = 0;
    images.retain_mut(|image| {
        index += 1;
        let out = index % HELD_OUT == 0;
        if out && held.len() < most {
            held.push(std::mem::take(image));
        }
        !out
    });
    held
}

fn training_set(images: Vec<Photograph>) -> anyhow::Result<TrainingSet> {
    let mut set = TrainingSet::default();
    for (dims, values) in images {
        set.push(dims, values)?;
    }
    Ok(set)
}
