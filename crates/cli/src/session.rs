//! A command at work: its device, what it prints, what it read, and its JSON.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use serde::Serialize;
use serde_json::{Map, Value};
use tweedie::burn::tensor::Device;
use tweedie::device::start_threads;
use tweedie::document::{Document, is_free};
use tweedie::events::{FileHash, Progress, TrainingStep, Unit};
use tweedie::imaging::{sha256_file, write_atomic};
use tweedie::inputs::Input;
use tweedie::output::require_separate;
use tweedie::provenance::{Provenance, arguments, command_line};
use tweedie::solvers::TraceRow;
use tweedie::{Events, kernels};

use crate::options::Common;
use crate::output::print;
use crate::progress::Display;
use crate::{Outcome, interrupt, one_line};

/// Finished results are written to a JSON file at most this often while a command runs.
const SAVE_EVERY: Duration = Duration::from_secs(2);

/// A command at work.
pub struct Session {
    pub device: Device,
    pub device_name: String,
    pub threads: usize,
    /// Raised by SIGINT and SIGTERM.
    pub interrupt: Arc<AtomicBool>,
    pub quiet: bool,
    pub verbose: bool,
    command: &'static str,
    /// Where the JSON goes: files, or "-" for standard output.
    json: RefCell<Vec<String>>,
    started: Instant,
    files: RefCell<Vec<FileHash>>,
    facts: RefCell<Map<String, Value>>,
    display: Display,
    /// Whether the outputs may be written, once that was checked.
    claimed: Cell<Option<bool>>,
    /// Why a line for people could not be printed.
    unprinted: RefCell<Option<anyhow::Error>>,
}

/// The results of a command, saved as they come.
pub struct Results<'a, T> {
    session: &'a Session,
    items: Vec<T>,
    failed: Vec<Failed>,
    /// Inputs that did not fail.
    worked_on: usize,
    saved: Instant,
}

/// An input of several that could not be worked on.
#[derive(Serialize)]
struct Failed {
    name: String,
    error: String,
}

impl Session {
    /// Opens the device, sets the number of threads and listens for signals.
    pub fn start(command: &'static str, common: &Common) -> anyhow::Result<Self> {
        let kernel = kernels::active_kernel().context("choosing the CPU's convolution kernel")?;
        let threads = start_threads(common.threads)?;
        let (device, device_name) = common.device.open()?;
        let session = Self {
            device,
            device_name,
            threads,
            interrupt: interrupt::flag()?,
            quiet: common.quiet,
            verbose: common.verbose,
            command,
            json: RefCell::new(common.json.clone().into_iter().collect()),
            started: Instant::now(),
            files: RefCell::default(),
            facts: RefCell::default(),
            display: Display::new(common.quiet),
            claimed: Cell::new(None),
            unprinted: RefCell::new(None),
        };
        session.detail(&format!(
            "device {}, {threads} threads, convolution kernel {}",
            session.device_name,
            kernel.name()
        ));
        Ok(session)
    }

    /// Prints a line of results for people: on standard output, unless that takes the JSON. The work goes on if it cannot
    /// be printed, and the command fails in the end.
    pub fn say(&self, line: impl fmt::Display) {
        if !self.quiet && !self.json.borrow().iter().any(|target| target == "-") {
            let mut printed = Ok(());
            self.display.suspend(|| printed = print(&format!("{line}\n")));
            if let Err(error) = printed {
                self.unprinted.borrow_mut().get_or_insert(error);
            }
        }
    }

    /// Says on standard error what went wrong with one of several inputs.
    fn complain(&self, error: &str) {
        self.display
            .suspend(|| drop(writeln!(std::io::stderr(), "error: {error}")));
    }

    /// Whether a signal asked to stop.
    pub fn is_interrupted(&self) -> bool {
        self.interrupt.load(Ordering::Relaxed)
    }

    /// Hashes a file that something else reads.
    pub fn hash_file(&self, path: &Path) -> anyhow::Result<String> {
        let sha256 = sha256_file(path)?;
        self.file_read(path, &sha256);
        Ok(sha256)
    }

    /// Checks that the command's outputs and its JSON may be written: none of them is one of its inputs, each is new or
    /// replaces an ordinary file. Every command asks before it writes.
    pub fn claim(
        &self,
        outputs: impl IntoIterator<Item = PathBuf>,
        inputs: impl IntoIterator<Item = PathBuf>,
    ) -> anyhow::Result<()> {
        let json = self.json.borrow();
        let targets = json.iter().filter(|target| *target != "-").map(PathBuf::from);
        let checked = require_separate(outputs.into_iter().chain(targets), inputs);
        self.claimed
            .set(Some(checked.is_ok() && self.claimed.get() != Some(false)));
        Ok(checked?)
    }

    /// Adds a key to the JSON beside the results, such as the manifest as it was understood.
    pub fn fact(&self, key: &str, value: impl Serialize) -> anyhow::Result<()> {
        let value = serde_json::to_value(value).context("writing JSON")?;
        self.facts.borrow_mut().insert(key.to_owned(), value);
        Ok(())
    }

    /// Writes the JSON to this file as well.
    pub fn also_json(&self, path: &Path) {
        self.json.borrow_mut().push(path.display().to_string());
    }

    /// How the results are made, for pages.
    pub fn provenance(&self) -> Provenance {
        Provenance {
            command: command_line(),
            device: self.device_name.clone(),
            threads: self.threads,
            files: self.files.borrow().clone(),
        }
    }

    /// Runs the body of a command; its results, as far as they go, are in the JSON also if it fails.
    pub fn run<T: Serialize>(
        &self,
        body: impl FnOnce(&mut Results<'_, T>) -> anyhow::Result<Outcome>,
    ) -> anyhow::Result<Outcome> {
        let mut results = Results {
            session: self,
            items: Vec::new(),
            failed: Vec::new(),
            worked_on: 0,
            saved: self.started,
        };
        let outcome = body(&mut results).and_then(|outcome| results.judged(outcome));
        let outcome = match (outcome, self.unprinted.take()) {
            (Ok(_), Some(error)) => Err(error),
            (outcome, _) => outcome,
        };
        let (status, error) = match &outcome {
            Ok(Outcome::Done) => ("done", None),
            Ok(Outcome::Interrupted) => ("interrupted", None),
            Err(error) => ("failed", Some(one_line(error))),
        };
        let written = self.write_json(status, error, &results.items);
        // The first error is the one to report.
        outcome.and_then(|outcome| written.map(|()| outcome))
    }

    fn write_json<T: Serialize>(&self, status: &'static str, error: Option<String>, items: &[T]) -> anyhow::Result<()> {
        match self.claimed.get() {
            Some(true) => {}
            // The error says why.
            Some(false) => return Ok(()),
            // It failed before it knew its inputs; what may be one of them stays as it is.
            None if self
                .json
                .borrow()
                .iter()
                .all(|target| target == "-" || is_free(Path::new(target))) => {}
            None => return Ok(()),
        }
        let targets = self.json.borrow();
        if targets.is_empty() {
            return Ok(());
        }
        let document = Document {
            command: self.command,
            status,
            error,
            device: &self.device_name,
            threads: self.threads,
            seconds: self.started.elapsed().as_secs_f64(),
            arguments: arguments(),
            results: items,
            files: &self.files.borrow(),
            facts: &self.facts.borrow(),
        };
        let text = document.text()?;
        for target in targets.iter() {
            match target.as_str() {
                // Once, at the end.
                "-" if status == "running" => {}
                "-" => print(&text)?,
                file => write_atomic(Path::new(file), |file| file.write_all(text.as_bytes()))?,
            }
        }
        Ok(())
    }
}

impl Events for Session {
    /// On standard error.
    fn note(&self, text: &str) {
        if !self.quiet {
            self.display
                .suspend(|| drop(writeln!(std::io::stderr(), "note: {text}")));
        }
    }

    /// On standard error, with --verbose.
    fn detail(&self, text: &str) {
        if self.verbose {
            self.display.suspend(|| drop(writeln!(std::io::stderr(), "{text}")));
        }
    }

    /// Recorded once for the JSON.
    fn file_read(&self, path: &Path, sha256: &str) {
        let file = FileHash {
            path: path.display().to_string(),
            sha256: sha256.to_owned(),
        };
        let mut files = self.files.borrow_mut();
        if !files.contains(&file) {
            files.push(file);
        }
    }

    fn progress(&self, progress: Progress<'_>) {
        self.display.progress(progress);
    }

    fn iteration(&self, name: &str, row: &TraceRow) {
        let psnr = row.psnr_db.map_or(String::new(), |psnr| format!(", {psnr:.2} dB"));
        let (residual, sigma) = (row.fixed_point_residual, row.sigma);
        let text = format!("{name}: iteration {}, residual {residual:.1e}{psnr}", row.iter);
        self.display.progress(Progress::At(&text));
        if self.verbose {
            self.detail(&format!(
                "{name} {}: sigma {sigma}, residual {residual:.3e}{psnr}",
                row.iter
            ));
        }
    }

    fn training_step(&self, step: &TrainingStep<'_>) {
        self.display.training_step(step);
        if self.verbose && step.rows.last().is_some_and(|row| row.step == step.step) {
            self.detail(&format!("step {}: {:?}", step.step, step.rows.last()));
        }
    }

    fn cancel_flag(&self) -> Option<Arc<AtomicBool>> {
        Some(Arc::clone(&self.interrupt))
    }
}

impl<T: Serialize> Results<'_, T> {
    /// Adds a finished result; a JSON file is brought up to date, so that a killed command loses little.
    pub fn push(&mut self, item: T) -> anyhow::Result<()> {
        self.items.push(item);
        let to_file = self.session.json.borrow().iter().any(|target| target != "-");
        if to_file && self.saved.elapsed() >= SAVE_EVERY {
            self.session.write_json("running", None, &self.items)?;
            self.saved = Instant::now();
        }
        Ok(())
    }

    /// [`Self::each_of_several`] with one result for each input.
    pub fn each<I>(
        &mut self,
        inputs: &[I],
        of: impl Fn(&I) -> &Input,
        mut work: impl FnMut(&I) -> tweedie::Result<Option<T>>,
    ) -> anyhow::Result<Outcome> {
        self.each_of_several(inputs, of, |input| Ok(work(input)?.map(|item| vec![item])))
    }

    /// Works on each input in turn; of several one that fails is told, and the others have their turn. `None` is an interruption.
    pub fn each_of_several<I>(
        &mut self,
        inputs: &[I],
        of: impl Fn(&I) -> &Input,
        mut work: impl FnMut(&I) -> tweedie::Result<Option<Vec<T>>>,
    ) -> anyhow::Result<Outcome> {
        let session = self.session;
        session.progress(Progress::Begin {
            total: inputs.len() as u64,
            unit: Unit::Images,
        });
        for input in inputs {
            let Input { path, name, .. } = of(input);
            if session.is_interrupted() {
                return Ok(Outcome::Interrupted);
            }
            match work(input).map_err(|error| error.in_file(path)) {
                Ok(None) => return Ok(Outcome::Interrupted),
                Ok(Some(items)) => {
                    self.worked_on += 1;
                    items.into_iter().try_for_each(|item| self.push(item))?;
                }
                Err(error) if inputs.len() == 1 || error.is_of_output() => return Err(error.into()),
                Err(error) => {
                    let error = error.one_line();
                    session.complain(&error);
                    let name = name.clone();
                    self.failed.push(Failed { name, error });
                }
            }
            session.progress(Progress::Done(1));
        }
        session.progress(Progress::End);
        Ok(Outcome::Done)
    }

    /// The outcome, which inputs that failed make an error.
    fn judged(&self, outcome: Outcome) -> anyhow::Result<Outcome> {
        let Some(first) = self.failed.first() else {
            return Ok(outcome);
        };
        self.session.fact("failed", &self.failed)?;
        let (failed, total) = (self.failed.len(), self.failed.len() + self.worked_on);
        match outcome {
            Outcome::Interrupted => Ok(outcome),
            Outcome::Done => bail!("{failed} of {total} inputs failed; the first: {}", first.error),
        }
    }

    /// The results so far.
    pub fn items(&self) -> &[T] {
        &self.items
    }
}
