//! The crate's error type.

use std::path::{Path, PathBuf};

/// What can go wrong with data sets; every message names the file, the address or the set.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Something is not as expected.
    #[error("{what}: expected {expected}, got {got}")]
    Unexpected {
        /// File, address, set or option.
        what: String,
        /// What would have been right.
        expected: String,
        /// What there is.
        got: String,
    },
    /// A file or folder could not be read, written or removed.
    #[error("{operation} {}", path.display())]
    Io {
        /// "reading", "writing", ...
        operation: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// A file could not be hashed.
    #[error(transparent)]
    Imaging(#[from] tweedie_imaging::Error),
    /// A description of data sets does not follow its format.
    #[error("{}: expected a list of data sets", path.display())]
    Manifest {
        /// The description.
        path: PathBuf,
        /// What is wrong, and where.
        source: Box<toml::de::Error>,
    },
    /// A ZIP file is damaged.
    #[error("unpacking {}", path.display())]
    Zip {
        /// The archive.
        path: PathBuf,
        /// What the decoder said.
        source: zip::result::ZipError,
    },
    /// A connection failed.
    #[error("{url}")]
    Connection {
        /// The address.
        url: String,
        /// What failed.
        source: Box<ureq::Error>,
    },
    /// Several attempts in a row brought nothing.
    #[error("{url}: given up after {attempts} attempts")]
    GivenUp {
        /// The address.
        url: String,
        /// How many.
        attempts: u32,
        /// Why the last one failed.
        source: Box<Error>,
    },
    /// The caller asked to stop.
    #[error("cancelled")]
    Cancelled,
}

impl Error {
    pub(crate) fn unexpected(what: impl ToString, expected: impl Into<String>, got: impl Into<String>) -> Self {
        Self::Unexpected {
            what: what.to_string(),
            expected: expected.into(),
            got: got.into(),
        }
    }
}

/// Names the operation and the file that an input or output error belongs to.
pub(crate) fn io(operation: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Error + use<> {
    let path = path.to_path_buf();
    move |source| Error::Io {
        operation,
        path,
        source,
    }
}

/// An error and its causes on one line.
pub(crate) fn one_line(error: &dyn std::error::Error) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        line += &format!(": {error}");
        cause = error.source();
    }
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}
