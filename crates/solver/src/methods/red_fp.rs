//! Regularisation by denoising: fixed-point iteration.

use serde::{Deserialize, Serialize};
use tweedie_imaging::Image;

use super::{RED_SIGMA, STRENGTH};
use crate::weighted::Weighted;
use crate::{
    About, Acceleration, Algorithm, Error, FixedPointMap, LevelUse, Mapped, Problem, RunSettings, Schedule, Solver,
    Work,
};

/// RED by fixed-point iteration (Romano, Elad and Milanfar 2017):
///
/// x <- prox_{l/alpha}(D(x, sigma)), alpha = strength s^2 / sigma^2.
///
/// Its fixed points solve grad l(x) + alpha (x - D(x)) = 0, the equation of [`super::RedGd`], where D is held at the last
/// x. It is [`super::RedPg`] with step 1 (Reehorst and Schniter 2018). The state and the estimate are x.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RedFp {
    /// Weight of the prior against the data.
    pub strength: f64,
    /// Noise level for the denoiser, in `[0, 1]` units; `None`: falling over the run from 49/255 to s, at least
    /// 4.5/255.
    pub sigma: Option<Schedule>,
}

impl Default for RedFp {
    /// Less than the maximum a posteriori strength, at which networks smooth too much.
    fn default() -> Self {
        Self {
            strength: 0.3,
            sigma: None,
        }
    }
}

const ABOUT: About = About {
    name: "red-fp",
    summary: "regularisation by denoising, fixed-point iteration: a denoising, then a proximal step of the data",
    assumptions: "any l with a proximal step; for convex l and a constant level it converges to a solution, if \
                  there is one, if D is averaged, as contractions are; nonexpansive does not suffice",
    source: "Romano, Elad, Milanfar 2017, section 4.2 (fixed-point strategy); Reehorst and Schniter 2018",
    iterations: 50,
    iterations_without_noise: None,
    level: LevelUse::Constant,
    anderson: true,
    parameters: &[STRENGTH, RED_SIGMA],
};

impl Solver for RedFp {
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
        let sigma = self.sigma.clone().unwrap_or_else(|| problem.falling_for_red());
        let weighted = Weighted::new(problem, self.strength, &sigma, run.iterations, ABOUT.name)?;
        run.fixed_point(&ABOUT, Map { weighted }, Acceleration::None)
    }
}

/// [`RedFp`] for a problem.
#[derive(Debug)]
struct Map {
    weighted: Weighted,
}

impl FixedPointMap for Map {
    fn apply(&self, x: &Image, k: u32) -> Result<Mapped, Error> {
        let denoised = self.weighted.denoise(x.clone(), k)?;
        let (next, work) = self.weighted.prox(denoised, self.weighted.weight(k))?;
        Ok(Mapped::new(next, self.weighted.sigma(k)?, work + Work::DENOISER_CALL))
    }

    fn settled_from(&self) -> u32 {
        self.weighted.settled_from()
    }
}
