//! A problem with the noise levels of a run and the weights of the prior that follow from them.

use tweedie_imaging::{Image, Sigma};

use crate::problem::require_positive;
use crate::{Error, Problem, Resolved, Schedule, Work};

/// l(x, y) + w_k times the denoiser's penalty at level sigma_k, with w_k = strength s^2 / sigma_k^2.
///
/// In plug-and-play splittings w is the penalty rho of ||x - v||^2 / 2, so that D = prox_{sigma^2 phi} minimises
/// l + strength s^2 phi; in RED it is the weight alpha of (x - D(x)), which by Tweedie's formula is sigma^2 grad phi.
/// Either way the problem that is solved does not depend on sigma as far as the denoiser is what it stands for.
#[derive(Debug)]
pub(crate) struct Weighted {
    pub(crate) problem: Problem,
    levels: Resolved,
    weights: Resolved,
}

impl Weighted {
    pub(crate) fn new(
        problem: Problem,
        strength: f64,
        sigma: &Schedule,
        iterations: u32,
        solver: &'static str,
    ) -> Result<Self, Error> {
        let strength = require_positive(solver, "strength", strength)?;
        let levels = problem.levels(sigma, iterations, solver)?;
        let noise = problem.weight_noise();
        let weights = levels.map(|sigma| strength * (noise / sigma).powi(2));
        Ok(Self {
            problem,
            levels,
            weights,
        })
    }

    /// sigma_k.
    pub(crate) fn sigma(&self, k: u32) -> Result<Sigma, Error> {
        Ok(Sigma::new(self.levels.at(k))?)
    }

    /// w_k.
    pub(crate) fn weight(&self, k: u32) -> f64 {
        self.weights.at(k)
    }

    /// All w_k, until they stay constant.
    pub(crate) fn weights(&self) -> &Resolved {
        &self.weights
    }

    /// D(x, sigma_k).
    pub(crate) fn denoise(&self, x: Image, k: u32) -> Result<Image, Error> {
        Ok(self.problem.prior.denoiser().denoise(x, self.sigma(k)?)?)
    }

    /// argmin_x l(x, y) + weight/2 ||x - z||^2.
    pub(crate) fn prox(&self, z: Image, weight: f64) -> Result<(Image, Work), Error> {
        let (x, solve) = self.problem.fidelity.prox(z, 1.0 / weight)?;
        Ok((x, solve.into()))
    }

    /// The first iteration from which sigma_k and w_k no longer change.
    pub(crate) fn settled_from(&self) -> u32 {
        self.levels.settled_from()
    }
}
