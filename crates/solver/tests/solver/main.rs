//! The algorithms against problems whose answers are known, and the executor against misbehaving ones.

mod certify;
mod executor;
mod fixed_points;
mod rates;
mod red17;
mod registry;
mod study;
mod support;
mod theorems;
