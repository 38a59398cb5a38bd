//! Plug-and-play ADMM.

use serde::{Deserialize, Serialize};
use tweedie_imaging::{Image, Sigma};

use super::{SIGMA, STRENGTH};
use crate::problem::require_positive;
use crate::{About, Error, FixedPointMap, Mapped, Method, Problem, Resolved, Schedule, Work};

/// Plug-and-play ADMM (Venkatakrishnan, Bouman and Wohlberg 2013; Chan, Wang and Elgendy 2017):
///
/// x <- prox_{l/rho}(v - u), v <- D(x + u, sigma), u <- u + x - v, rho = strength s^2 / sigma^2.
///
/// That rho makes D = prox_{sigma^2 phi} minimise l + strength s^2 phi whatever sigma is. The state is t = x + u, since
/// v = D(t) and u = t - D(t) follow from it: T(t) = t - D(t) + prox_{l/rho}(2 D(t) - t), and T(t) - t = x - v, the
/// primal residual. The estimate is v. Where sigma changes, u is rescaled by the ratio of the two rho, as the scaled
/// dual variable must be (Boyd et al. 2011, section 3.4.1).
#[derive(Debug)]
pub struct PnpAdmm {
    problem: Problem,
    levels: Resolved,
    rho: Resolved,
}

/// Parameters of [`PnpAdmm`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PnpAdmmParams {
    /// Weight of the prior against the data.
    pub strength: f64,
    /// Noise level for the denoiser, in `[0, 1]` units; `None`: see [`PnpAdmm::ABOUT`].
    pub sigma: Option<Schedule>,
}

impl Default for PnpAdmmParams {
    /// The strength of the maximum a posteriori estimate.
    fn default() -> Self {
        Self {
            strength: 1.0,
            sigma: None,
        }
    }
}

impl Method for PnpAdmm {
    type Params = PnpAdmmParams;
    const ABOUT: About = About {
        name: "pnp-admm",
        summary: "plug-and-play ADMM: alternates a proximal step of the data and a denoising, with a dual variable",
        assumptions: "any l with a proximal step; converges for convex l if D is nonexpansive with a symmetric \
                      Jacobian (then it is a proximal operator), or if D - I is a contraction small enough for a \
                      strongly convex l (Ryu et al. 2019)",
        source: "Venkatakrishnan, Bouman, Wohlberg 2013; Chan, Wang, Elgendy 2017; ADMM as in Boyd et al. 2011, \
                 section 3.1.1 (scaled form)",
        iterations: 50,
        parameters: &[STRENGTH, SIGMA],
    };

    fn new(params: PnpAdmmParams, problem: Problem, iterations: u32) -> Result<Self, Error> {
        let solver = Self::ABOUT.name;
        let strength = require_positive(solver, STRENGTH.name, params.strength)?;
        let sigma = params
            .sigma
            .unwrap_or_else(|| Schedule::Constant(problem.constant_level()));
        let levels = problem.levels(&sigma, iterations, solver)?;
        let noise = problem.weight_noise();
        let rho = levels.map(|sigma| strength * (noise / sigma).powi(2));
        Ok(Self { problem, levels, rho })
    }
}

impl PnpAdmm {
    fn prox(&self, z: Image, k: u32) -> Result<(Image, Work), Error> {
        let (x, solve) = self.problem.fidelity.prox(z, 1.0 / self.rho.at(k))?;
        Ok((x, solve.into()))
    }
}

impl FixedPointMap for PnpAdmm {
    /// x_1 = prox_{l/rho}(x_0), that is v_0 = x_0 and u_0 = 0.
    fn first_state(&self, x0: Image) -> Result<(Image, Work), Error> {
        self.prox(x0, 0)
    }

    fn apply(&self, t: &Image, k: u32) -> Result<Mapped, Error> {
        let sigma = Sigma::new(self.levels.at(k))?;
        let v = self.problem.denoise(t.clone(), sigma)?;
        let u = (t.clone() - v.clone()) * (self.rho.at(k) / self.rho.at(k + 1));
        let (x, work) = self.prox(v.clone() - u.clone(), k + 1)?;
        Ok(Mapped {
            next: x + u,
            estimate: Some(v),
            sigma,
            work: work + Work::DENOISER_CALL,
        })
    }

    fn settled_from(&self) -> u32 {
        self.levels.settled_from()
    }
}
