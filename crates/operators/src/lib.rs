//! Forward operators A, noise models, data fidelities and parameter-choice rules for y = A x + noise.
#![forbid(unsafe_code)]

mod error;
mod fidelity;
mod operator;

pub use error::Error;
pub use fidelity::{DataFidelity, InnerSolve};
pub use operator::{LinearOperator, NormalSolve};
