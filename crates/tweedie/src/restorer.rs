//! Restoration as a Rust program asks for it.

use serde::Serialize;
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
    /// Those that are not the defaults.
    parameters: std::result::Result<Table, toml::ser::Error>,
    events: &'a dyn Events,
}

impl<'a> Restorer<'a> {
    /// With this denoiser.
    pub fn new(checkpoint: &'a Checkpoint) -> Self {
        Self {
            checkpoint,
            options: SolverOptions::of("pnp-hqs"),
            parameters: Ok(Table::new()),
            events: &(),
        }
    }

    /// With this solver and its parameters, such as `PnpAdmm::default()`.
    #[must_use]
    pub fn solver<S: tweedie_solver::Solver + Default + Serialize>(mut self, solver: S) -> Self {
        solver.about().name.clone_into(&mut self.options.solver);
        // The others stay open to the other options, such as the strength.
        self.parameters = Table::try_from(S::default()).and_then(|defaults| {
            let mut parameters = Table::try_from(&solver)?;
            parameters.retain(|key, value| defaults.get(key) != Some(value));
            Ok(parameters)
        });
        self
    }

    /// With the solver of this name, such as `pnp-admm` or `red-gd`, and its own parameters.
    #[must_use]
    pub fn solver_named(mut self, name: &str) -> Self {
        name.clone_into(&mut self.options.solver);
        self.parameters = Ok(Table::new());
        self
    }

    /// With a parameter of the solver, as `-C solver.KEY` on the command line.
    #[must_use]
    pub fn parameter(mut self, key: &str, value: impl Into<Value>) -> Self {
        if let Ok(parameters) = &mut self.parameters {
            parameters.insert(key.to_owned(), value.into());
        }
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
        let parameters = self.parameters.clone()?;
        let seed = (!parameters.contains_key("seed")).then_some(measurement.task.seed);
        let solver = Solver::resolve(self.options.clone(), parameters, seed)?;
        let prior = self.checkpoint.prior(measurement.operator.domain()[0])?;
        restore(&solver, measurement, prior, self.events)
    }
}
