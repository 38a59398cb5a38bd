//! Regularisation by denoising: proximal gradient.

use serde::{Deserialize, Serialize};
use tweedie_imaging::Image;

use super::{RED_SIGMA, STRENGTH};
use crate::weighted::Weighted;
use crate::{
    About, Acceleration, Algorithm, Error, FixedPointMap, LevelUse, Mapped, Parameter, Problem, Resolved, RunSettings,
    Schedule, Solver, Work,
};

/// RED by the proximal gradient method (Reehorst and Schniter 2018, RED-PG):
///
/// x <- prox_{step l/alpha}(x - step (x - D(x, sigma))), alpha = strength s^2 / sigma^2.
///
/// The paper writes L for 1/step and v for the argument of the proximal operator,
/// v = (1/L) D(x) + (1 - 1/L) x. The fixed points solve grad l(x) + alpha (x - D(x)) = 0 whatever the step is. The state
/// and the estimate are x.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RedPg {
    /// Weight of the prior against the data.
    pub strength: f64,
    /// Noise level for the denoiser, in `[0, 1]` units; `None`: falling over the run from 49/255 to s, at least
    /// 4.5/255.
    pub sigma: Option<Schedule>,
    /// Step 1/L; below 1 it converges for a nonexpansive D, since I - D is then 1/2-cocoercive.
    pub step: Schedule,
}

impl Default for RedPg {
    /// Less than the maximum a posteriori strength, at which networks smooth too much, the paper's L = 1.01.
    fn default() -> Self {
        Self {
            strength: 0.3,
            sigma: None,
            step: Schedule::Constant(0.99),
        }
    }
}

const ABOUT: About = About {
    name: "red-pg",
    summary: "regularisation by denoising, proximal gradient: an averaged denoising, then a proximal step of the data",
    assumptions: "any l with a proximal step; for convex l and a constant level it converges to a solution, if \
                  there is one, if D is nonexpansive and the step below 1",
    source: "Reehorst and Schniter 2018, arXiv 1806.02296, RED-PG",
    iterations: 50,
    iterations_without_noise: None,
    level: LevelUse::Constant,
    anderson: true,
    parameters: &[
        STRENGTH,
        RED_SIGMA,
        Parameter {
            name: "step",
            unit: "",
            meaning: "step of the penalty's gradient x - D(x), 1/L in the paper, or a schedule; safe below 1",
        },
    ],
};

impl Solver for RedPg {
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
        run.fixed_point(&ABOUT, map, Acceleration::None)
    }
}

/// [`RedPg`] for a problem, and what other solvers build on.
#[derive(Debug)]
pub(super) struct RedPgMap {
    weighted: Weighted,
    step: Resolved,
}

impl RedPgMap {
    /// The map of `solver`.
    pub(super) fn new(
        solver: &'static str,
        (strength, sigma, step): (f64, Option<Schedule>, Resolved),
        problem: Problem,
        run: RunSettings,
    ) -> Result<Self, Error> {
        let sigma = sigma.unwrap_or_else(|| problem.falling_for_red());
        let weighted = Weighted::new(problem, strength, &sigma, run.iterations, solver)?;
        Ok(Self { weighted, step })
    }
}

impl FixedPointMap for RedPgMap {
    fn apply(&self, x: &Image, k: u32) -> Result<Mapped, Error> {
        let step = self.step.at(k);
        let denoised = self.weighted.denoise(x.clone(), k)?;
        let v = x.clone() + (denoised - x.clone()) * step;
        let (next, work) = self.weighted.prox(v, self.weighted.weight(k) / step)?;
        Ok(Mapped::new(next, self.weighted.sigma(k)?, work + Work::DENOISER_CALL))
    }

    fn settled_from(&self) -> u32 {
        self.weighted.settled_from()
    }
}
