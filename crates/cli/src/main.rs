//! The `tweedie` binary.
fn main() {}
