//! Iterations z <- T(z) of a map, plain or accelerated.

mod anderson;

use tweedie_imaging::Image;

use crate::measure::{entries, norms_sq};
use crate::{Acceleration, Algorithm, Error, FixedPointMap, Iteration, Mapped, StepStats, Work};

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
