//! Shared test helpers: tolerances, seeded tensors, adjoint gaps, brute-force proximal operators, named cases and the
//! test data beside the repository.
//!
//! A dev-dependency only. It knows images but no operator or solver: what it checks is handed over as closures. On bad
//! input it panics, as assertions do.
#![forbid(unsafe_code)]

mod adjoint;
mod cases;
mod data;
mod prox;
mod random;
mod tolerance;
mod vectors;

pub use adjoint::adjoint_gap;
pub use cases::for_each_case;
pub use data::shared_data;
pub use prox::{ProxProbe, probe_prox, prox_objective};
pub use random::{normal, uniform, uniform_values};
pub use tolerance::{Tolerance, assert_close, close};
pub use vectors::{dot, norm, relative_distance, values};
