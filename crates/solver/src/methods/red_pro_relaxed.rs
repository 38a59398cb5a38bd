//! Relaxed RED-PRO: the distance to the fixed points of the denoiser as a penalty.

use serde::{Deserialize, Serialize};
use tweedie_imaging::Image;

use super::red_pro::{RELAXATION, check_relaxation};
use super::{SIGMA, STEP, STRENGTH};
use crate::weighted::Weighted;
use crate::{
    About, Acceleration, Algorithm, Error, FixedPointMap, LevelUse, Mapped, Parameter, Problem, Resolved, RunSettings,
    Schedule, Solver, Work,
};

/// Relaxed RED-PRO: l(x, y) + alpha/2 dist(x, Fix D)^2 by gradient descent, since images are rarely exact fixed points,
///
/// x <- x - mu [grad l(x) + alpha (x - P(x))], alpha = strength s^2 / sigma^2,
///
/// where P(x), the projection onto Fix D, is approximated by m steps of Halpern's iteration p_0 = x,
/// p_j = x/(j + 1) + j/(j + 1) D_a(p_(j-1)), D_a = (1 - a) I + a D, which converges to the projection for a nonexpansive
/// D_a (Halpern 1967; Wittmann 1992). The gradient of half the squared distance to a convex set is x - P(x). With finitely
/// many steps P = (x + m N(x)) / (m + 1) with a nonexpansive N, so x - P(x) is (m + 1)/(2 m)-cocoercive. The state and the
/// estimate are x.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RedProRelaxed {
    /// Weight of the penalty against the data, with s at least 2/255 in the weight.
    pub strength: f64,
    /// Noise level for the denoiser, in `[0, 1]` units; `None`: the noise level s, at least 9/255.
    pub sigma: Option<Schedule>,
    /// Step mu; `None`: 1.8 / (L + 2 alpha m/(m + 1)), 0.9 of the limit for a nonexpansive D_a.
    pub step: Option<Schedule>,
    /// Denoisings m for a projection.
    pub inner: u32,
    /// Share a of the denoiser in D_a, in (0, 1].
    pub relaxation: f64,
}

impl Default for RedProRelaxed {
    /// Few inner steps: the projection is needed no better than the iterate.
    fn default() -> Self {
        Self {
            strength: 0.25,
            sigma: None,
            step: None,
            inner: 2,
            relaxation: 1.0,
        }
    }
}

const ABOUT: About = About {
    name: "red-pro-relaxed",
    summary: "red-pro with the distance to the fixed points of D as a penalty instead of a constraint",
    assumptions: "smooth convex l; a constant level; D_a nonexpansive and the step below 2/(L + 2 alpha m/(m + \
                  1)): it converges to a solution of grad l(x) + alpha (x - P(x)) = 0, if there is one, P being \
                  m steps of Halpern's iteration, which tend to the projection",
    source: "Cohen, Elad, Milanfar 2021, arXiv 2008.00226 (relaxations); projection by Halpern 1967",
    iterations: 100,
    iterations_without_noise: None,
    level: LevelUse::Constant,
    anderson: true,
    parameters: &[
        STRENGTH,
        Parameter {
            meaning: "noise level for the denoiser, or a schedule; auto: the noise level, at least 9/255",
            ..SIGMA
        },
        STEP,
        Parameter {
            name: "inner",
            unit: "",
            meaning: "denoisings for a projection, m >= 1",
        },
        RELAXATION,
    ],
};

impl Solver for RedProRelaxed {
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
        let relaxation = check_relaxation(solver, self.relaxation)?;
        if self.inner == 0 {
            let expected = "a whole number >= 1".to_owned();
            return Err(Error::Parameter {
                solver,
                parameter: "inner",
                expected,
                got: "0".to_owned(),
            });
        }
        let problem = problem.with_noise_at_least(2.0 / 255.0);
        let lipschitz = problem.lipschitz(solver)?;
        let sigma = self.sigma.clone().unwrap_or_else(|| problem.noise_level_above(9.0));
        let weighted = Weighted::new(problem, self.strength, &sigma, run.iterations, solver)?;
        let step = match &self.step {
            Some(schedule) => schedule.resolve(run.iterations, solver, STEP.name)?,
            None => {
                let inner = f64::from(self.inner);
                weighted
                    .weights()
                    .map(|alpha| 1.8 / (lipschitz + 2.0 * alpha * inner / (inner + 1.0)))
            }
        };
        run.fixed_point(
            &ABOUT,
            Map {
                weighted,
                step,
                inner: self.inner,
                relaxation,
            },
            Acceleration::None,
        )
    }
}

/// [`RedProRelaxed`] for a problem.
#[derive(Debug)]
struct Map {
    weighted: Weighted,
    step: Resolved,
    inner: u32,
    relaxation: f64,
}

impl FixedPointMap for Map {
    fn apply(&self, x: &Image, k: u32) -> Result<Mapped, Error> {
        let mut projected = x.clone();
        let mut work = Work::default();
        for j in 1..=self.inner {
            let denoised = self.weighted.denoise(projected.clone(), k)?;
            let averaged = projected.clone() + (denoised - projected) * self.relaxation;
            let anchor = 1.0 / f64::from(j + 1);
            projected = x.clone() * anchor + averaged * (1.0 - anchor);
            work += Work::DENOISER_CALL;
        }
        let data = self.weighted.problem.fidelity.grad(x.clone())?;
        let penalty = (x.clone() - projected) * self.weighted.weight(k);
        let next = x.clone() - (data + penalty) * self.step.at(k);
        Ok(Mapped::new(next, self.weighted.sigma(k)?, work))
    }

    fn settled_from(&self) -> u32 {
        self.weighted.settled_from()
    }
}
