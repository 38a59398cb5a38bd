//! Errors on their way to Python.

use pyo3::exceptions::PyException;
use pyo3::prelude::*;
use tweedie::Error;

// What went wrong in the library: (kind, text), with the kind `file` or `value`. Python makes its own errors of it.
pyo3::create_exception!(tweedie._native, Failure, PyException);

/// The error for Python.
pub fn failure(error: &Error) -> PyErr {
    let kind = if is_of_system(error) { "file" } else { "value" };
    Failure::new_err((kind, error.one_line()))
}

/// An error of which files are at fault.
pub fn of_files(error: &Error) -> PyErr {
    Failure::new_err(("file", error.one_line()))
}

/// Whether files are at fault: missing, broken, or refused by the system.
fn is_of_system(error: &Error) -> bool {
    use tweedie::imaging::Error as Imaging;
    use tweedie::model::Error as Model;
    use tweedie::operators::Error as Operator;
    let imaging = |error: &Imaging| matches!(error, Imaging::Io { .. } | Imaging::Format { .. });
    match error {
        Error::System(_) | Error::File { .. } => true,
        Error::Context { source, .. } => is_of_system(source),
        Error::Imaging(error) | Error::Model(Model::Imaging(error)) | Error::Operator(Operator::Imaging(error)) => {
            imaging(error)
        }
        Error::Operator(Operator::MissingKernel { .. } | Operator::KernelFile { .. }) => true,
        Error::Model(error) => matches!(error, Model::Checkpoint { .. }),
        _ => false,
    }
}
