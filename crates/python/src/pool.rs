//! Threads: a pool for each number of them, made anew in a process that was forked.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};

use pyo3::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};

/// The stack of a thread, as large as that of a program's main thread.
const STACK_BYTES: usize = 8 << 20;

/// The pools of a process.
struct Pools {
    process: u32,
    by_threads: HashMap<usize, Arc<ThreadPool>>,
}

/// Held for a moment by a thread that holds the interpreter, as whoever forks does too: so no child finds it locked.
static POOLS: Mutex<Option<Pools>> = Mutex::new(None);

/// The pool with so many threads. A child of `fork` has none of its parent's threads, so it gets pools of its own.
pub fn pool(_: Python<'_>, threads: NonZeroUsize) -> tweedie::Result<Arc<ThreadPool>> {
    let mut pools = POOLS.lock().unwrap_or_else(PoisonError::into_inner);
    let process = std::process::id();
    if pools.as_ref().is_some_and(|pools| pools.process != process) {
        // Ending a pool tells threads that are not there, and may wait for locks that nobody gives back.
        std::mem::forget(pools.take());
    }
    let pools = pools.get_or_insert_with(|| Pools {
        process,
        by_threads: HashMap::new(),
    });
    if let Some(pool) = pools.by_threads.get(&threads.get()) {
        return Ok(Arc::clone(pool));
    }
    let pool = ThreadPoolBuilder::new()
        .num_threads(threads.get())
        .stack_size(STACK_BYTES)
        .thread_name(|number| format!("tweedie-{number}"))
        .build()
        .map_err(std::io::Error::other)?;
    let pool = Arc::new(pool);
    pools.by_threads.insert(threads.get(), Arc::clone(&pool));
    Ok(pool)
}

/// As many threads as the process may use cores.
#[pyfunction]
pub fn default_threads() -> usize {
    std::thread::available_parallelism().map_or(1, NonZeroUsize::get)
}
