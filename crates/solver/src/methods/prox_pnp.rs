//! Plug-and-play proximal gradient descent with a gradient-step denoiser that is a proximal operator.

use serde::{Deserialize, Serialize};
use tweedie_imaging::Image;

use super::pnp_pgd::{PGD_PARAMETERS, PgdMap, PnpPgd};
use super::red_pro::{RELAXATION, check_relaxation};
use crate::measure::norms_sq;
use crate::{
    About, Acceleration, Algorithm, Error, FixedPointMap, LevelUse, Mapped, Problem, RunSettings, Schedule, Solver,
    Work,
};

/// Proximal plug-and-play (Hurault, Leclaire and Papadakis 2022, Prox-PnP): proximal gradient descent
///
/// z = x - mu grad l(x), x <- D_a(z) = z - a grad g(z, sigma).
///
/// If a grad g is a contraction, D_a is the proximal operator of a (weakly convex) phi with
/// phi(D_a(z)) = a g(z) - 1/2 ||D_a(z) - z||^2, and the iteration descends l + phi/mu, which is reported as objective.
/// The state and the estimate are x.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ProxPnp {
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

impl Default for ProxPnp {
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

const ABOUT: About = About {
    name: "prox-pnp",
    summary: "pnp-pgd with a gradient-step denoiser that is a proximal operator: descends a known objective",
    assumptions: "smooth l, bounded below; D = x - grad g with g known and bounded below, relaxation times grad \
                  g a contraction; at a constant level and for steps up to 1/L the objective falls in every \
                  iteration, and limit points of bounded iterates are stationary",
    source: "Hurault, Leclaire, Papadakis 2022, arXiv 2201.13256, Prox-PnP-PGD",
    iterations: 100,
    iterations_without_noise: None,
    level: LevelUse::Constant,
    anderson: true,
    parameters: &[PGD_PARAMETERS[0], PGD_PARAMETERS[1], PGD_PARAMETERS[2], RELAXATION],
};

impl Solver for ProxPnp {
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
        let solver = ABOUT.name;
        problem.gradient_denoiser(solver)?;
        let relaxation = check_relaxation(solver, self.relaxation)?;
        let parameters = PnpPgd {
            strength: self.strength,
            sigma: self.sigma.clone(),
            step: self.step.clone(),
        };
        let pgd = PgdMap::new(solver, 1.0, parameters, problem, run)?;
        run.fixed_point(&ABOUT, Map { pgd, relaxation }, Acceleration::None)
    }
}

/// [`ProxPnp`] for a problem.
#[derive(Debug)]
struct Map {
    pgd: PgdMap,
    relaxation: f64,
}

impl FixedPointMap for Map {
    fn apply(&self, x: &Image, k: u32) -> Result<Mapped, Error> {
        let problem = self.pgd.problem();
        let sigma = self.pgd.sigma(k)?;
        let z = self.pgd.gradient_step(x, k)?;
        let (potential, penalty) = problem.gradient_denoiser(ABOUT.name)?.potential(z.clone(), sigma)?;
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
