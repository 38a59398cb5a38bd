//! Solvers that restore images with a denoiser as the prior.
//!
//! A [`Solver`] is a plain value, such as [`methods::PnpHqs`]; [`Solver::prepare`] binds it to a [`Problem`]; [`Executor`]
//! runs it on one image and returns a [`Restoration`] with its trace. [`registry`] lists the solvers by name, for parameters
//! as text. [`certify`] measures the conditions that their theory needs.
//! [`study`] measures their rates and chooses the strength of the prior.
#![forbid(unsafe_code)]

mod algorithm;
pub mod certify;
mod energy;
mod error;
mod executor;
mod fixed_point;
mod fixed_point_map;
mod measure;
pub mod methods;
mod observer;
mod problem;
mod registry;
mod schedule;
mod solver;
mod stop;
pub mod study;
mod trace;
mod weighted;
mod work;

pub use algorithm::{Algorithm, Iteration, StepStats};
pub use error::{Error, Failure, ObserverError};
pub use executor::{Executor, split_batch};
pub use fixed_point::FixedPoint;
pub use fixed_point_map::{Acceleration, FixedPointMap, Mapped};
pub use observer::{Observer, RunInfo};
pub use problem::{Prior, Problem};
pub use registry::{Entry, ParameterInfo, find, registry};
pub use schedule::{LogSpaced, Resolved, Schedule};
pub use solver::{About, LevelUse, Parameter, RunSettings, Solver};
pub use stop::{Discrepancy, DivergenceRule, StopRules};
pub use trace::{Restoration, StopReason, TraceRow};
pub use work::Work;
