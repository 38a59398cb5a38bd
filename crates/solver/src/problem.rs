//! What every algorithm is given: data, prior, noise level.

use std::fmt;
use std::sync::Arc;

use tweedie_imaging::{Denoiser, GradientDenoiser, Sigma};
use tweedie_operators::DataFidelity;

use crate::{Error, LogSpaced, Resolved, Schedule};

/// The denoiser, with the ability that it has beyond denoising.
#[derive(Clone)]
pub enum Prior {
    /// A denoiser, nothing more known.
    Plain(Arc<dyn Denoiser>),
    /// A gradient-step denoiser, whose potential gives the algorithms an energy.
    Gradient(Arc<dyn GradientDenoiser>),
}

impl Prior {
    /// The denoiser.
    pub fn denoiser(&self) -> &dyn Denoiser {
        match self {
            Self::Plain(denoiser) => denoiser.as_ref(),
            Self::Gradient(denoiser) => denoiser.as_ref(),
        }
    }
}

/// A restoration problem: l(x, y) + strength s^2 phi(x), with phi known through the denoiser.
///
/// The scale is that of the maximum a posteriori estimate for y = A x + s n: with l = 1/2 ||Ax - y||^2, strength 1 and
/// phi = -log p. A denoiser at level sigma stands for the proximal operator of sigma^2 phi (plug-and-play), or for the
/// gradient (x - D(x, sigma)) / sigma^2 of phi (RED, Tweedie).
#[derive(Clone)]
pub struct Problem {
    /// The data fidelity l(., y).
    pub fidelity: Arc<dyn DataFidelity>,
    /// The denoiser.
    pub prior: Prior,
    /// The noise level s of the measurement.
    pub noise: Sigma,
}

impl fmt::Debug for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Problem")
            .field("domain", &self.fidelity.domain())
            .field("denoiser", self.prior.denoiser().info())
            .field("noise", &self.noise)
            .finish_non_exhaustive()
    }
}

// How the default levels and strengths were chosen stands in docs/algorithms.md, "Default parameters", and nowhere else.
impl Problem {
    /// Noise level s that weights are computed from: at least 0.255/255, so that noise-free data keep a finite weight
    /// (the floor that DPIR uses, Zhang et al. 2021).
    pub(crate) fn weight_noise(&self) -> f64 {
        self.noise.value().max(0.255 / 255.0)
    }

    /// The problem with s at least `floor`: a penalty that only gradient steps act on needs a weight that is felt within
    /// a run, where the data leave pixels open.
    pub(crate) fn with_noise_at_least(mut self, floor: f64) -> Self {
        if self.noise.value() < floor {
            self.noise = Sigma::new(floor).unwrap_or(self.noise);
        }
        self
    }

    /// A default noise level: `level` moved into the range that the denoiser is made for. Levels that a user gives are
    /// never moved, but refused.
    pub(crate) fn default_level(&self, level: f64) -> f64 {
        let support = self.prior.denoiser().info().sigma;
        Sigma::new(level).map_or(level, |level| support.nearest(level).value())
    }

    /// Noise level s that levels are computed from: at least one grey level, below which denoisers are not trained.
    fn level_noise(&self) -> f64 {
        self.noise.at_least_one_grey_level().value()
    }

    /// Half-quadratic splitting: log-spaced from 49/255 to s over the run (Zhang et al. 2021).
    pub(crate) fn falling_to_noise(&self) -> Schedule {
        self.falling_to(self.level_noise())
    }

    /// Log-spaced over the run from 49/255 to `level`.
    pub(crate) fn falling_to(&self, level: f64) -> Schedule {
        let to = self.default_level(level);
        let from = self.default_level(to.max(49.0 / 255.0));
        Schedule::LogSpaced(LogSpaced { from, to, steps: None })
    }

    /// RED: log-spaced over the run from 49/255 to s, but no less than 4.5/255, below which the
    /// weight of the prior moves nothing any more.
    pub(crate) fn falling_for_red(&self) -> Schedule {
        self.falling_to(self.level_noise().max(4.5 / 255.0))
    }

    /// ADMM and Douglas-Rachford splitting keep one level: the geometric mean of the ends of that schedule, but no less than
    /// 20/255, below which pixels that were not measured are filled in slowly.
    pub(crate) fn splitting_level(&self) -> Schedule {
        let s = self.level_noise();
        Schedule::Constant(self.default_level((s * s.max(49.0 / 255.0)).sqrt().max(20.0 / 255.0)))
    }

    /// Descent on a known energy keeps one level: the geometric mean of 20/255 and s, but no less than 9/255, where networks stop being
    /// nonexpansive enough for its long runs.
    pub(crate) fn energy_level(&self) -> Schedule {
        let s = self.level_noise();
        Schedule::Constant(self.default_level((s * s.max(20.0 / 255.0)).sqrt().max(9.0 / 255.0)))
    }

    /// RED-PRO keeps the noise level s itself, but no less than `grey_levels`, where its iterations stay stable.
    pub(crate) fn noise_level_above(&self, grey_levels: f64) -> Schedule {
        Schedule::Constant(self.default_level(self.noise.value().max(grey_levels / 255.0)))
    }

    /// Resolves the noise levels of a run and checks that the denoiser takes them.
    pub(crate) fn levels(&self, schedule: &Schedule, iterations: u32, solver: &'static str) -> Result<Resolved, Error> {
        let levels = schedule.resolve(iterations, solver, "sigma")?;
        let info = self.prior.denoiser().info();
        for &level in levels.values() {
            info.sigma.require(&info.name, Sigma::new(level)?)?;
        }
        Ok(levels)
    }

    /// The Lipschitz constant of grad l, for algorithms that take gradient steps.
    pub(crate) fn lipschitz(&self, solver: &'static str) -> Result<f64, Error> {
        self.fidelity.lipschitz().ok_or(Error::Capability {
            solver,
            needs: "a smooth data fidelity; use one that takes proximal steps, such as pnp-admm or red-pg",
        })
    }

    /// The denoiser with its potential, for algorithms that need an energy.
    pub(crate) fn gradient_denoiser(&self, solver: &'static str) -> Result<&Arc<dyn GradientDenoiser>, Error> {
        match &self.prior {
            Prior::Gradient(denoiser) => Ok(denoiser),
            Prior::Plain(_) => Err(Error::Capability {
                solver,
                needs: "a gradient-step denoiser, D = x - grad g with g known; use red-gd or pnp-pgd with this one",
            }),
        }
    }
}

/// Refuses a value that is not finite and positive.
pub(crate) fn require_positive(solver: &'static str, parameter: &'static str, value: f64) -> Result<f64, Error> {
    if value.is_finite() && value > 0.0 {
        return Ok(value);
    }
    Err(Error::Parameter {
        solver,
        parameter,
        expected: "a finite value > 0".to_owned(),
        got: value.to_string(),
    })
}
