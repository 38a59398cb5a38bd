//! Threads: a pool for each job at work, made anew in a process that was forked.

use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};

use pyo3::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};

/// The stack of a thread, as large as that of a program's main thread.
const STACK_BYTES: usize = 8 << 20;

/// Pools that wait for work are kept up to this number: one for each thread of a program that calls from several.
const MOST_IDLE: usize = 8;

/// Pools that wait for work.
struct Idle {
    /// The process whose threads they have.
    process: u32,
    pools: Vec<(usize, ThreadPool)>,
}

/// Held for a moment by a thread that holds the interpreter, as whoever forks does too: so no child finds it locked.
static IDLE: Mutex<Option<Idle>> = Mutex::new(None);

/// A pool of one job. Jobs share none: one that waits for a part of its work would begin another job meanwhile, however long that is;
/// and a job that calls Python which begins another one would wait for itself.
pub struct Lease {
    pool: Option<ThreadPool>,
    threads: usize,
}

/// The idle pools of this process. A child of `fork` has none of its parent's threads, so it begins with none.
fn idle(held: &mut Option<Idle>) -> &mut Vec<(usize, ThreadPool)> {
    let process = std::process::id();
    if held.as_ref().is_some_and(|idle| idle.process != process) {
        // Ending a pool tells threads that are not there, and may wait for locks that nobody gives back.
        std::mem::forget(held.take());
    }
    let idle = held.get_or_insert_with(|| Idle {
        process,
        pools: Vec::new(),
    });
    &mut idle.pools
}

impl Lease {
    /// A pool with so many threads, until this is dropped.
    ///
    /// # Errors
    /// If the system gives no threads.
    pub fn take(_: Python<'_>, threads: NonZeroUsize) -> tweedie::Result<Self> {
        let threads = threads.get();
        let mut held = IDLE.lock().unwrap_or_else(PoisonError::into_inner);
        let pools = idle(&mut held);
        let pool = match pools.iter().rposition(|(number, _)| *number == threads) {
            Some(index) => pools.remove(index).1,
            None => ThreadPoolBuilder::new()
                .num_threads(threads)
                .stack_size(STACK_BYTES)
                .thread_name(|number| format!("tweedie-{number}"))
                .build()
                .map_err(std::io::Error::other)?,
        };
        Ok(Self {
            pool: Some(pool),
            threads,
        })
    }

    /// Begins the job.
    pub fn spawn(&self, job: impl FnOnce() + Send + 'static) {
        if let Some(pool) = &self.pool {
            pool.spawn(job);
        }
    }
}

impl Drop for Lease {
    /// By the thread that took it, with the interpreter.
    fn drop(&mut self) {
        let mut held = IDLE.lock().unwrap_or_else(PoisonError::into_inner);
        let pools = idle(&mut held);
        pools.extend(self.pool.take().map(|pool| (self.threads, pool)));
        if pools.len() > MOST_IDLE {
            // The one that has waited longest.
            pools.remove(0);
        }
    }
}

/// As many threads as the process may use cores.
#[pyfunction]
pub fn default_threads() -> usize {
    std::thread::available_parallelism().map_or(1, NonZeroUsize::get)
}
