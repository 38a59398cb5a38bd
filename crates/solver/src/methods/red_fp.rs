//! Regularisation by denoising: fixed-point iteration.

use serde::{Deserialize, Serialize};
use tweedie_imaging::Image;

use super::{RED_SIGMA, STRENGTH};
use crate::weighted::Weighted;
use crate::{About, Error, FixedPointMap, Mapped, Method, Problem, RunSettings, Schedule, Work};

/// RED by fixed-point iteration (Romano, Elad and Milanfar 2017):
///
/// x <- prox_{l/alpha}(D(x, sigma)), alpha = strength s^2 / sigma^2.
///
/// Its fixed points solve grad l(x) + alpha (x - D(x)) = 0, the equation of [`super::RedGd`], where D is held at the last
/// x. It is [`super::RedPg`] with step 1 (Reehorst and Schniter 2018). The state and the estimate are x.
#[derive(Debug)]
pub struct RedFp {
    weighted: Weighted,
}

/// Parameters of [`RedFp`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RedFpParams {
    /// Weight of the prior against the data.
    pub strength: f64,
    /// Noise level for the denoiser, in `[0, 1]` units; `None`: falling over the run from 49/255 to s, at least
    /// 4.5/255.
    pub sigma: Option<Schedule>,
}

impl Default for RedFpParams {
    /// Less than the maximum a posteriori strength, at which networks smooth too much.
    fn default() -> Self {
        Self {
            strength: 0.3,
            sigma: None,
        }
    }
}

impl Method for RedFp {
    type Params = RedFpParams;
    const ABOUT: About = About {
        name: "red-fp",
        summary: "regularisation by denoising, fixed-point iteration: a denoising, then a proximal step of the data",
        assumptions: "any l with a proximal step; for convex l and a constant level it converges to a solution, if \
                      there is one, if D is averaged, as contractions are; nonexpansive does not suffice",
        source: "Romano, Elad, Milanfar 2017, section 4.2 (fixed-point strategy); Reehorst and Schniter 2018",
        iterations: 50,
        parameters: &[STRENGTH, RED_SIGMA],
    };

    fn new(params: RedFpParams, problem: Problem, run: RunSettings) -> Result<Self, Error> {
        let sigma = params.sigma.unwrap_or_else(|| problem.falling_for_red());
        let weighted = Weighted::new(problem, params.strength, &sigma, run.iterations, Self::ABOUT.name)?;
        Ok(Self { weighted })
    }
}

impl FixedPointMap for RedFp {
    fn apply(&self, x: &Image, k: u32) -> Result<Mapped, Error> {
        let denoised = self.weighted.denoise(x.clone(), k)?;
        let (next, work) = self.weighted.prox(denoised, self.weighted.weight(k))?;
        Ok(Mapped::new(next, self.weighted.sigma(k)?, work + Work::DENOISER_CALL))
    }

    fn settled_from(&self) -> u32 {
        self.weighted.settled_from()
    }
}
