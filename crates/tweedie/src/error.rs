//! The crate's error type.

use std::path::{Path, PathBuf};

/// The crate's results.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What can go wrong in a job; the chain of sources names the file, the operation, what was expected and what was got.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Images, noise levels and their files.
    #[error(transparent)]
    Imaging(#[from] tweedie_imaging::Error),
    /// Operators and data fidelities.
    #[error(transparent)]
    Operator(#[from] tweedie_operators::Error),
    /// Networks, training and checkpoints.
    #[error(transparent)]
    Model(#[from] tweedie_model::Error),
    /// Building or measuring a solver.
    #[error(transparent)]
    Solver(#[from] tweedie_solver::Error),
    /// A run of a solver that failed; its trace is kept.
    #[error(transparent)]
    Run(#[from] Box<tweedie_solver::Failure>),
    /// Reports.
    #[error(transparent)]
    Report(#[from] tweedie_report::Error),
    /// The CPU's convolution kernels.
    #[error(transparent)]
    Kernels(#[from] tweedie_kernels::Error),
    /// Options that miss one another, contradict one another or have no effect: the caller's mistake.
    #[error("{0}")]
    Usage(String),
    /// A file, folder, image or configuration that is not what the job takes.
    #[error("{0}")]
    Input(String),
    /// What was being done when `source` happened.
    #[error("{context}")]
    Context {
        /// The operation or the part.
        context: String,
        /// What happened.
        source: Box<Error>,
    },
    /// The file in which `source` was found.
    #[error("{}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: Box<Error>,
    },
    /// The operating system refused.
    #[error(transparent)]
    System(#[from] std::io::Error),
    /// TOML that does not parse, or lacks a key.
    #[error(transparent)]
    Toml(#[from] toml::de::Error),
    /// A value that TOML cannot hold.
    #[error(transparent)]
    WriteToml(#[from] toml::ser::Error),
    /// A value that JSON cannot hold.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// A number that does not fit.
    #[error(transparent)]
    Integer(#[from] std::num::TryFromIntError),
}

impl Error {
    /// Whether the caller's options are at fault, not what they name.
    pub fn is_usage(&self) -> bool {
        match self {
            Self::Usage(_) => true,
            Self::Context { source, .. } | Self::File { source, .. } => source.is_usage(),
            _ => false,
        }
    }

    /// Whether a result could not be written, so that the next one would fail as well.
    pub fn is_of_output(&self) -> bool {
        match self {
            Self::Imaging(tweedie_imaging::Error::Io { operation, .. }) => *operation != "reading",
            Self::Context { source, .. } | Self::File { source, .. } => source.is_of_output(),
            _ => false,
        }
    }

    /// The error with its causes on one line.
    pub fn one_line(&self) -> String {
        let mut text = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            text = format!("{text}: {error}");
            cause = error.source();
        }
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// The failed run, if a run failed.
    pub fn failure(&self) -> Option<&tweedie_solver::Failure> {
        match self {
            Self::Run(failure) => Some(failure),
            Self::Context { source, .. } | Self::File { source, .. } => source.failure(),
            _ => None,
        }
    }

    /// This error, with the file in which it was found, unless it names that file already.
    #[must_use]
    pub fn in_file(self, path: &Path) -> Self {
        if self.names(path) {
            self
        } else {
            Self::File {
                path: path.to_path_buf(),
                source: Box::new(self),
            }
        }
    }

    fn names(&self, file: &Path) -> bool {
        use tweedie_imaging::Error as Imaging;
        use tweedie_model::Error as Model;
        use tweedie_operators::Error as Operator;
        let imaging = |error: &Imaging| match error {
            Imaging::Io { path, .. } | Imaging::Format { path, .. } => path == file,
            Imaging::NonFinite { what, .. } => *what == file.display().to_string(),
            _ => false,
        };
        match self {
            Self::Context { source, .. } => source.names(file),
            Self::File { path, source } => path == file || source.names(file),
            Self::Imaging(error) | Self::Operator(Operator::Imaging(error)) | Self::Model(Model::Imaging(error)) => {
                imaging(error)
            }
            Self::Operator(Operator::KernelFile { path, .. } | Operator::MissingKernel { path, .. })
            | Self::Model(Model::Checkpoint { path, .. }) => path == file,
            Self::Input(text) | Self::Usage(text) => text.starts_with(&format!("{}: ", file.display())),
            _ => false,
        }
    }
}

/// A usage error with this message.
pub(crate) fn usage(message: impl Into<String>) -> Error {
    Error::Usage(message.into())
}

/// Returns an [`Error::Input`] with a formatted message.
macro_rules! bail {
    ($($message:tt)*) => {
        return Err($crate::error::Error::Input(format!($($message)*)))
    };
}
pub(crate) use bail;

/// Says of an error what was being done.
pub(crate) trait Context<T> {
    fn context(self, context: impl Into<String>) -> Result<T>;
    fn with_context(self, context: impl FnOnce() -> String) -> Result<T>;
}

impl<T, E: Into<Error>> Context<T> for std::result::Result<T, E> {
    fn context(self, context: impl Into<String>) -> Result<T> {
        self.with_context(|| context.into())
    }

    fn with_context(self, context: impl FnOnce() -> String) -> Result<T> {
        self.map_err(|error| Error::Context {
            context: context(),
            source: Box::new(error.into()),
        })
    }
}

impl<T> Context<T> for Option<T> {
    fn context(self, context: impl Into<String>) -> Result<T> {
        self.ok_or_else(|| Error::Input(context.into()))
    }

    fn with_context(self, context: impl FnOnce() -> String) -> Result<T> {
        self.ok_or_else(|| Error::Input(context()))
    }
}
