//! The crate's error type.

use std::path::PathBuf;

/// What can go wrong with images, noise levels and files; every message names the file or the operation.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A tensor has the wrong shape.
    #[error("{operation}: expected {expected}, got {got}")]
    Shape {
        /// The operation that was asked for.
        operation: &'static str,
        /// Shape or count that it takes.
        expected: String,
        /// Shape or count that it was given.
        got: String,
    },
    /// A noise level that is negative or not finite.
    #[error("noise level: expected a finite standard deviation >= 0, got {value}")]
    InvalidSigma {
        /// What was given, in [0, 1] units.
        value: f64,
    },
    /// A noise level outside the range for which a denoiser is made.
    #[error(
        "denoiser '{name}': expected a noise level from {} to {}, got {}",
        level(*min),
        level(*max),
        level(*got)
    )]
    UnsupportedSigma {
        /// The denoiser.
        name: String,
        /// Smallest level, in [0, 1] units.
        min: f64,
        /// Largest level.
        max: f64,
        /// Level that was given.
        got: f64,
    },
    /// An image or array holds NaN or an infinity.
    #[error("{what}: expected finite values, got {count} that are NaN or infinite (the first at index {first})")]
    NonFinite {
        /// File or operation.
        what: String,
        /// How many.
        count: usize,
        /// Flat index of the first.
        first: usize,
    },
    /// The compute device failed to run or to deliver data.
    #[error("device: {reason}")]
    Device {
        /// What the device said.
        reason: String,
    },
    /// A denoiser that iterates to a tolerance did not reach it.
    #[error(
        "denoiser '{name}': expected a root mean square error of at most {expected:.3e} within {iterations} iterations, \
         got {got:.3e}"
    )]
    NotConverged {
        /// The denoiser.
        name: String,
        /// Iterations that were done.
        iterations: u32,
        /// The error that is allowed, in image units.
        expected: f64,
        /// A bound on the error that was reached, in image units.
        got: f64,
    },
    /// A denoiser failed for a reason of its own.
    #[error("denoiser '{name}' failed")]
    Denoiser {
        /// The denoiser.
        name: String,
        /// Its error.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A file or folder could not be read or written.
    #[error("{operation} {}", path.display())]
    Io {
        /// "reading", "writing", ...
        operation: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// The content of a file that was read, or the name of one to be written, is not what was expected.
    #[error("{}: expected {expected}, got {got}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// What Tweedie reads or writes.
        expected: String,
        /// What it found.
        got: String,
    },
}

/// A noise level in [0, 1] units as text: in grey levels, as papers have them, with four decimals.
pub(crate) fn level(sigma: f64) -> String {
    format!("{}/255", (sigma * 255.0 * 1e4).round() / 1e4)
}

impl Error {
    /// Names the file that could not be read.
    pub(crate) fn reading(path: &std::path::Path) -> impl Fn(std::io::Error) -> Self + use<> {
        let path = path.to_path_buf();
        move |source| Self::Io {
            operation: "reading",
            path: path.clone(),
            source,
        }
    }
}
