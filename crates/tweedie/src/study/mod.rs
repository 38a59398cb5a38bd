//! Studies: how fast solvers converge, and how the error falls with the noise.

pub mod approximation;
pub mod approximation_page;
pub mod convergence;
pub mod convergence_page;
mod csv;
pub mod manifest;
pub mod points;
pub mod rules;
pub mod scenes;
pub mod solvers;
pub mod studied;
