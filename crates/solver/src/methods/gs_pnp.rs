//! Plug-and-play with a gradient-step denoiser.

use serde::{Deserialize, Serialize};
use tweedie_imaging::Image;

use super::{SIGMA, STRENGTH};
use crate::energy::{Backtracking, Descent};
use crate::problem::require_positive;
use crate::weighted::Weighted;
use crate::{
    About, Algorithm, Error, Iteration, LevelUse, Parameter, Problem, RunSettings, Schedule, Solver, StepStats,
};

/// Gradient-step plug-and-play (Hurault, Leclaire and Papadakis 2022, GS-PnP): proximal gradient descent on
/// F(x) = l(x, y) + alpha g(x, sigma), D = x - grad g, alpha = strength s^2 / sigma^2,
///
/// x <- prox_{tau l}(x - tau alpha grad g(x)),
///
/// tau <- shrink tau until F(x) - F(x_next) >= decrease/tau ||x_next - x||^2. With tau = 1/alpha the argument of the
/// proximal operator is D(x). The paper writes lambda for alpha. The state and the estimate are x; the residual is that
/// of the accepted step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GsPnp {
    /// Weight of the prior against the data.
    pub strength: f64,
    /// Noise level for the denoiser, in `[0, 1]` units; `None`: the geometric mean of 20/255 and s, at least 9/255.
    pub sigma: Option<Schedule>,
    /// First step tau; `None`: 1/alpha.
    pub step: Option<f64>,
    /// Factor of the step when the energy did not fall enough, in (0, 1).
    pub shrink: f64,
    /// Required decrease, in (0, 1/2).
    pub decrease: f64,
}

impl Default for GsPnp {
    /// The paper's shrink eta = 0.9 and decrease gamma = 0.1.
    fn default() -> Self {
        Self {
            strength: 0.5,
            sigma: None,
            step: None,
            shrink: 0.9,
            decrease: 0.1,
        }
    }
}

const ABOUT: About = About {
    name: "gs-pnp",
    summary: "plug-and-play with a gradient-step denoiser: descends a known energy, with backtracking",
    assumptions: "convex l, bounded below, with a proximal step; D = x - grad g with g known, bounded below, \
                  its gradient locally Lipschitz; at a constant level the energy falls in every iteration, and \
                  limit points of bounded iterates are stationary",
    source: "Hurault, Leclaire, Papadakis 2022, arXiv 2110.03220, algorithm with backtracking",
    iterations: 100,
    iterations_without_noise: None,
    level: LevelUse::Constant,
    anderson: false,
    parameters: &[
        STRENGTH,
        Parameter {
            meaning: "noise level for the denoiser, or a schedule; auto: the geometric mean of 20/255 and the noise \
                      level, at least 9/255",
            ..SIGMA
        },
        Parameter {
            name: "step",
            unit: "",
            meaning: "first step tau; auto: 1 / (weight of g), then D(x) is prox'd",
        },
        Parameter {
            name: "shrink",
            unit: "",
            meaning: "factor of the step in backtracking, in (0, 1)",
        },
        Parameter {
            name: "decrease",
            unit: "",
            meaning: "required decrease of the energy, in (0, 1/2)",
        },
    ],
};

impl Solver for GsPnp {
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
        run.refuse_anderson(&ABOUT)?;
        problem.gradient_denoiser(solver)?;
        let step = self
            .step
            .map(|step| require_positive(solver, "step", step))
            .transpose()?;
        let inside = |parameter: &'static str, value: f64, end: f64| {
            if value > 0.0 && value < end {
                return Ok(value);
            }
            Err(Error::Parameter {
                solver,
                parameter,
                expected: format!("a value in (0, {end})"),
                got: value.to_string(),
            })
        };
        let rule = Backtracking {
            decrease: inside("decrease", self.decrease, 0.5)?,
            shrink: inside("shrink", self.shrink, 1.0)?,
        };
        let sigma = self.sigma.clone().unwrap_or_else(|| problem.energy_level());
        let weighted = Weighted::new(problem, self.strength, &sigma, run.iterations, solver)?;
        Ok(Box::new(Descending {
            weighted,
            step,
            rule,
            iterations: run.iterations,
        }))
    }
}

/// [`GsPnp`] for a problem.
#[derive(Debug)]
struct Descending {
    weighted: Weighted,
    step: Option<f64>,
    rule: Backtracking,
    iterations: u32,
}

impl Algorithm for Descending {
    fn name(&self) -> &'static str {
        ABOUT.name
    }

    fn iterations(&self) -> u32 {
        self.iterations
    }

    fn settled_from(&self) -> u32 {
        self.weighted.settled_from()
    }

    fn start<'a>(&'a self, x0: Image) -> Result<Box<dyn Iteration + 'a>, Error> {
        let denoiser = self.weighted.problem.gradient_denoiser(ABOUT.name)?;
        Ok(Box::new(Run {
            solver: self,
            descent: Descent::new(&self.weighted, denoiser, self.rule, x0),
        }))
    }
}

struct Run<'a> {
    solver: &'a Descending,
    descent: Descent<'a>,
}

impl Iteration for Run<'_> {
    fn step(&mut self, k: u32) -> Result<StepStats, Error> {
        let weighted = &self.solver.weighted;
        let alpha = weighted.weight(k);
        let first = self.solver.step.unwrap_or(1.0 / alpha);
        self.descent.step(k, first, |x, penalty, tau| {
            let z = x.clone() - penalty.clone() * (tau * alpha);
            weighted.prox(z, 1.0 / tau)
        })
    }

    fn estimate(&self) -> &Image {
        self.descent.x()
    }
}
