//! Weights of other programs.

pub(crate) mod formats;
pub(crate) mod wrong;

pub use formats::Format;
