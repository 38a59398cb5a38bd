//! SIGINT and SIGTERM as a flag that long work polls; a file that grows beyond its limit as an error.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use anyhow::Context;

/// A flag that the first signal raises; the second one ends the process at once.
pub fn flag() -> anyhow::Result<Arc<AtomicBool>> {
    use signal_hook::consts::{SIGINT, SIGTERM};

    let flag = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        // In this order the first signal finds the flag still low.
        signal_hook::flag::register_conditional_shutdown(signal, 130, Arc::clone(&flag))
            .context("installing a signal handler")?;
        signal_hook::flag::register(signal, Arc::clone(&flag)).context("installing a signal handler")?;
    }
    Ok(flag)
}

/// Lets a write beyond the limit on the size of files (`ulimit -f`) fail with an error, instead of ending the process.
pub fn limit_of_files_is_an_error() -> anyhow::Result<()> {
    #[cfg(unix)]
    signal_hook::flag::register(signal_hook::consts::SIGXFSZ, Arc::default()).context("installing a signal handler")?;
    Ok(())
}
