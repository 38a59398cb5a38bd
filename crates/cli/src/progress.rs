//! Progress on standard error: a bar on a terminal, lines elsewhere.

use std::cell::RefCell;
use std::io::{IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use tweedie::events::{Progress, TrainingStep, Unit};
use tweedie::model::train::ValidationPsnr;

/// Lines of a training run are printed at most this often where there is no terminal for a bar.
const LINE_EVERY: Duration = Duration::from_secs(30);

/// The same of other work.
const COUNT_EVERY: Duration = Duration::from_secs(60);

/// A bar over `len` steps; invisible if `quiet`, and unless standard error is a terminal.
pub fn bar(quiet: bool, len: u64, template: &str) -> ProgressBar {
    if quiet || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(len);
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar
}

/// What is shown while a command works.
pub struct Display {
    quiet: bool,
    bar: RefCell<Option<ProgressBar>>,
    count: RefCell<Option<Count>>,
    training: RefCell<Option<Training>>,
}

/// Work that is counted where there is no bar.
struct Count {
    unit: Unit,
    started: Instant,
    last_line: Instant,
    done: u64,
    total: u64,
}

impl Count {
    fn add(&mut self, units: u64) {
        self.done += units;
        if self.last_line.elapsed() < COUNT_EVERY || self.done >= self.total {
            return;
        }
        self.last_line = Instant::now();
        let Self { done, total, unit, .. } = self;
        let left = self.started.elapsed().as_secs_f64() / *done as f64 * (*total - *done) as f64;
        let what = match unit {
            Unit::Images => "images",
            Unit::Levels => "levels",
            Unit::Runs => "runs",
            Unit::Steps => return,
        };
        let _ = writeln!(
            std::io::stderr(),
            "{done} of {total} {what}, {:.0} min left",
            (left / 60.0).ceil()
        );
    }
}

/// A training run that is shown.
struct Training {
    started: Instant,
    last_line: Instant,
    /// Steps since it started.
    done: u32,
    /// Mean loss of the last hundred steps or so.
    loss: Option<f64>,
}

impl Display {
    pub fn new(quiet: bool) -> Self {
        Self {
            quiet,
            bar: RefCell::new(None),
            count: RefCell::new(None),
            training: RefCell::new(None),
        }
    }

    /// Prints something without disturbing the bar.
    pub fn suspend(&self, print: impl FnOnce()) {
        match &*self.bar.borrow() {
            Some(bar) => bar.suspend(print),
            None => print(),
        }
    }

    pub fn progress(&self, progress: Progress<'_>) {
        if let Progress::Begin { total, unit } = progress {
            let template = match unit {
                Unit::Images => "{bar:30} {pos}/{len} images {wide_msg} ETA {eta}",
                Unit::Levels => "{bar:30} {pos}/{len} levels {wide_msg} ETA {eta}",
                Unit::Runs => "{bar:30} {pos}/{len} runs {wide_msg} ETA {eta}",
                Unit::Steps => "{bar:30} {pos}/{len} {wide_msg} ETA {eta}",
            };
            *self.bar.borrow_mut() = Some(bar(self.quiet, total, template));
            let now = Instant::now();
            let lines = !self.quiet && !std::io::stderr().is_terminal();
            *self.count.borrow_mut() = lines.then_some(Count {
                unit,
                started: now,
                last_line: now,
                done: 0,
                total,
            });
            *self.training.borrow_mut() = (unit == Unit::Steps).then_some(Training {
                started: now,
                last_line: now,
                done: 0,
                loss: None,
            });
        }
        if let Some(bar) = &*self.bar.borrow() {
            match progress {
                Progress::Begin { .. } => {}
                Progress::At(text) => bar.set_message(text.to_owned()),
                Progress::Done(units) => bar.inc(units),
                Progress::End => bar.finish_and_clear(),
            }
        }
        if let (Progress::Done(units), Some(count)) = (progress, &mut *self.count.borrow_mut()) {
            count.add(units);
        }
        if progress == Progress::End {
            *self.bar.borrow_mut() = None;
            *self.count.borrow_mut() = None;
        }
    }

    pub fn training_step(&self, done: &TrainingStep<'_>) {
        let TrainingStep {
            step,
            steps,
            batch,
            loss,
            rows,
        } = *done;
        let mut training = self.training.borrow_mut();
        let Some(run) = training.as_mut() else { return };
        run.done += 1;
        let mean = run.loss.map_or(loss, |mean| mean + 0.02 * (loss - mean));
        run.loss = Some(mean);
        let per_step = run.started.elapsed().as_secs_f64() / f64::from(run.done);
        let last = rows.iter().rev().find(|row| !row.validation.is_empty());
        let psnr = last.map_or(String::new(), |row| {
            let level = |entry: &ValidationPsnr| format!(" {:.2}", entry.psnr_db);
            let degraded = row.degraded_psnr_db.map(|psnr_db| format!(", degraded {psnr_db:.2}"));
            let levels: String = row.validation.iter().map(level).collect();
            format!(", PSNR{levels}{} dB", degraded.unwrap_or_default())
        });
        let rate = batch as f64 / per_step;
        let message = format!("loss {mean:.5}{psnr}, {rate:.0} images/s");
        let lines = !self.quiet && !std::io::stderr().is_terminal();
        if lines && (run.last_line.elapsed() >= LINE_EVERY || Some(step) == steps) {
            run.last_line = Instant::now();
            match steps {
                Some(steps) => {
                    let left = per_step * (steps - step) as f64;
                    let left = left / 60.0;
                    let _ = writeln!(std::io::stderr(), "step {step}/{steps}, {message}, {left:.0} min left");
                }
                None => drop(writeln!(std::io::stderr(), "step {step}, {message}")),
            }
        }
        if let (Some(bar), Some(steps)) = (&*self.bar.borrow(), steps) {
            bar.set_length(steps);
        }
        self.progress(Progress::At(&message));
    }
}
