//! When conjugate gradients stop: what operators that solve by themselves are told too.

/// When conjugate gradients stop.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CgOptions {
    /// Largest ||b - (A^T A + rho I) x|| / ||b||, for each image on its own.
    pub tolerance: f64,
    /// Most products with A^T A.
    pub max_iterations: u32,
}

impl Default for CgOptions {
    /// 1e-5, near what f32 products allow for rho >= 1e-3, and 300 iterations.
    fn default() -> Self {
        Self {
            tolerance: 1e-5,
            max_iterations: 300,
        }
    }
}
