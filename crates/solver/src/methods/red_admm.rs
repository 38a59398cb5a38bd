//! Regularisation by denoising: ADMM.

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};
use tweedie_imaging::Image;

use super::{RED_SIGMA, STRENGTH};
use crate::problem::require_positive;
use crate::weighted::Weighted;
use crate::{
    About, Acceleration, Algorithm, Error, FixedPointMap, LevelUse, Mapped, Parameter, Problem, RunSettings, Schedule,
    Solver, Work,
};

/// RED by ADMM with m inner denoisings (Romano, Elad and Milanfar 2017):
///
/// x <- prox_{l/beta}(v - u); m times v <- (alpha D(v, sigma) + beta (x + u)) / (alpha + beta); u <- u + x - v,
///
/// alpha = strength s^2 / sigma^2, beta = penalty alpha. The inner iteration solves
/// alpha (v - D(v)) + beta (v - x - u) = 0 approximately; its fixed points are those of the outer one, which solve
/// grad l(x) + alpha (x - D(x)) = 0. The state is (v, u), the estimate x.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RedAdmm {
    /// Weight of the prior against the data.
    pub strength: f64,
    /// Noise level for the denoiser, in `[0, 1]` units; `None`: falling over the run from 49/255 to s, at least
    /// 4.5/255.
    pub sigma: Option<Schedule>,
    /// ADMM's penalty beta in units of alpha.
    pub penalty: f64,
    /// Inner denoisings m.
    pub inner: u32,
}

impl Default for RedAdmm {
    /// Less than the maximum a posteriori strength, at which networks smooth too much; one inner denoising, as Reehorst and Schniter 2018 found best.
    fn default() -> Self {
        Self {
            strength: 0.3,
            sigma: None,
            penalty: 1.0,
            inner: 1,
        }
    }
}

const ABOUT: About = About {
    name: "red-admm",
    summary: "regularisation by denoising, ADMM with m inner denoisings",
    assumptions: "any l with a proximal step; with the inner problem solved exactly it converges for convex l \
                  and a constant level to a solution, if there is one, if I - D is monotone and continuous; a \
                  few inner denoisings are common and have no guarantee of their own",
    source: "Romano, Elad, Milanfar 2017, section 4.2 (ADMM); Reehorst and Schniter 2018",
    iterations: 50,
    iterations_without_noise: None,
    level: LevelUse::Constant,
    anderson: true,
    parameters: &[
        STRENGTH,
        RED_SIGMA,
        Parameter {
            name: "penalty",
            unit: "of alpha",
            meaning: "weight beta of the constraint x = v",
        },
        Parameter {
            name: "inner",
            unit: "",
            meaning: "denoisings an iteration, m >= 1",
        },
    ],
};

impl Solver for RedAdmm {
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
        let penalty = require_positive(solver, "penalty", self.penalty)?;
        if self.inner == 0 {
            let expected = "a whole number >= 1".to_owned();
            return Err(Error::Parameter {
                solver,
                parameter: "inner",
                expected,
                got: "0".to_owned(),
            });
        }
        let sigma = self.sigma.clone().unwrap_or_else(|| problem.falling_for_red());
        let weighted = Weighted::new(problem, self.strength, &sigma, run.iterations, solver)?;
        run.fixed_point(
            &ABOUT,
            Map {
                weighted,
                penalty,
                inner: self.inner,
            },
            Acceleration::None,
        )
    }
}

/// [`RedAdmm`] for a problem.
#[derive(Debug)]
struct Map {
    weighted: Weighted,
    penalty: f64,
    inner: u32,
}

impl FixedPointMap for Map {
    /// v_0 = x_0, u_0 = 0.
    fn first_state(&self, x0: Image) -> Result<(Image, Work), Error> {
        let u = x0.zeros_like();
        Ok((Tensor::cat(vec![x0, u], 0), Work::default()))
    }

    fn apply(&self, state: &Image, k: u32) -> Result<Mapped, Error> {
        let (v, u) = (state.clone().narrow(0, 0, 1), state.clone().narrow(0, 1, 1));
        let (x, mut work) = self
            .weighted
            .prox(v.clone() - u.clone(), self.penalty * self.weighted.weight(k))?;
        let sum = x.clone() + u;
        let mut next = v;
        for _ in 0..self.inner {
            let denoised = self.weighted.denoise(next, k)?;
            next = (denoised + sum.clone() * self.penalty) * (1.0 / (1.0 + self.penalty));
            work += Work::DENOISER_CALL;
        }
        // The scaled dual variable is in units of 1/beta, which changes with the level.
        let rescale = self.weighted.weight(k) / self.weighted.weight(k + 1);
        let dual = (sum - next.clone()) * rescale;
        let mapped = Mapped::new(Tensor::cat(vec![next, dual], 0), self.weighted.sigma(k)?, work);
        Ok(Mapped {
            estimate: Some(x),
            ..mapped
        })
    }

    fn settled_from(&self) -> u32 {
        self.weighted.settled_from()
    }
}
