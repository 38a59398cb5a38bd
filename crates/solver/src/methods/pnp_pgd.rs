//! Plug-and-play proximal gradient descent.

use serde::{Deserialize, Serialize};
use tweedie_imaging::{Image, Sigma};

use super::{SIGMA, STEP};
use crate::problem::require_positive;
use crate::{
    About, Acceleration, Algorithm, Error, FixedPointMap, LevelUse, Mapped, Parameter, Problem, Resolved, RunSettings,
    Schedule, Solver, Work,
};

/// Plug-and-play proximal gradient descent:
///
/// x <- D(x - mu grad l(x), sigma).
///
/// With D = prox_{sigma^2 phi} it minimises l + (sigma^2 / mu) phi. So of step, strength and level only two are free:
/// sigma = s sqrt(strength mu), or a level that is given outright. By default the level falls to that value from 49/255,
/// since the last level alone is reached slowly. The state and the estimate are x.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PnpPgd {
    /// Weight of the prior against the data, at the end of the run; `None`: 0.25 unless `sigma` is given.
    pub strength: Option<f64>,
    /// Noise level for the denoiser, in `[0, 1]` units, in place of `strength`; `None`: falling from 49/255 to
    /// s sqrt(strength mu), but no lower than 5/255, where networks stop being stable under iteration.
    pub sigma: Option<Schedule>,
    /// Step mu; `None`: 1.9/L, L the Lipschitz constant of grad l (below 2/L it converges for an averaged D).
    pub step: Option<Schedule>,
}

/// Parameters of the proximal gradient methods, where level and strength exclude each other.
pub(super) const PGD_PARAMETERS: [Parameter; 3] = [
    Parameter {
        name: "strength",
        unit: "",
        meaning: "weight of the prior against the data, in place of sigma; auto: 0.25 where sigma is not given",
    },
    Parameter {
        meaning: "noise level for the denoiser, or a schedule, in place of strength; auto: falling from 49/255 to s sqrt(strength step), at \
                  least 5/255",
        ..SIGMA
    },
    Parameter {
        meaning: "step of the gradient, or a schedule; auto: 1.9 / (Lipschitz constant of the data), 1 / (...) where steps must be short",
        ..STEP
    },
];

const ABOUT: About = About {
    name: "pnp-pgd",
    summary: "plug-and-play proximal gradient descent: a gradient step of the data, then a denoising",
    assumptions: "smooth l; for convex l and a constant level it converges to a fixed point, if there is one, \
                  if D is averaged and the step below 2/L; for strongly convex l if D - I has a small enough \
                  Lipschitz constant and the step lies between its bounds (Ryu et al. 2019); to stationary \
                  points if D is the minimum mean square error denoiser and the step at most 1/L (Xu, Sun, Liu, \
                  Wohlberg and Kamilov 2020)",
    source: "plug-and-play form of the proximal gradient method; Ryu et al. 2019 (PnP-FBS)",
    iterations: 100,
    iterations_without_noise: None,
    level: LevelUse::Constant,
    anderson: true,
    parameters: &PGD_PARAMETERS,
};

impl Solver for PnpPgd {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn with_strength(&self, strength: f64) -> Option<Box<dyn Solver>> {
        Some(Box::new(Self {
            strength: Some(strength),
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
        let map = PgdMap::new(ABOUT.name, 1.9, self.clone(), problem, run)?;
        run.fixed_point(&ABOUT, map, Acceleration::None)
    }
}

/// [`PnpPgd`] for a problem, and what other solvers build on.
#[derive(Debug)]
pub(super) struct PgdMap {
    problem: Problem,
    step: Resolved,
    levels: Resolved,
}

impl PgdMap {
    /// The map of `solver`, with the default step `factor` / L.
    pub(super) fn new(
        solver: &'static str,
        factor: f64,
        params: PnpPgd,
        problem: Problem,
        run: RunSettings,
    ) -> Result<Self, Error> {
        let lipschitz = problem.lipschitz(solver)?;
        let step = params.step.unwrap_or(Schedule::Constant(factor / lipschitz));
        let step = step.resolve(run.iterations, solver, STEP.name)?;
        let sigma = match (params.strength, params.sigma) {
            (Some(strength), Some(_)) => {
                let expected = "none where sigma is given: sigma^2 / (step s^2) is the strength".to_owned();
                return Err(Error::Parameter {
                    solver,
                    parameter: "strength",
                    expected,
                    got: strength.to_string(),
                });
            }
            (None, Some(sigma)) => sigma,
            (strength, None) => {
                let strength = require_positive(solver, "strength", strength.unwrap_or(0.25))?;
                let last_step = step.at(run.iterations - 1);
                let level = problem.weight_noise() * (strength * last_step).sqrt();
                problem.falling_to(level.max(5.0 / 255.0))
            }
        };
        let levels = problem.levels(&sigma, run.iterations, solver)?;
        Ok(Self { problem, step, levels })
    }

    /// x - mu_k grad l(x).
    pub(super) fn gradient_step(&self, x: &Image, k: u32) -> Result<Image, Error> {
        Ok(x.clone() - self.problem.fidelity.grad(x.clone())? * self.step(k))
    }

    pub(super) fn step(&self, k: u32) -> f64 {
        self.step.at(k)
    }

    pub(super) fn sigma(&self, k: u32) -> Result<Sigma, Error> {
        Ok(Sigma::new(self.levels.at(k))?)
    }

    pub(super) fn problem(&self) -> &Problem {
        &self.problem
    }
}

impl FixedPointMap for PgdMap {
    fn apply(&self, x: &Image, k: u32) -> Result<Mapped, Error> {
        let sigma = self.sigma(k)?;
        let next = self
            .problem
            .prior
            .denoiser()
            .denoise(self.gradient_step(x, k)?, sigma)?;
        Ok(Mapped::new(next, sigma, Work::DENOISER_CALL))
    }

    fn settled_from(&self) -> u32 {
        self.levels.settled_from().max(self.step.settled_from())
    }
}
