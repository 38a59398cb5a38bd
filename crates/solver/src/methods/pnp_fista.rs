//! Plug-and-play FISTA.

use serde::{Deserialize, Serialize};

use super::pnp_pgd::{PGD_PARAMETERS, PgdMap, PnpPgd};
use crate::{About, Acceleration, Algorithm, Error, LevelUse, Problem, RunSettings, Schedule, Solver};

/// Plug-and-play FISTA: [`PnpPgd`] with the momentum of [`Acceleration::Nesterov`] (Kamilov, Mansour and Wohlberg 2017):
///
/// x_(k+1) = D(w_k - mu grad l(w_k), sigma), w_(k+1) = x_(k+1) + (t_k - 1)/t_(k+1) (x_(k+1) - x_k).
///
/// For a linear D = W for which W (I - mu A^T A) has real eigenvalues in [0, r], r < 1, the error falls by the factor
/// sqrt(r) an iteration in the limit: with momentum b each eigenvalue q gives m^2 - (1 + b) q m + b q = 0, and b -> 1
/// (Sinha and Chaudhury 2024, arXiv 2411.10808).
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PnpFista {
    /// Weight of the prior against the data, at the end of the run; `None`: 0.25 unless `sigma` is given.
    pub strength: Option<f64>,
    /// Noise level for the denoiser, in `[0, 1]` units, in place of `strength`; `None`: as [`PnpPgd`].
    pub sigma: Option<Schedule>,
    /// Step mu; `None`: 1/L, L the Lipschitz constant of grad l.
    pub step: Option<Schedule>,
}

const ABOUT: About = About {
    name: "pnp-fista",
    summary: "plug-and-play proximal gradient descent with Nesterov's momentum",
    assumptions: "smooth l; no guarantee for general D, averaged or not; if D is the proximal operator of a \
                  convex phi and the step at most 1/L, l + phi/step falls to its minimum (Beck and Teboulle \
                  2009); linear rate for least squares, a linear symmetric D with eigenvalues in [0, 1] that \
                  keeps no image that A does not see, and a step up to 1/L (Sinha and Chaudhury 2024)",
    source: "Kamilov, Mansour, Wohlberg 2017; Beck and Teboulle 2009",
    iterations: 20,
    iterations_without_noise: None,
    level: LevelUse::Constant,
    anderson: false,
    parameters: &PGD_PARAMETERS,
};

impl Solver for PnpFista {
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
        let parameters = PnpPgd {
            strength: self.strength,
            sigma: self.sigma.clone(),
            step: self.step.clone(),
        };
        let map = PgdMap::new(ABOUT.name, 1.0, parameters, problem, run)?;
        run.fixed_point(&ABOUT, map, Acceleration::Nesterov)
    }
}
