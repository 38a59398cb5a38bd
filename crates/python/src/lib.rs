//! The Python module `tweedie`, its part in Rust: arrays in, arrays out, the interpreter free while the library works.
//!
//! What users call is Python, in `python/tweedie`: layouts, units, names of arguments. Here are the calls of the library
//! ([`tweedie`]) that it is made of, on batches `[N, C, H, W]` of f32.
#![deny(unsafe_code)]

mod array;
mod denoiser;
mod failure;
mod files;
mod foreign;
mod job;
mod measures;
mod noise;
mod physics;
mod pool;
mod restoration;
mod training;

/// The part of `tweedie` that is written in Rust.
#[pyo3::pymodule(name = "_native")]
mod native {
    #[pymodule_export]
    use crate::array::Array;
    #[pymodule_export]
    use crate::denoiser::{Denoiser, bring, checkpoints};
    #[pymodule_export]
    use crate::failure::Failure;
    #[pymodule_export]
    use crate::files::{read_image, write_image};
    #[pymodule_export]
    use crate::measures::{Certifying, evaluate_files, evaluate_image};
    #[pymodule_export]
    use crate::noise::{denoise_unknown, estimate_noise};
    #[pymodule_export]
    use crate::physics::{Operator, Physics};
    #[pymodule_export]
    use crate::pool::default_threads;
    #[pymodule_export]
    use crate::restoration::{restore, simulate, solvers};
    #[pymodule_export]
    use crate::training::{toml_of, train};

    /// The version of the library.
    #[pymodule_export]
    const VERSION: &str = env!("CARGO_PKG_VERSION");
}
