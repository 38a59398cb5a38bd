//! Regularisation by denoising: proximal gradient with a dynamic step.

use serde::{Deserialize, Serialize};

use super::red_pg::RedPgMap;
use super::{RED_SIGMA, STRENGTH};
use crate::problem::require_positive;
use crate::{About, Acceleration, Algorithm, Error, LevelUse, Parameter, Problem, RunSettings, Schedule, Solver};

/// RED by the proximal gradient method with a dynamic step (Reehorst and Schniter 2018, RED-DPG): [`super::RedPg`] with
///
/// step_k = step_end + (step_start - step_end) / sqrt(k + 1), k = 0, 1, ...
///
/// The paper writes 1/L_k for the step, with L_0 = 0.2 and L_inf = 2. The steps change, the fixed points do not. The
/// state and the estimate are x.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RedDpg {
    /// Weight of the prior against the data.
    pub strength: f64,
    /// Noise level for the denoiser, in `[0, 1]` units; `None`: falling over the run from 49/255 to s, at least
    /// 4.5/255.
    pub sigma: Option<Schedule>,
    /// First step, 1/L_0.
    pub step_start: f64,
    /// Limit of the steps, 1/L_inf; with both below 1 it converges for a nonexpansive D.
    pub step_end: f64,
}

impl Default for RedDpg {
    /// Less than the maximum a posteriori strength, at which networks smooth too much, the paper's L_0 = 0.2 and L_inf = 2.
    fn default() -> Self {
        Self {
            strength: 0.3,
            sigma: None,
            step_start: 5.0,
            step_end: 0.5,
        }
    }
}

const ABOUT: About = About {
    name: "red-dpg",
    summary: "red-pg with steps that start long and shorten: fast first iterations",
    assumptions: "as red-pg, with step_start and step_end below 1; the longer first steps of the paper have no \
                  guarantee",
    source: "Reehorst and Schniter 2018, arXiv 1806.02296, RED-DPG",
    iterations: 50,
    iterations_without_noise: None,
    level: LevelUse::Constant,
    anderson: true,
    parameters: &[
        STRENGTH,
        RED_SIGMA,
        Parameter {
            name: "step_start",
            unit: "",
            meaning: "first step, 1/L_0 in the paper",
        },
        Parameter {
            name: "step_end",
            unit: "",
            meaning: "limit of the steps, 1/L_inf; safe with both below 1",
        },
    ],
};

impl Solver for RedDpg {
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
        let start = require_positive(solver, "step_start", self.step_start)?;
        let end = require_positive(solver, "step_end", self.step_end)?;
        let steps = (0..run.iterations)
            .map(|k| end + (start - end) / (f64::from(k) + 1.0).sqrt())
            .collect();
        let step = Schedule::Values(steps).resolve(run.iterations, solver, "step_start")?;
        let map = RedPgMap::new(solver, (self.strength, self.sigma.clone(), step), problem, run)?;
        run.fixed_point(&ABOUT, map, Acceleration::None)
    }
}
