//! One run in a folder at a time.

use std::fs::{File, TryLockError};
use std::path::Path;

use crate::Error;
use crate::error::checkpoint;

/// Name of the file that is locked; it is empty, and stays.
const LOCK_FILE: &str = ".lock";

/// A lock on a run's folder. It ends with the process, however that ends.
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    /// # Errors
    /// [`Error::Checkpoint`] if another process trains in the folder; [`Error::Imaging`] if the file cannot be made.
    pub(super) fn take(folder: &Path) -> Result<Self, Error> {
        let path = folder.join(LOCK_FILE);
        let io = |source| tweedie_imaging::Error::Io {
            operation: "locking",
            path: path.clone(),
            source,
        };
        let file = File::options().create(true).append(true).open(&path).map_err(io)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(checkpoint(
                folder,
                "a folder in which nothing else trains",
                "one with a run that goes on",
            )),
            // A file system without locks: better to train than to refuse.
            Err(TryLockError::Error(_)) => Ok(Self { _file: file }),
        }
    }
}
