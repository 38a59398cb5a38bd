//! Plug-and-play ADMM.

use serde::{Deserialize, Serialize};
use tweedie_imaging::Image;

use super::{SIGMA, STRENGTH};
use crate::weighted::Weighted;
use crate::{
    About, Acceleration, Algorithm, Error, FixedPointMap, LevelUse, Mapped, Problem, RunSettings, Schedule, Solver,
    Work,
};

/// Plug-and-play ADMM (Venkatakrishnan, Bouman and Wohlberg 2013; Chan, Wang and Elgendy 2017):
///
/// x <- prox_{l/rho}(v - u), v <- D(x + u, sigma), u <- u + x - v, rho = strength s^2 / sigma^2.
///
/// The state is t = x + u, since v = D(t) and u = t - D(t) follow from it: T(t) = t - D(t) + prox_{l/rho}(2 D(t) - t),
/// and T(t) - t = x - v, the primal residual. The estimate is v. Where sigma changes, u is rescaled by the ratio of the
/// two rho, as the scaled dual variable must be (Boyd et al. 2011, section 3.4.1).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PnpAdmm {
    /// Weight of the prior against the data.
    pub strength: f64,
    /// Noise level for the denoiser, in `[0, 1]` units; `None`: the geometric mean of 49/255 and s, at least 20/255.
    pub sigma: Option<Schedule>,
}

impl Default for PnpAdmm {
    /// Below the maximum a posteriori strength, 1, at which networks smooth too much; 0.3 lets noise through.
    fn default() -> Self {
        Self {
            strength: 0.7,
            sigma: None,
        }
    }
}

const ABOUT: About = About {
    name: "pnp-admm",
    summary: "plug-and-play ADMM: alternates a proximal step of the data and a denoising, with a dual variable",
    assumptions: "any l with a proximal step; for convex l and a constant level it converges to a fixed point, \
                  if there is one, if D is firmly nonexpansive (averaged with 1/2; averaged alone does not \
                  suffice), and minimises l + rho phi if D is the proximal operator of a convex phi; for \
                  strongly convex l if D - I has a Lipschitz constant e < 1 and rho is small enough (Ryu et al. \
                  2019)",
    source: "Venkatakrishnan, Bouman, Wohlberg 2013; Chan, Wang, Elgendy 2017; ADMM in scaled form as in Boyd et \
             al. 2011, section 3.1.1",
    iterations: 50,
    iterations_without_noise: None,
    level: LevelUse::Constant,
    anderson: true,
    parameters: &[STRENGTH, SIGMA],
};

impl Solver for PnpAdmm {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn with_strength(&self, strength: f64) -> Option<Box<dyn Solver>> {
        Some(Box::new(Self {
            strength,
            ..self.clone()
        }))
    }

    fn with_sigma(&self, sigma: Schedule) -> Box<dyn Solver> {
        Box::new(Self {
            sigma: Some(sigma),
            ..self.clone()
        })
    }

    fn prepare(&self, problem: Problem, run: RunSettings) -> Result<Box<dyn Algorithm>, Error> {
        let sigma = self.sigma.clone().unwrap_or_else(|| problem.splitting_level());
        let weighted = Weighted::new(problem, self.strength, &sigma, run.iterations, ABOUT.name)?;
        run.fixed_point(&ABOUT, Map { weighted }, Acceleration::None)
    }
}

/// [`PnpAdmm`] for a problem.
#[derive(Debug)]
struct Map {
    weighted: Weighted,
}

impl FixedPointMap for Map {
    /// x_1 = prox_{l/rho}(x_0), that is v_0 = x_0 and u_0 = 0.
    fn first_state(&self, x0: Image) -> Result<(Image, Work), Error> {
        self.weighted.prox(x0, self.weighted.weight(0))
    }

    fn apply(&self, t: &Image, k: u32) -> Result<Mapped, Error> {
        let rho_next = self.weighted.weight(k + 1);
        let v = self.weighted.denoise(t.clone(), k)?;
        let u = (t.clone() - v.clone()) * (self.weighted.weight(k) / rho_next);
        let (x, work) = self.weighted.prox(v.clone() - u.clone(), rho_next)?;
        let mapped = Mapped::new(x + u, self.weighted.sigma(k)?, work + Work::DENOISER_CALL);
        Ok(Mapped {
            estimate: Some(v),
            ..mapped
        })
    }

    fn settled_from(&self) -> u32 {
        self.weighted.settled_from()
    }
}
