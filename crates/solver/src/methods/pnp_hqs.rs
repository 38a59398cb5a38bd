//! Plug-and-play half-quadratic splitting (DPIR).

use serde::{Deserialize, Serialize};
use tweedie_imaging::{Image, Sigma};

use super::{SIGMA, STRENGTH};
use crate::problem::require_positive;
use crate::schedule::LogSpaced;
use crate::{About, Error, FixedPointMap, Mapped, Method, Parameter, Problem, Resolved, Schedule, Work};

/// Plug-and-play half-quadratic splitting (Zhang et al. 2021, DPIR):
///
/// x <- prox_{l/rho_k}(v), v <- D(x, sigma_k), rho_k = strength s^2 / sigma_k^2, sigma_k falling from 49/255 to s.
///
/// DPIR minimises ||Ax - y||^2 + alpha_k ||x - v||^2 with alpha_k = 0.23 s^2 / sigma_k^2. With l = 1/2 ||Ax - y||^2 and
/// prox_{l/rho}(v) = argmin_x l(x) + rho/2 ||x - v||^2 both terms carry the same 1/2, so rho_k = alpha_k. The state and
/// the estimate are v, T_k(v) = D(prox_{l/rho_k}(v), sigma_k).
#[derive(Debug)]
pub struct PnpHqs {
    problem: Problem,
    levels: Resolved,
    rho: Resolved,
}

/// Parameters of [`PnpHqs`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PnpHqsParams {
    /// Weight of the prior against the data.
    pub strength: f64,
    /// Noise levels for the denoiser, in `[0, 1]` units; `None`: log-spaced from 49/255 to s over the run.
    pub sigma: Option<Schedule>,
}

impl Default for PnpHqsParams {
    /// DPIR's lambda.
    fn default() -> Self {
        Self {
            strength: 0.23,
            sigma: None,
        }
    }
}

impl Method for PnpHqs {
    type Params = PnpHqsParams;
    const ABOUT: About = About {
        name: "pnp-hqs",
        summary: "half-quadratic splitting with falling noise level (DPIR): good images in few iterations",
        assumptions: "any l with a proximal step, a denoiser for a range of levels; the schedule ends it, there is no \
                      limit to converge to unless the level stays constant",
        source: "Zhang, Li, Zuo, Zhang, Van Gool, Timofte 2021 (DPIR), equations 6a-6b and section 4.2",
        iterations: 8,
        parameters: &[
            STRENGTH,
            Parameter {
                name: SIGMA.name,
                unit: SIGMA.unit,
                meaning: "noise level for the denoiser, or a schedule; auto: log-spaced from 49/255 to the noise level \
                          over the run",
            },
        ],
    };

    fn new(params: PnpHqsParams, problem: Problem, iterations: u32) -> Result<Self, Error> {
        let solver = Self::ABOUT.name;
        let strength = require_positive(solver, STRENGTH.name, params.strength)?;
        let sigma = params.sigma.unwrap_or_else(|| {
            let to = problem.final_level();
            let from = problem.default_level(to.max(49.0 / 255.0));
            Schedule::LogSpaced(LogSpaced { from, to, steps: None })
        });
        let levels = problem.levels(&sigma, iterations, solver)?;
        let noise = problem.weight_noise();
        let rho = levels.map(|sigma| strength * (noise / sigma).powi(2));
        Ok(Self { problem, levels, rho })
    }
}

impl FixedPointMap for PnpHqs {
    fn apply(&self, v: &Image, k: u32) -> Result<Mapped, Error> {
        let sigma = Sigma::new(self.levels.at(k))?;
        let (x, solve) = self.problem.fidelity.prox(v.clone(), 1.0 / self.rho.at(k))?;
        let next = self.problem.denoise(x, sigma)?;
        Ok(Mapped {
            next,
            estimate: None,
            sigma,
            work: Work::from(solve) + Work::DENOISER_CALL,
        })
    }

    fn settled_from(&self) -> u32 {
        self.levels.settled_from()
    }
}
