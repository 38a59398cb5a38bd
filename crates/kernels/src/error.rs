//! What can go wrong: wrong shapes, weights transformed for another plan, an unavailable kernel.

use std::fmt;

/// Why a call was refused. Nothing is written to an output when an error is returned.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// A dimension is zero.
    EmptyShape {
        /// Batch size, channels, height and width as asked for.
        nchw: [usize; 4],
    },
    /// The padded buffer would not fit into the address space.
    TooLarge {
        /// Batch size, channels, height and width as asked for.
        nchw: [usize; 4],
    },
    /// A size that cannot be halved.
    OddSize {
        /// Rows.
        h: usize,
        /// Columns.
        w: usize,
    },
    /// A slice has the wrong number of elements.
    Length {
        /// The function that was called.
        operation: &'static str,
        /// The argument of the wrong length.
        argument: &'static str,
        /// The number of elements it must have.
        expected: usize,
        /// The number of elements it has.
        got: usize,
    },
    /// Transformed weights were given to a plan, or to a direction, that they were not made for.
    Weights {
        /// The function that was called.
        operation: &'static str,
        /// What the plan needs.
        expected: String,
        /// What was given.
        got: String,
    },
    /// `TWEEDIE_KERNEL` or a caller names a kernel that does not exist.
    UnknownKernel {
        /// The name as given.
        name: String,
    },
    /// The kernel exists, but this CPU, or this build, cannot run it.
    UnsupportedKernel {
        /// The name of the kernel.
        name: &'static str,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EmptyShape { nchw } => write!(f, "no dimension may be zero: [n, c, h, w] = {nchw:?}"),
            Self::TooLarge { nchw } => write!(f, "too large for memory: [n, c, h, w] = {nchw:?}"),
            Self::OddSize { h, w } => write!(f, "rows and columns must be even: {h}x{w}"),
            Self::Length {
                operation,
                argument,
                expected,
                got,
            } => {
                write!(f, "{operation}: `{argument}` must have {expected} elements, not {got}")
            }
            Self::Weights {
                operation,
                expected,
                got,
            } => {
                write!(
                    f,
                    "{operation}: needs weights transformed for {expected}, got weights for {got}"
                )
            }
            Self::UnknownKernel { name } => {
                write!(
                    f,
                    "unknown kernel {name:?}: expected one of naive, scalar, avx2, avx512"
                )
            }
            Self::UnsupportedKernel { name } => write!(f, "this CPU or build cannot run the kernel `{name}`"),
        }
    }
}

impl std::error::Error for Error {}

/// Checks the number of elements of a slice.
pub(crate) fn check_len(
    operation: &'static str,
    argument: &'static str,
    expected: usize,
    got: usize,
) -> Result<(), Error> {
    if expected == got {
        Ok(())
    } else {
        Err(Error::Length {
            operation,
            argument,
            expected,
            got,
        })
    }
}
