//! Shared test helpers: tolerances, seeded tensors, adjoint gaps, brute-force proximal operators.
#![forbid(unsafe_code)]
