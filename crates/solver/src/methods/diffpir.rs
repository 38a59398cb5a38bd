//! DiffPIR: restoration by sampling with a denoiser.

use serde::{Deserialize, Serialize};
use tweedie_imaging::{Image, noise};

use super::{SIGMA, STRENGTH};
use crate::measure::{entries, norms_sq};
use crate::weighted::Weighted;
use crate::{
    About, Algorithm, Error, Iteration, LevelUse, Parameter, Problem, RunSettings, Schedule, Solver, StepStats, Work,
};

/// DiffPIR (Zhu et al. 2023) in the variance-exploding form, for denoisers of a range of levels: from
/// z_0 = x_0 + sigma_0 n_0,
///
/// x <- prox_{l/rho_k}(D(z_k, sigma_k)), rho_k = strength s^2 / sigma_k^2,
/// e = (z_k - x) / sigma_k, z_(k+1) = x + sigma_(k+1) (sqrt(1 - zeta) e + sqrt(zeta) n_k),
///
/// with n_k ~ N(0, I) seeded on the host. The paper's variance-preserving x_t is z sqrt(abar_t), its level sigma_t
/// sqrt((1 - abar_t)/abar_t). The estimate is x. There is no fixed point: the residual is what an iteration changes in z.
///
/// Denoisers that are trained up to 50 or 75 grey levels cannot start from pure noise, so the result keeps the coarse
/// structure of x_0; the noise explores the rest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DiffPir {
    /// Weight of the prior against the data.
    pub strength: f64,
    /// Noise levels of the sampling, in `[0, 1]` units; `None`: log-spaced from 49/255 to s over the run.
    pub sigma: Option<Schedule>,
    /// Share of fresh noise in each step, in [0, 1]; 0 is deterministic but for the start.
    pub zeta: f64,
    /// Seed of the noise.
    pub seed: u64,
}

impl Default for DiffPir {
    /// Fresh noise in every step and a strength below the paper's 3 to 25: for denoisers of levels up to 50 or 75, which
    /// start close to the image, this gave the best images.
    fn default() -> Self {
        Self {
            strength: 2.0,
            sigma: None,
            zeta: 1.0,
            seed: 0,
        }
    }
}

const ABOUT: About = About {
    name: "diffpir",
    summary: "samples an image that fits the data: denoising, a proximal step of the data, then fresh noise",
    assumptions: "any l with a proximal step; a denoiser for a range of levels that is close to the posterior mean",
    source: "Zhu, Zhang, Liang, Cao, Wen, Timofte, Van Gool 2023, arXiv 2305.08995, algorithm 1",
    iterations: 30,
    iterations_without_noise: None,
    level: LevelUse::Falling,
    anderson: false,
    parameters: &[
        STRENGTH,
        Parameter {
            meaning: "noise levels of the sampling; auto: log-spaced from 49/255 to the noise level over the run",
            ..SIGMA
        },
        Parameter {
            name: "zeta",
            unit: "",
            meaning: "share of fresh noise in each step, in [0, 1]",
        },
        Parameter {
            name: "seed",
            unit: "",
            meaning: "seed of the noise",
        },
    ],
};

impl Solver for DiffPir {
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

    fn with_seed(&self, seed: u64) -> Option<Box<dyn Solver>> {
        Some(Box::new(Self { seed, ..self.clone() }))
    }

    fn prepare(&self, problem: Problem, run: RunSettings) -> Result<Box<dyn Algorithm>, Error> {
        let solver = ABOUT.name;
        run.refuse_anderson(&ABOUT)?;
        let zeta = self.zeta;
        if !(0.0..=1.0).contains(&zeta) {
            let expected = "a value in [0, 1]".to_owned();
            return Err(Error::Parameter {
                solver,
                parameter: "zeta",
                expected,
                got: zeta.to_string(),
            });
        }
        let sigma = self.sigma.clone().unwrap_or_else(|| problem.falling_to_noise());
        let weighted = Weighted::new(problem, self.strength, &sigma, run.iterations, solver)?;
        Ok(Box::new(Sampling {
            weighted,
            zeta,
            seed: self.seed,
            iterations: run.iterations,
        }))
    }
}

/// [`DiffPir`] for a problem.
#[derive(Debug)]
struct Sampling {
    weighted: Weighted,
    zeta: f64,
    seed: u64,
    iterations: u32,
}

impl Algorithm for Sampling {
    fn name(&self) -> &'static str {
        ABOUT.name
    }

    fn iterations(&self) -> u32 {
        self.iterations
    }

    /// Never: fresh noise moves the state in every iteration.
    fn settled_from(&self) -> u32 {
        u32::MAX
    }

    fn start<'a>(&'a self, x0: Image) -> Result<Box<dyn Iteration + 'a>, Error> {
        let sigma = self.weighted.sigma(0)?;
        let start = noise::gaussian(x0.dims(), sigma, self.seed, 0, &x0.device())?;
        Ok(Box::new(Run {
            solver: self,
            z: x0.clone() + start,
            x: x0,
        }))
    }
}

struct Run<'a> {
    solver: &'a Sampling,
    z: Image,
    x: Image,
}

impl Iteration for Run<'_> {
    fn step(&mut self, k: u32) -> Result<StepStats, Error> {
        let Sampling {
            weighted, zeta, seed, ..
        } = self.solver;
        let (sigma, next_sigma) = (weighted.sigma(k)?, weighted.sigma(k + 1)?);
        let denoised = weighted.denoise(self.z.clone(), k)?;
        let (x, work) = weighted.prox(denoised, weighted.weight(k))?;
        // Stream 0 is the start's.
        let fresh = noise::gaussian(x.dims(), next_sigma, *seed, u64::from(k) + 1, &x.device())?;
        let kept = (self.z.clone() - x.clone()) * (next_sigma.value() / sigma.value());
        let z = x.clone() + kept * (1.0 - zeta).sqrt() + fresh * zeta.sqrt();
        let norms = norms_sq(&[
            &(z.clone() - self.z.clone()),
            &(x.clone() - self.x.clone()),
            &self.x,
            &x,
        ])?;
        let n = entries(&x);
        (self.z, self.x) = (z, x);
        Ok(StepStats {
            fixed_point_residual: (norms[0] / n).sqrt(),
            rel_change: (norms[2] > 0.0).then(|| (norms[1] / norms[2]).sqrt()),
            estimate_rms: (norms[3] / n).sqrt(),
            objective: None,
            stalled: false,
            sigma,
            work: work + Work::DENOISER_CALL,
        })
    }

    fn estimate(&self) -> &Image {
        &self.x
    }
}
