//! Iterations z <- T(z) of a map, plain or accelerated.

mod anderson;

use tweedie_imaging::{Image, Sigma};

use crate::measure::{entries, norms_sq};
use crate::{Algorithm, Error, Iteration, StepStats, Work};

/// A map T_k whose fixed points solve the restoration problem.
///
/// The state z is one tensor: an image, or several of them along the first dimension.
pub trait FixedPointMap: Send + Sync {
    /// The first state, from the start image.
    ///
    /// # Errors
    /// If the data fidelity fails.
    fn first_state(&self, x0: Image) -> Result<(Image, Work), Error> {
        Ok((x0, Work::default()))
    }

    /// T_k(z).
    ///
    /// # Errors
    /// If the denoiser or the data fidelity fails.
    fn apply(&self, z: &Image, k: u32) -> Result<Mapped, Error>;

    /// The first iteration (from 0) from which the fixed points of T_k no longer depend on k.
    fn settled_from(&self) -> u32;
}

/// T_k(z) and what came with it.
#[derive(Clone, Debug)]
pub struct Mapped {
    /// T_k(z).
    pub next: Image,
    /// The restored image that belongs to it, where that is not `next` itself.
    pub estimate: Option<Image>,
    /// The objective at the estimate, where the map minimises one and knows it.
    pub objective: Option<f64>,
    /// Noise level that the denoiser was given.
    pub sigma: Sigma,
    /// What it cost.
    pub work: Work,
}

impl Mapped {
    /// T_k(z) that is its own estimate, without an objective.
    pub fn new(next: Image, sigma: Sigma, work: Work) -> Self {
        Self {
            next,
            estimate: None,
            objective: None,
            sigma,
            work,
        }
    }
}

/// How the map is iterated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acceleration {
    /// z_(k+1) = T(z_k).
    None,
    /// z_(k+1) = T(w_k), w_(k+1) = z_(k+1) + (t_k - 1)/t_(k+1) (z_(k+1) - z_k), t_0 = 1,
    /// t_(k+1) = (1 + sqrt(1 + 4 t_k^2))/2 (Nesterov 1983; Beck and Teboulle 2009). The residual is that of T at w_k.
    Nesterov,
    /// Type-II Anderson acceleration over this many past states, restarted when the residual doubles (Anderson 1965; Walker and Ni 2011).
    Anderson(u32),
}

/// A fixed-point map with the way to iterate it: an [`Algorithm`].
#[derive(Debug)]
pub struct FixedPoint<M> {
    /// Name in the registry.
    pub name: &'static str,
    /// The map.
    pub map: M,
    /// How it is iterated.
    pub acceleration: Acceleration,
    /// Iterations of a run that no other rule stops.
    pub iterations: u32,
}

impl<M: FixedPointMap> Algorithm for FixedPoint<M> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn iterations(&self) -> u32 {
        self.iterations
    }

    fn settled_from(&self) -> u32 {
        self.map.settled_from()
    }

    fn fixed_point_map(&self) -> Option<(&dyn FixedPointMap, Acceleration)> {
        Some((&self.map, self.acceleration))
    }

    fn start<'a>(&'a self, x0: Image) -> Result<Box<dyn Iteration + 'a>, Error> {
        let (z, work) = self.map.first_state(x0.clone())?;
        let run = Run {
            map: &self.map,
            estimate: x0,
            pending_work: work,
        };
        Ok(match self.acceleration {
            Acceleration::None => Box::new(Plain { run, z }),
            Acceleration::Nesterov => Box::new(Nesterov {
                run,
                w: z.clone(),
                z,
                t: 1.0,
            }),
            Acceleration::Anderson(memory) => Box::new(anderson::Anderson::new(run, z, memory)),
        })
    }
}

/// What all ways to iterate share: the map, the estimate, the statistics.
struct Run<'a> {
    map: &'a dyn FixedPointMap,
    estimate: Image,
    /// Work of the first state, which the first row reports.
    pending_work: Work,
}

impl Run<'_> {
    /// T_k(z), with the statistics of the step; updates the estimate.
    fn apply(&mut self, z: &Image, k: u32) -> Result<(Image, StepStats), Error> {
        let Mapped {
            next,
            estimate,
            objective,
            sigma,
            work,
        } = self.map.apply(z, k)?;
        let estimate = estimate.unwrap_or_else(|| next.clone());
        let moved = next.clone() - z.clone();
        let changed = estimate.clone() - self.estimate.clone();
        let norms = norms_sq(&[&moved, &changed, &self.estimate, &estimate])?;
        self.estimate = estimate;
        let stats = StepStats {
            fixed_point_residual: (norms[0] / entries(&moved)).sqrt(),
            rel_change: (norms[2] > 0.0).then(|| (norms[1] / norms[2]).sqrt()),
            estimate_rms: (norms[3] / entries(&self.estimate)).sqrt(),
            objective,
            stalled: false,
            sigma,
            work: work + std::mem::take(&mut self.pending_work),
        };
        Ok((next, stats))
    }
}

struct Plain<'a> {
    run: Run<'a>,
    z: Image,
}

impl Iteration for Plain<'_> {
    fn step(&mut self, k: u32) -> Result<StepStats, Error> {
        let (next, stats) = self.run.apply(&self.z, k)?;
        self.z = next;
        Ok(stats)
    }

    fn estimate(&self) -> &Image {
        &self.run.estimate
    }
}

struct Nesterov<'a> {
    run: Run<'a>,
    z: Image,
    w: Image,
    t: f64,
}

impl Iteration for Nesterov<'_> {
    fn step(&mut self, k: u32) -> Result<StepStats, Error> {
        let (next, stats) = self.run.apply(&self.w, k)?;
        let t_next = 0.5 * (1.0 + (1.0 + 4.0 * self.t * self.t).sqrt());
        let momentum = (self.t - 1.0) / t_next;
        self.w = next.clone() + (next.clone() - self.z.clone()) * momentum;
        self.z = next;
        self.t = t_next;
        Ok(stats)
    }

    fn estimate(&self) -> &Image {
        &self.run.estimate
    }
}
