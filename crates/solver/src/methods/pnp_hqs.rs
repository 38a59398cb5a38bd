//! Plug-and-play half-quadratic splitting (DPIR).

use serde::{Deserialize, Serialize};
use tweedie_imaging::Image;

use super::{SIGMA, STRENGTH};
use crate::weighted::Weighted;
use crate::{
    About, Acceleration, Algorithm, Error, FixedPointMap, LevelUse, Mapped, Parameter, Problem, RunSettings, Schedule,
    Solver, Work,
};

/// Plug-and-play half-quadratic splitting (Zhang et al. 2021, DPIR):
///
/// x <- prox_{l/rho_k}(v), v <- D(x, sigma_k), rho_k = strength s^2 / sigma_k^2, sigma_k falling from 49/255 to s.
///
/// DPIR minimises ||Ax - y||^2 + alpha_k ||x - v||^2 with alpha_k = 0.23 s^2 / sigma_k^2. With l = 1/2 ||Ax - y||^2 and
/// prox_{l/rho}(v) = argmin_x l(x) + rho/2 ||x - v||^2 both terms carry the same 1/2, so rho_k = alpha_k. The state and
/// the estimate are v, T_k(v) = D(prox_{l/rho_k}(v), sigma_k).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PnpHqs {
    /// Weight of the prior against the data.
    pub strength: f64,
    /// Noise levels for the denoiser, in `[0, 1]` units; `None`: log-spaced over the run from 49/255 to s, at least 1/255.
    pub sigma: Option<Schedule>,
}

impl Default for PnpHqs {
    /// DPIR's lambda.
    fn default() -> Self {
        Self {
            strength: 0.23,
            sigma: None,
        }
    }
}

const ABOUT: About = About {
    name: "pnp-hqs",
    summary: "half-quadratic splitting with falling noise level (DPIR): good images in few iterations",
    assumptions: "any l with a proximal step, a denoiser for a range of levels; the schedule ends it; at a \
                  constant level it converges for convex l to a fixed point, if there is one, if D is averaged",
    source: "Zhang, Li, Zuo, Zhang, Van Gool, Timofte 2021 (DPIR)",
    iterations: 8,
    iterations_without_noise: Some(24),
    level: LevelUse::Falling,
    anderson: true,
    parameters: &[
        STRENGTH,
        Parameter {
            meaning: "noise level for the denoiser, or a schedule; auto: log-spaced from 49/255 to the noise level \
                      over the run",
            ..SIGMA
        },
    ],
};

impl Solver for PnpHqs {
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
        let sigma = self.sigma.clone().unwrap_or_else(|| problem.falling_to_noise());
        let weighted = Weighted::new(problem, self.strength, &sigma, run.iterations, ABOUT.name)?;
        run.fixed_point(&ABOUT, Map { weighted }, Acceleration::None)
    }
}

/// [`PnpHqs`] for a problem.
#[derive(Debug)]
struct Map {
    weighted: Weighted,
}

impl FixedPointMap for Map {
    fn apply(&self, v: &Image, k: u32) -> Result<Mapped, Error> {
        let (x, work) = self.weighted.prox(v.clone(), self.weighted.weight(k))?;
        let next = self.weighted.denoise(x, k)?;
        Ok(Mapped::new(next, self.weighted.sigma(k)?, work + Work::DENOISER_CALL))
    }

    fn settled_from(&self) -> u32 {
        self.weighted.settled_from()
    }
}
