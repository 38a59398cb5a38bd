//! Plug-and-play proximal gradient descent with a gradient-step denoiser that is a proximal operator.

use serde::{Deserialize, Serialize};
use tweedie_imaging::Image;

use super::pnp_pgd::{PGD_PARAMETERS, PnpPgd, PnpPgdParams};
use super::red_pro::{RELAXATION, check_relaxation};
use crate::measure::norms_sq;
use crate::{About, Error, FixedPointMap, Mapped, Method, Problem, RunSettings, Schedule, Work};

/// Proximal plug-and-play (Hurault, Leclaire and Papadakis 2022, Prox-PnP): proximal gradient descent
///
/// z = x - mu grad l(x), x <- D_a(z) = z - a grad g(z, sigma).
///
/// If a grad g is a contraction, D_a is the proximal operator of a (weakly convex) phi with
/// phi(D_a(z)) = a g(z) - 1/2 ||D_a(z) - z||^2, and the iteration descends l + phi/mu, which is reported as objective.
/// The state and the estimate are x.
#[derive(Debug)]
pub struct ProxPnp {
    pgd: PnpPgd,
    relaxation: f64,
}

/// Parameters of [`ProxPnp`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ProxPnpParams {
    /// Weight of the prior against the data, at the end of the run; `None`: 0.25 unless `sigma` is given.
    pub strength: Option<f64>,
    /// Noise level for the denoiser, in `[0, 1]` units, in place of `strength`; `None`: falling from 49/255 to
    /// s sqrt(strength mu), at least 5/255.
    pub sigma: Option<Schedule>,
    /// Step mu; `None`: 1/L, L the Lipschitz constant of grad l.
    pub step: Option<Schedule>,
    /// Share a of the denoiser in D_a, in (0, 1].
    pub relaxation: f64,
}

impl Default for ProxPnpParams {
    /// a = 1/2: then a grad g = a (I - D) is nonexpansive for every nonexpansive D, a contraction where D is averaged.
    fn default() -> Self {
        Self {
            strength: None,
            sigma: None,
            step: None,
            relaxation: 0.5,
        }
    }
}

impl Method for ProxPnp {
    type Params = ProxPnpParams;
    const ABOUT: About = About {
        name: "prox-pnp",
        summary: "pnp-pgd with a gradient-step denoiser that is a proximal operator: descends a known objective",
        assumptions: "smooth l, bounded below; D = x - grad g with g known and bounded below, relaxation times grad \
                      g a contraction; at a constant level and for steps up to 1/L the objective falls in every \
                      iteration, and limit points of bounded iterates are stationary",
        source: "Hurault, Leclaire, Papadakis 2022, arXiv 2201.13256, Prox-PnP-PGD",
        iterations: 100,
        parameters: &[PGD_PARAMETERS[0], PGD_PARAMETERS[1], PGD_PARAMETERS[2], RELAXATION],
    };

    fn new(params: ProxPnpParams, problem: Problem, run: RunSettings) -> Result<Self, Error> {
        let solver = Self::ABOUT.name;
        problem.gradient_denoiser(solver)?;
        let relaxation = check_relaxation(solver, params.relaxation)?;
        let pgd = PnpPgdParams {
            strength: params.strength,
            sigma: params.sigma,
            step: params.step,
        };
        Ok(Self {
            pgd: PnpPgd::named(solver, 1.0, pgd, problem, run)?,
            relaxation,
        })
    }
}

impl FixedPointMap for ProxPnp {
    fn apply(&self, x: &Image, k: u32) -> Result<Mapped, Error> {
        let problem = self.pgd.problem();
        let sigma = self.pgd.sigma(k)?;
        let z = self.pgd.gradient_step(x, k)?;
        let (potential, penalty) = problem
            .gradient_denoiser(Self::ABOUT.name)?
            .potential(z.clone(), sigma)?;
        let moved = penalty * self.relaxation;
        let next = z - moved.clone();
        let phi = self.relaxation * potential.iter().sum::<f64>() - 0.5 * norms_sq(&[&moved])?[0];
        let data = problem.fidelity.value(next.clone())?.iter().sum::<f64>();
        let mapped = Mapped::new(next, sigma, Work::DENOISER_CALL);
        Ok(Mapped {
            objective: Some(data + phi / self.pgd.step(k)),
            ..mapped
        })
    }

    fn settled_from(&self) -> u32 {
        self.pgd.settled_from()
    }
}
