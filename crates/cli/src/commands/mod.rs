//! One command a file.

pub mod bench;
pub mod certify;
pub mod checkpoints;
pub mod compare;
pub mod completions;
pub mod datasets;
pub mod demo;
pub mod denoise;
pub mod evaluate;
pub mod import;
pub mod noise;
pub mod restore;
pub mod simulate;
pub mod study;
pub mod train;
