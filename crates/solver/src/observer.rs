//! Observers: progress bars, snapshots, live plots.

use tweedie_imaging::Image;

use crate::{ObserverError, Restoration, TraceRow};

/// What an observer is told at the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunInfo {
    /// Name of the algorithm.
    pub solver: &'static str,
    /// Iterations of a run that no other rule stops.
    pub iterations: u32,
}

/// Watches a run. Its time does not count as solver time; an error from it ends the run, and the trace is kept.
pub trait Observer {
    /// Before the first iteration.
    ///
    /// # Errors
    /// Of the observer's own.
    fn on_start(&mut self, info: &RunInfo, x0: &Image) -> Result<(), ObserverError> {
        let _ = (info, x0);
        Ok(())
    }

    /// After each iteration, with its estimate.
    ///
    /// # Errors
    /// Of the observer's own.
    fn on_row(&mut self, row: &TraceRow, estimate: &Image) -> Result<(), ObserverError>;

    /// After the last iteration; not called after an error.
    ///
    /// # Errors
    /// Of the observer's own.
    fn on_end(&mut self, restoration: &Restoration) -> Result<(), ObserverError> {
        let _ = restoration;
        Ok(())
    }
}
