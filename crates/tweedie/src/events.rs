//! What a caller learns of a job while it works, and how it stops it.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::Serialize;
use tweedie_imaging::{ColorMode, LoadedImage, read_image, sha256_file};
use tweedie_model::train::TrainRow;
use tweedie_solver::TraceRow;

use crate::Result;

/// The listener of a job. Every method has a default that does nothing; `()` listens to nothing.
///
/// Methods take `&self`: a listener that keeps something uses a `Cell`, a `RefCell` or a lock.
pub trait Events {
    /// Something that the user should know: a default that was taken, an input that was left out.
    fn note(&self, text: &str) {
        let _ = text;
    }

    /// What is done, for those who want to follow it in detail.
    fn detail(&self, text: &str) {
        let _ = text;
    }

    /// A file was read; `sha256` is that of its bytes, in hexadecimal.
    fn file_read(&self, path: &Path, sha256: &str) {
        let _ = (path, sha256);
    }

    /// The work goes on.
    fn progress(&self, progress: Progress<'_>) {
        let _ = progress;
    }

    /// A solver did an iteration on the image `name`.
    fn iteration(&self, name: &str, row: &TraceRow) {
        let _ = (name, row);
    }

    /// A training run did a step.
    fn training_step(&self, step: &TrainingStep<'_>) {
        let _ = step;
    }

    /// The flag that asks the job to stop; it is looked at before each image and each iteration.
    fn cancel_flag(&self) -> Option<Arc<AtomicBool>> {
        None
    }
}

/// Listens to nothing.
impl Events for () {}

/// How far a job is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress<'a> {
    /// A part of the work begins; it has `total` units.
    Begin {
        /// Units of work.
        total: u64,
        /// What is counted.
        unit: Unit,
    },
    /// What is worked on.
    At(&'a str),
    /// So many further units are done.
    Done(u64),
    /// The part that began last is over.
    End,
}

/// What [`Progress`] counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Images.
    Images,
    /// Noise levels.
    Levels,
    /// Runs of solvers.
    Runs,
    /// Training steps.
    Steps,
}

/// A training step that was done.
#[derive(Clone, Copy, Debug)]
pub struct TrainingStep<'a> {
    /// Its number, from 1.
    pub step: u64,
    /// Steps of the run, where they are known: a run of some minutes chooses them after its first ones.
    pub steps: Option<u64>,
    /// Images of a step.
    pub batch: usize,
    /// Its loss.
    pub loss: f64,
    /// The log so far.
    pub rows: &'a [TrainRow],
}

/// sha256 of a file that was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FileHash {
    /// The file, as it was named.
    pub path: String,
    /// Of its bytes, in hexadecimal.
    pub sha256: String,
}

impl dyn Events + '_ {
    /// Whether the job is to stop.
    pub fn is_cancelled(&self) -> bool {
        self.cancel_flag().is_some_and(|flag| flag.load(Ordering::Relaxed))
    }

    /// A part of the work begins.
    pub(crate) fn begin(&self, total: usize, unit: Unit) {
        self.progress(Progress::Begin {
            total: total as u64,
            unit,
        });
    }

    /// Reads an image and reports it.
    pub(crate) fn read_image(&self, path: &Path, mode: ColorMode) -> Result<LoadedImage> {
        let loaded = read_image(path, mode)?;
        self.file_read(path, &loaded.sha256);
        Ok(loaded)
    }

    /// Hashes a file that something else reads, and reports it.
    pub(crate) fn hash_file(&self, path: &Path) -> Result<String> {
        let sha256 = sha256_file(path)?;
        self.file_read(path, &sha256);
        Ok(sha256)
    }
}
