//! Maps whose fixed points solve a restoration problem.

use tweedie_imaging::{Image, Sigma};

use crate::{Error, Work};

/// A map T_k whose fixed points solve the restoration problem.
///
/// The state z is one tensor: an image, or several of them along the first dimension.
pub trait FixedPointMap: Send + Sync {
    /// The first state, from the start image.
    ///
    /// # Errors
    /// If the data fidelity fails.
    fn first_state(&self, x0: Image) -> Result<(Image, Work), Error> {
        Ok((x0, Work::default()))
    }

    /// T_k(z).
    ///
    /// # Errors
    /// If the denoiser or the data fidelity fails.
    fn apply(&self, z: &Image, k: u32) -> Result<Mapped, Error>;

    /// The first iteration (from 0) from which the fixed points of T_k no longer depend on k.
    fn settled_from(&self) -> u32;
}

/// T_k(z) and what came with it.
#[derive(Clone, Debug)]
pub struct Mapped {
    /// T_k(z).
    pub next: Image,
    /// The restored image that belongs to it, where that is not `next` itself.
    pub estimate: Option<Image>,
    /// The objective at the estimate, where the map minimises one and knows it.
    pub objective: Option<f64>,
    /// Noise level that the denoiser was given.
    pub sigma: Sigma,
    /// What it cost.
    pub work: Work,
}

impl Mapped {
    /// T_k(z) that is its own estimate, without an objective.
    pub fn new(next: Image, sigma: Sigma, work: Work) -> Self {
        Self {
            next,
            estimate: None,
            objective: None,
            sigma,
            work,
        }
    }
}

/// How the map is iterated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acceleration {
    /// z_(k+1) = T(z_k).
    None,
    /// z_(k+1) = T(w_k), w_(k+1) = z_(k+1) + (t_k - 1)/t_(k+1) (z_(k+1) - z_k), t_0 = 1,
    /// t_(k+1) = (1 + sqrt(1 + 4 t_k^2))/2 (Nesterov 1983; Beck and Teboulle 2009). The residual is that of T at w_k.
    Nesterov,
    /// Type-II Anderson acceleration over this many past states, restarted when the residual doubles (Anderson 1965; Walker and Ni 2011).
    Anderson(u32),
}
