//! Regularisation by denoising: gradient descent.

use serde::{Deserialize, Serialize};
use tweedie_imaging::Image;

use super::{RED_SIGMA, STEP, STRENGTH};
use crate::energy::{Backtracking, Descent};
use crate::weighted::Weighted;
use crate::{
    About, Acceleration, Algorithm, Error, FixedPoint, FixedPointMap, Iteration, LevelUse, Mapped, Prior, Problem,
    Resolved, RunSettings, Schedule, Solver, StepStats, Work,
};

/// RED by gradient descent (Romano, Elad and Milanfar 2017):
///
/// x <- x - mu [grad l(x) + alpha (x - D(x, sigma))], alpha = strength max(s, 2/255)^2 / sigma^2.
///
/// The gradient of the penalty alpha/2 x^T (x - D(x)) is +alpha (x - D(x)) if D is locally homogeneous with a symmetric
/// Jacobian; texts that print a minus sign in front of it, as in A^T(Ax - y) - alpha [x - D(x)], climb the penalty. The
/// map is T(x) = x - mu [...], state and estimate are x.
///
/// With a gradient-step denoiser, D = x - grad g, the same step descends the energy l + alpha g. The energy is then
/// reported, and mu is halved until l + alpha g falls by at least ||x_next - x||^2 / (10 mu) (Armijo's rule). Anderson
/// acceleration takes the plain map, without energy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RedGd {
    /// Weight of the prior against the data, with s at least 2/255 in the weight.
    pub strength: f64,
    /// Noise level for the denoiser, in `[0, 1]` units; `None`: falling over the run from 49/255 to s, at least
    /// 4.5/255.
    pub sigma: Option<Schedule>,
    /// Step mu; `None`: 1.8 / (L + 2 alpha), L the Lipschitz constant of grad l.
    ///
    /// For a nonexpansive D, (I - D) is 1/2-cocoercive and grad l is 1/L-cocoercive, so their weighted sum is
    /// 1/(L + 2 alpha)-cocoercive, and steps below 2 / (L + 2 alpha) converge; 0.9 of that is taken.
    pub step: Option<Schedule>,
}

impl Default for RedGd {
    /// A third of the maximum a posteriori strength, at which networks smooth too much.
    fn default() -> Self {
        Self {
            strength: 0.3,
            sigma: None,
            step: None,
        }
    }
}

const ABOUT: About = About {
    name: "red-gd",
    summary: "regularisation by denoising, gradient descent: no proximal step, many cheap iterations",
    assumptions: "smooth l; for convex l and a constant level it converges to a solution, if there is one, if D \
                  is nonexpansive and the step below 2/(L + 2 alpha); it minimises the RED energy only where D \
                  is locally homogeneous with a symmetric Jacobian (Reehorst and Schniter 2018)",
    source: "Romano, Elad, Milanfar 2017, section 4.2 (steepest descent); the penalty's gradient is +(x - D(x))",
    iterations: 100,
    iterations_without_noise: None,
    level: LevelUse::Constant,
    anderson: true,
    parameters: &[STRENGTH, RED_SIGMA, STEP],
};

impl Solver for RedGd {
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
        let name = ABOUT.name;
        let problem = problem.with_noise_at_least(2.0 / 255.0);
        let lipschitz = problem.lipschitz(name)?;
        let sigma = self.sigma.clone().unwrap_or_else(|| problem.falling_for_red());
        let weighted = Weighted::new(problem, self.strength, &sigma, run.iterations, name)?;
        let step = match &self.step {
            Some(schedule) => schedule.resolve(run.iterations, name, STEP.name)?,
            None => weighted.weights().map(|alpha| 1.8 / (lipschitz + 2.0 * alpha)),
        };
        let map = Map { weighted, step };
        let acceleration = run.acceleration(&ABOUT, &map, Acceleration::None)?;
        Ok(Box::new(Descending {
            plain: FixedPoint {
                name,
                map,
                acceleration,
                iterations: run.iterations,
            },
        }))
    }
}

/// [`RedGd`] for a problem.
#[derive(Debug)]
struct Descending {
    plain: FixedPoint<Map>,
}

impl Algorithm for Descending {
    fn name(&self) -> &'static str {
        self.plain.name
    }

    fn iterations(&self) -> u32 {
        self.plain.iterations
    }

    fn settled_from(&self) -> u32 {
        self.plain.map.settled_from()
    }

    fn fixed_point_map(&self) -> Option<(&dyn FixedPointMap, Acceleration)> {
        self.plain.fixed_point_map()
    }

    fn start<'a>(&'a self, x0: Image) -> Result<Box<dyn Iteration + 'a>, Error> {
        let map = &self.plain.map;
        match (&map.weighted.problem.prior, self.plain.acceleration) {
            (Prior::Gradient(denoiser), Acceleration::None) => {
                // A tenth of the decrease that the gradient promises; halving finds the scale of the step quickly.
                let rule = Backtracking {
                    decrease: 0.1,
                    shrink: 0.5,
                };
                Ok(Box::new(EnergyDescent {
                    map,
                    descent: Descent::new(&map.weighted, denoiser, rule, x0),
                }))
            }
            _ => self.plain.start(x0),
        }
    }
}

#[derive(Debug)]
struct Map {
    weighted: Weighted,
    step: Resolved,
}

impl Map {
    /// x - mu [grad l(x) + alpha penalty].
    fn step(&self, x: &Image, data: &Image, penalty: &Image, k: u32, mu: f64) -> Image {
        x.clone() - (data.clone() + penalty.clone() * self.weighted.weight(k)) * mu
    }
}

impl FixedPointMap for Map {
    fn apply(&self, x: &Image, k: u32) -> Result<Mapped, Error> {
        let data = self.weighted.problem.fidelity.grad(x.clone())?;
        let penalty = x.clone() - self.weighted.denoise(x.clone(), k)?;
        let next = self.step(x, &data, &penalty, k, self.step.at(k));
        Ok(Mapped::new(next, self.weighted.sigma(k)?, Work::DENOISER_CALL))
    }

    /// The step does not move the fixed points.
    fn settled_from(&self) -> u32 {
        self.weighted.settled_from()
    }
}

struct EnergyDescent<'a> {
    map: &'a Map,
    descent: Descent<'a>,
}

impl Iteration for EnergyDescent<'_> {
    fn step(&mut self, k: u32) -> Result<StepStats, Error> {
        let data = self.map.weighted.problem.fidelity.grad(self.descent.x().clone())?;
        self.descent.step(k, self.map.step.at(k), |x, penalty, mu| {
            Ok((self.map.step(x, &data, penalty, k, mu), Work::default()))
        })
    }

    fn estimate(&self) -> &Image {
        self.descent.x()
    }
}
