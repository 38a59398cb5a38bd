//! Regularisation by denoising: proximal gradient with a dynamic step.

use serde::{Deserialize, Serialize};
use tweedie_imaging::Image;

use super::red_pg::RedPg;
use super::{RED_SIGMA, STRENGTH};
use crate::problem::require_positive;
use crate::{About, Error, FixedPointMap, Mapped, Method, Parameter, Problem, RunSettings, Schedule};

/// RED by the proximal gradient method with a dynamic step (Reehorst and Schniter 2018, RED-DPG): [`RedPg`] with
///
/// step_k = step_end + (step_start - step_end) / sqrt(k + 1), k = 0, 1, ...
///
/// The paper writes 1/L_k for the step, with L_0 = 0.2 and L_inf = 2. The steps change, the fixed points do not. The
/// state and the estimate are x.
#[derive(Debug)]
pub struct RedDpg(RedPg);

/// Parameters of [`RedDpg`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RedDpgParams {
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

impl Default for RedDpgParams {
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

impl Method for RedDpg {
    type Params = RedDpgParams;
    const ABOUT: About = About {
        name: "red-dpg",
        summary: "red-pg with steps that start long and shorten: fast first iterations",
        assumptions: "as red-pg, with step_start and step_end below 1; the longer first steps of the paper have no \
                      guarantee",
        source: "Reehorst and Schniter 2018, arXiv 1806.02296, RED-DPG",
        iterations: 50,
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

    fn new(params: RedDpgParams, problem: Problem, run: RunSettings) -> Result<Self, Error> {
        let solver = Self::ABOUT.name;
        let start = require_positive(solver, "step_start", params.step_start)?;
        let end = require_positive(solver, "step_end", params.step_end)?;
        let steps = (0..run.iterations)
            .map(|k| end + (start - end) / (f64::from(k) + 1.0).sqrt())
            .collect();
        let step = Schedule::Values(steps).resolve(run.iterations, solver, "step_start")?;
        RedPg::named(solver, (params.strength, params.sigma, step), problem, run).map(Self)
    }
}

impl FixedPointMap for RedDpg {
    fn apply(&self, x: &Image, k: u32) -> Result<Mapped, Error> {
        self.0.apply(x, k)
    }

    fn settled_from(&self) -> u32 {
        self.0.settled_from()
    }
}
