//! Regularisation by denoising: accelerated proximal gradient.

use serde::{Deserialize, Serialize};

use super::red_pg::RedPgMap;
use super::{RED_SIGMA, STRENGTH};
use crate::{About, Acceleration, Algorithm, Error, LevelUse, Parameter, Problem, RunSettings, Schedule, Solver};

/// RED by the accelerated proximal gradient method (Reehorst and Schniter 2018, RED-APG): [`super::RedPg`] with the momentum of
/// [`Acceleration::Nesterov`],
///
/// x_(k+1) = prox_{step l/alpha}(w_k - step (w_k - D(w_k))), w_(k+1) = x_(k+1) + (t_k - 1)/t_(k+1) (x_(k+1) - x_k).
///
/// For a linear D = W for which the plain map's matrix has real eigenvalues in [0, r], r < 1, the error falls by the
/// factor sqrt(r) an iteration in the limit (Sinha and Chaudhury 2024, arXiv 2411.10808).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RedApg {
    /// Weight of the prior against the data.
    pub strength: f64,
    /// Noise level for the denoiser, in `[0, 1]` units; `None`: falling over the run from 49/255 to s, at least
    /// 4.5/255.
    pub sigma: Option<Schedule>,
    /// Step 1/L.
    pub step: Schedule,
}

impl Default for RedApg {
    /// Less than the maximum a posteriori strength, at which networks smooth too much, the paper's L = 1.
    fn default() -> Self {
        Self {
            strength: 0.3,
            sigma: None,
            step: Schedule::Constant(1.0),
        }
    }
}

const ABOUT: About = About {
    name: "red-apg",
    summary: "red-pg with Nesterov's momentum: the fastest of the RED family in practice",
    assumptions: "any l with a proximal step; no guarantee for general D; linear rate for least squares, a \
                  linear symmetric D with eigenvalues in [0, 1] that keeps no image that A does not see, and \
                  step 1 (Sinha and Chaudhury 2024)",
    source: "Reehorst and Schniter 2018, arXiv 1806.02296, RED-APG",
    iterations: 20,
    iterations_without_noise: None,
    level: LevelUse::Constant,
    anderson: false,
    parameters: &[
        STRENGTH,
        RED_SIGMA,
        Parameter {
            name: "step",
            unit: "",
            meaning: "step of the penalty's gradient x - D(x), 1/L in the paper, or a schedule",
        },
    ],
};

impl Solver for RedApg {
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
        let solver = ABOUT.name;
        let step = self.step.resolve(run.iterations, solver, "step")?;
        let map = RedPgMap::new(solver, (self.strength, self.sigma.clone(), step), problem, run)?;
        run.fixed_point(&ABOUT, map, Acceleration::Nesterov)
    }
}
