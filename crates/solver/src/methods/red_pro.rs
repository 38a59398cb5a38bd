//! RED-PRO: the fixed points of the denoiser as a constraint.

use serde::{Deserialize, Serialize};
use tweedie_imaging::{Image, Sigma};

use super::SIGMA;
use crate::problem::require_positive;
use crate::{
    About, Acceleration, Algorithm, Error, FixedPointMap, LevelUse, Mapped, Parameter, Problem, Resolved, RunSettings,
    Schedule, Solver, Work,
};

/// RED-PRO (Cohen, Elad and Milanfar 2021): min l(x, y) over the fixed points of D by hybrid steepest descent,
///
/// x <- D_a(x - mu_k grad l(x)), D_a = (1 - a) I + a D(., sigma), mu_k = step / (k + 1)^decay.
///
/// mu_k -> 0 with a divergent sum for 0 < decay <= 1; with decay 0 it is plug-and-play proximal gradient with a relaxed
/// denoiser. There is no strength: the constraint is hard, and what the data may override depends on mu_k. The state and
/// the estimate are x.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RedPro {
    /// Noise level for the denoiser, in `[0, 1]` units; `None`: the noise level s, at least 5/255.
    pub sigma: Option<Schedule>,
    /// First step mu_0; `None`: 1.9/L, L the Lipschitz constant of grad l.
    pub step: Option<f64>,
    /// Power of the steps' decay, in [0, 1].
    pub decay: f64,
    /// Share a of the denoiser in D_a, in (0, 1].
    pub relaxation: f64,
}

impl Default for RedPro {
    /// A slow decay, and the relaxation that makes a nonexpansive D firmly nonexpansive.
    fn default() -> Self {
        Self {
            sigma: None,
            step: None,
            decay: 0.1,
            relaxation: 0.5,
        }
    }
}

pub(super) const RELAXATION: Parameter = Parameter {
    name: "relaxation",
    unit: "",
    meaning: "share a of the denoiser in D_a = (1 - a) I + a D, in (0, 1]",
};

/// Refuses a relaxation outside (0, 1].
pub(super) fn check_relaxation(solver: &'static str, relaxation: f64) -> Result<f64, Error> {
    if relaxation > 0.0 && relaxation <= 1.0 {
        return Ok(relaxation);
    }
    let expected = "a value in (0, 1]".to_owned();
    Err(Error::Parameter {
        solver,
        parameter: RELAXATION.name,
        expected,
        got: relaxation.to_string(),
    })
}

const ABOUT: About = About {
    name: "red-pro",
    summary: "regularisation by denoising via fixed-point projection: minimises l over the fixed points of D",
    assumptions: "smooth convex l; D continuous, demicontractive (d < 1), with a fixed point; a constant level; \
                  relaxation below 1 - d; 0 < decay <= 1: iterates that stay bounded approach the minimisers of \
                  l over the fixed points",
    source: "Cohen, Elad, Milanfar 2021, arXiv 2008.00226; hybrid steepest descent: Yamada and Ogura 2004",
    iterations: 100,
    iterations_without_noise: None,
    level: LevelUse::Constant,
    anderson: true,
    parameters: &[
        Parameter {
            meaning: "noise level for the denoiser, or a schedule; auto: the noise level, at least 5/255",
            ..SIGMA
        },
        Parameter {
            name: "step",
            unit: "",
            meaning: "first step; auto: 1.9 / (Lipschitz constant of the data)",
        },
        Parameter {
            name: "decay",
            unit: "",
            meaning: "power of the steps' decay, step / (k + 1)^decay, in [0, 1]",
        },
        RELAXATION,
    ],
};

impl Solver for RedPro {
    fn about(&self) -> &'static About {
        &ABOUT
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
        let decay = self.decay;
        if !(0.0..=1.0).contains(&decay) {
            let expected = "a value in [0, 1]".to_owned();
            return Err(Error::Parameter {
                solver,
                parameter: "decay",
                expected,
                got: decay.to_string(),
            });
        }
        let first = require_positive(solver, "step", self.step.unwrap_or(1.9 / problem.lipschitz(solver)?))?;
        let steps = (0..run.iterations)
            .map(|k| first / (f64::from(k) + 1.0).powf(decay))
            .collect();
        let step = Schedule::Values(steps).resolve(run.iterations, solver, "step")?;
        let sigma = self.sigma.clone().unwrap_or_else(|| problem.noise_level_above(5.0));
        let levels = problem.levels(&sigma, run.iterations, solver)?;
        run.fixed_point(
            &ABOUT,
            Map {
                problem,
                levels,
                step,
                relaxation,
                constant: decay == 0.0,
            },
            Acceleration::None,
        )
    }
}

/// [`RedPro`] for a problem.
#[derive(Debug)]
struct Map {
    problem: Problem,
    levels: Resolved,
    step: Resolved,
    relaxation: f64,
    constant: bool,
}

impl FixedPointMap for Map {
    fn apply(&self, x: &Image, k: u32) -> Result<Mapped, Error> {
        let sigma = Sigma::new(self.levels.at(k))?;
        let z = x.clone() - self.problem.fidelity.grad(x.clone())? * self.step.at(k);
        let denoised = self.problem.prior.denoiser().denoise(z.clone(), sigma)?;
        let next = z.clone() + (denoised - z) * self.relaxation;
        Ok(Mapped::new(next, sigma, Work::DENOISER_CALL))
    }

    /// Never with a decaying step: each T_k has fixed points of its own.
    fn settled_from(&self) -> u32 {
        if self.constant {
            self.levels.settled_from()
        } else {
            u32::MAX
        }
    }
}
