//! Regularisation by denoising: gradient descent.

use serde::{Deserialize, Serialize};
use tweedie_imaging::{Image, Sigma};

use super::{SIGMA, STEP, STRENGTH};
use crate::problem::require_positive;
use crate::{About, Error, FixedPointMap, Mapped, Method, Problem, Resolved, Schedule, Work};

/// RED by gradient descent (Romano, Elad and Milanfar 2017):
///
/// x <- x - mu [grad l(x) + alpha (x - D(x, sigma))], alpha = strength s^2 / sigma^2.
///
/// The gradient of the penalty alpha/2 x^T (x - D(x)) is +alpha (x - D(x)) if D is locally homogeneous with a symmetric
/// Jacobian; texts that print a minus sign in front of it, as in A^T(Ax - y) - alpha [x - D(x)], climb the penalty. The
/// map is T(x) = x - mu [...], state and estimate are x.
#[derive(Debug)]
pub struct RedGd {
    problem: Problem,
    levels: Resolved,
    alpha: Resolved,
    step: Resolved,
}

/// Parameters of [`RedGd`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RedGdParams {
    /// Weight of the prior against the data.
    pub strength: f64,
    /// Noise level for the denoiser, in `[0, 1]` units; `None`: see [`RedGd::ABOUT`].
    pub sigma: Option<Schedule>,
    /// Step mu; `None`: 1.8 / (L + 2 alpha), L the Lipschitz constant of grad l.
    ///
    /// For a nonexpansive D, (I - D) is 1/2-cocoercive and grad l is 1/L-cocoercive, so their weighted sum is
    /// 1/(L + 2 alpha)-cocoercive, and steps below 2 / (L + 2 alpha) converge; 0.9 of that is taken.
    pub step: Option<Schedule>,
}

impl Default for RedGdParams {
    /// The strength of the maximum a posteriori estimate.
    fn default() -> Self {
        Self {
            strength: 1.0,
            sigma: None,
            step: None,
        }
    }
}

impl Method for RedGd {
    type Params = RedGdParams;
    const ABOUT: About = About {
        name: "red-gd",
        summary: "regularisation by denoising, gradient descent: no proximal step, many cheap iterations",
        assumptions: "smooth l; converges for convex l if D is nonexpansive; minimises the RED energy only if D is \
                      locally homogeneous with a symmetric Jacobian (Reehorst and Schniter 2018)",
        source: "Romano, Elad, Milanfar 2017, equation 32 (sign of the penalty's gradient: +(x - D(x)))",
        iterations: 100,
        parameters: &[STRENGTH, SIGMA, STEP],
    };

    fn new(params: RedGdParams, problem: Problem, iterations: u32) -> Result<Self, Error> {
        let solver = Self::ABOUT.name;
        let strength = require_positive(solver, STRENGTH.name, params.strength)?;
        let lipschitz = problem.lipschitz(solver)?;
        let sigma = params
            .sigma
            .unwrap_or_else(|| Schedule::Constant(problem.constant_level()));
        let levels = problem.levels(&sigma, iterations, solver)?;
        let noise = problem.weight_noise();
        let alpha = levels.map(|sigma| strength * (noise / sigma).powi(2));
        let step = match params.step {
            Some(schedule) => schedule.resolve(iterations, solver, STEP.name)?,
            None => alpha.map(|alpha| 1.8 / (lipschitz + 2.0 * alpha)),
        };
        Ok(Self {
            problem,
            levels,
            alpha,
            step,
        })
    }
}

impl FixedPointMap for RedGd {
    fn apply(&self, x: &Image, k: u32) -> Result<Mapped, Error> {
        let sigma = Sigma::new(self.levels.at(k))?;
        let data = self.problem.fidelity.grad(x.clone())?;
        let penalty = x.clone() - self.problem.denoise(x.clone(), sigma)?;
        let next = x.clone() - (data + penalty * self.alpha.at(k)) * self.step.at(k);
        Ok(Mapped {
            next,
            estimate: None,
            sigma,
            work: Work::DENOISER_CALL,
        })
    }

    fn settled_from(&self) -> u32 {
        self.levels.settled_from().max(self.step.settled_from())
    }
}
