//! Plug-and-play Douglas-Rachford splitting.

use serde::{Deserialize, Serialize};
use tweedie_imaging::Image;

use super::{SIGMA, STRENGTH};
use crate::weighted::Weighted;
use crate::{
    About, Acceleration, Algorithm, Error, FixedPointMap, LevelUse, Mapped, Parameter, Problem, RunSettings, Schedule,
    Solver, Work,
};

/// Plug-and-play Douglas-Rachford splitting:
///
/// x <- prox_{l/rho}(z), v <- D(2 x - z, sigma), z <- z + relaxation (v - x), rho = strength s^2 / sigma^2.
///
/// The state is z, T(z) - z = relaxation (v - x), and the estimate is v. Without relaxation (1) this is [`super::PnpAdmm`]
/// in other variables, started differently.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PnpDrs {
    /// Weight of the prior against the data.
    pub strength: f64,
    /// Noise level for the denoiser, in `[0, 1]` units; `None`: the geometric mean of 49/255 and s, at least 20/255.
    pub sigma: Option<Schedule>,
    /// Relaxation in (0, 2).
    pub relaxation: f64,
}

impl Default for PnpDrs {
    /// As [`super::PnpAdmm`], without relaxation.
    fn default() -> Self {
        Self {
            strength: 0.7,
            sigma: None,
            relaxation: 1.0,
        }
    }
}

const ABOUT: About = About {
    name: "pnp-drs",
    summary: "plug-and-play Douglas-Rachford splitting: ADMM in other variables, with relaxation",
    assumptions: "as pnp-admm; relaxation up to 2, for strongly convex l and D - I a contraction up to 1",
    source: "Douglas-Rachford splitting (Lions and Mercier 1979; Eckstein and Bertsekas 1992) with the denoiser as \
             proximal operator; Ryu et al. 2019 (PnP-DRS)",
    iterations: 50,
    iterations_without_noise: None,
    level: LevelUse::Constant,
    anderson: true,
    parameters: &[
        STRENGTH,
        SIGMA,
        Parameter {
            name: "relaxation",
            unit: "",
            meaning: "share of the step that is taken, in (0, 2)",
        },
    ],
};

impl Solver for PnpDrs {
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
        let relaxation = self.relaxation;
        if !(relaxation > 0.0 && relaxation < 2.0) {
            let expected = "a value in (0, 2)".to_owned();
            return Err(Error::Parameter {
                solver,
                parameter: "relaxation",
                expected,
                got: relaxation.to_string(),
            });
        }
        let sigma = self.sigma.clone().unwrap_or_else(|| problem.splitting_level());
        let weighted = Weighted::new(problem, self.strength, &sigma, run.iterations, solver)?;
        run.fixed_point(&ABOUT, Map { weighted, relaxation }, Acceleration::None)
    }
}

/// [`PnpDrs`] for a problem.
#[derive(Debug)]
struct Map {
    weighted: Weighted,
    relaxation: f64,
}

impl FixedPointMap for Map {
    fn apply(&self, z: &Image, k: u32) -> Result<Mapped, Error> {
        let (x, work) = self.weighted.prox(z.clone(), self.weighted.weight(k))?;
        let v = self.weighted.denoise(x.clone() * 2.0 - z.clone(), k)?;
        let next = z.clone() + (v.clone() - x) * self.relaxation;
        let mapped = Mapped::new(next, self.weighted.sigma(k)?, work + Work::DENOISER_CALL);
        Ok(Mapped {
            estimate: Some(v),
            ..mapped
        })
    }

    fn settled_from(&self) -> u32 {
        self.weighted.settled_from()
    }
}
