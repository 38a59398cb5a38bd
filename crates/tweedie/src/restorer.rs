//! Restoration as a Rust program asks for it.

use toml::{Table, Value};
use tweedie_imaging::{Image, Sigma};

use crate::auto::Auto;
use crate::checkpoint::Checkpoint;
use crate::measurement::Measurement;
use crate::noise_level::grey_levels;
use crate::restore::restore;
use crate::scores::Restored;
use crate::solver::Solver;
use crate::solver_options::SolverOptions;
use crate::strength::Strength;
use crate::task::Task;
use crate::{Events, Result};

/// Restores measurements with a denoiser as the prior: by half-quadratic splitting with its own parameters, unless other
/// ones are set.
///
/// The result is the one of `tweedie restore` with the same options, byte for byte.
#[derive(Clone)]
pub struct Restorer<'a> {
    checkpoint: &'a Checkpoint,
    options: SolverOptions,
    parameters: Table,
    events: &'a dyn Events,
}

impl<'a> Restorer<'a> {
    /// With this denoiser.
    pub fn new(checkpoint: &'a Checkpoint) -> Self {
        Self {
            checkpoint,
            options: SolverOptions::of("pnp-hqs"),
            parameters: Table::new(),
            events: &(),
        }
    }

    /// With the solver of this name, such as `pnp-admm` or `red-gd`.
    #[must_use]
    pub fn solver(mut self, name: &str) -> Self {
        self.options.solver = name.to_owned();
        self
    }

    /// With a parameter of the solver, as `-C solver.KEY` on the command line.
    #[must_use]
    pub fn parameter(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.parameters.insert(key.to_owned(), value.into());
        self
    }

    /// With this weight of the prior, or the rule that finds it.
    #[must_use]
    pub fn strength(mut self, strength: Strength) -> Self {
        self.options.strength = Some(strength);
        self
    }

    /// With this noise level of the denoiser, the first one of solvers that lower it.
    #[must_use]
    pub fn sigma(mut self, sigma: Sigma) -> Self {
        self.options.sigma = Auto::Given(grey_levels(sigma));
        self
    }

    /// With so many iterations.
    #[must_use]
    pub fn iterations(mut self, iterations: u32) -> Self {
        self.options.iterations = Some(iterations);
        self
    }

    /// Stops once the fixed-point residual (root mean square change, 1 = white) is at most `tolerance`.
    #[must_use]
    pub fn tolerance(mut self, tolerance: f64) -> Self {
        self.options.tolerance = Some(tolerance);
        self
    }

    /// Reports to this listener.
    #[must_use]
    pub fn observe(mut self, events: &'a dyn Events) -> Self {
        self.events = events;
        self
    }

    /// Restores a measurement y, `[1, C, H, W]`.
    ///
    /// # Errors
    /// For options that the solver does not take, measurements that do not fit the task, and runs that fail.
    pub fn restore(&self, task: &Task, y: &Image) -> Result<Restored> {
        self.restore_measurement(&Measurement::new("image", task.clone(), y.clone())?)
    }

    /// As [`Self::restore`]; where the measurement has its truth the result is scored.
    ///
    /// # Errors
    /// As [`Self::restore`].
    pub fn restore_measurement(&self, measurement: &Measurement) -> Result<Restored> {
        let seed = Some(measurement.task.seed);
        let solver = Solver::resolve(self.options.clone(), self.parameters.clone(), seed)?;
        let prior = self.checkpoint.prior(measurement.operator.domain()[0])?;
        restore(&solver, measurement, prior, self.events)
    }
}
