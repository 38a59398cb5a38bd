//! A job on the library's threads, while the interpreter is free: what it tells, and how it is stopped.

use std::any::Any;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use tweedie::Events;
use tweedie::events::{Progress, TrainingStep};
use tweedie::solvers::TraceRow;

use crate::failure::failure;
use crate::pool::Lease;

/// How often Python is asked whether Ctrl-C was pressed.
const ASK_EVERY: Duration = Duration::from_millis(50);

/// A row of a trace: iteration, seconds, sigma, fixed-point residual, relative change, objective, PSNR, denoiser calls.
pub type Row = (u32, f64, f64, f64, Option<f64>, Option<f64>, Option<f64>, u32);

/// What Python sees of a row of a trace.
pub fn row(row: &TraceRow) -> Row {
    (
        row.iter,
        row.solver_s,
        row.sigma.value(),
        row.fixed_point_residual,
        row.rel_change,
        row.objective,
        row.psnr_db,
        row.work.denoiser_calls,
    )
}

/// What a job tells while it works.
enum Message<T> {
    Note(String),
    Iteration(Row),
    Step(u64, Option<u64>, f64),
    Over(std::thread::Result<tweedie::Result<T>>),
}

/// Sends what the job tells to the thread that waits for it.
pub struct Listener {
    send: Box<dyn Fn(Told) + Send + Sync>,
    cancel: Arc<AtomicBool>,
}

/// What a listener is told.
enum Told {
    Note(String),
    Iteration(Row),
    Step(u64, Option<u64>, f64),
}

impl Listener {
    fn new<T: Send + 'static>(sender: Sender<Message<T>>, cancel: Arc<AtomicBool>) -> Self {
        let send = move |told| {
            // Nobody waits any more: then nobody wants to know.
            let _ = sender.send(match told {
                Told::Note(text) => Message::Note(text),
                Told::Iteration(row) => Message::Iteration(row),
                Told::Step(step, steps, loss) => Message::Step(step, steps, loss),
            });
        };
        Self {
            send: Box::new(send),
            cancel,
        }
    }

    /// Whether the job is to stop.
    pub fn is_cancelled(&self) -> bool {
        self.cancel.load(Ordering::Relaxed)
    }
}

impl Events for Listener {
    fn note(&self, text: &str) {
        (self.send)(Told::Note(text.to_owned()));
    }

    fn progress(&self, _: Progress<'_>) {}

    fn iteration(&self, _: &str, trace: &TraceRow) {
        (self.send)(Told::Iteration(row(trace)));
    }

    fn training_step(&self, step: &TrainingStep<'_>) {
        (self.send)(Told::Step(step.step, step.steps, step.loss));
    }

    fn cancel_flag(&self) -> Option<Arc<AtomicBool>> {
        Some(Arc::clone(&self.cancel))
    }
}

/// Does a job on `threads` threads. Python's other threads go on; `tell(kind, value)` is called with what the job tells;
/// Ctrl-C, or an error of `tell`, has the job stop at its next opportunity, and is raised then.
///
/// # Errors
/// What the job, `tell` or a signal handler raises.
pub fn run<T: Send + 'static>(
    py: Python<'_>,
    threads: NonZeroUsize,
    tell: Option<&Bound<'_, PyAny>>,
    job: impl FnOnce(&Listener) -> tweedie::Result<T> + Send + 'static,
) -> PyResult<T> {
    let pool = Lease::take(py, threads).map_err(|error| failure(&error))?;
    let (sender, receiver) = mpsc::channel();
    let receiver = Mutex::new(receiver);
    let cancel = Arc::new(AtomicBool::new(false));
    let listener = Listener::new(sender.clone(), Arc::clone(&cancel));
    pool.spawn(move || {
        let outcome = catch_unwind(AssertUnwindSafe(|| job(&listener)));
        drop(listener);
        let _ = sender.send(Message::Over(outcome));
    });
    let mut stopped_by: Option<PyErr> = None;
    loop {
        let message = py.detach(|| {
            let receiver = receiver.lock().unwrap_or_else(PoisonError::into_inner);
            receiver.recv_timeout(ASK_EVERY)
        });
        let told = match message {
            Ok(Message::Over(outcome)) => {
                return match (stopped_by, outcome) {
                    (Some(error), _) => Err(error),
                    (None, Ok(done)) => done.map_err(|error| failure(&error)),
                    (None, Err(panic)) => Err(PyRuntimeError::new_err(text_of(panic.as_ref()))),
                };
            }
            Ok(message) => tell_python(tell.filter(|_| stopped_by.is_none()), message),
            Err(RecvTimeoutError::Timeout) => Ok(()),
            Err(RecvTimeoutError::Disconnected) => {
                return Err(PyRuntimeError::new_err("the job ended without a result"));
            }
        };
        if let Err(error) = told.and_then(|()| py.check_signals()) {
            cancel.store(true, Ordering::Relaxed);
            stopped_by.get_or_insert(error);
        }
    }
}

fn tell_python<T>(tell: Option<&Bound<'_, PyAny>>, message: Message<T>) -> PyResult<()> {
    let Some(tell) = tell else { return Ok(()) };
    match message {
        Message::Note(text) => tell.call1(("note", text)).map(drop),
        Message::Iteration(row) => tell.call1(("iteration", row)).map(drop),
        Message::Step(step, steps, loss) => tell.call1(("step", (step, steps, loss))).map(drop),
        Message::Over(_) => Ok(()),
    }
}

fn text_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    format!("a bug in tweedie, please report it: {}", text.unwrap_or("it panicked"))
}
