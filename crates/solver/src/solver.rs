//! What a solver is: a plain value with its parameters, that is prepared for a problem.

use std::fmt;

use tweedie_imaging::{Sigma, SigmaSupport};

use crate::{Acceleration, Algorithm, Error, FixedPoint, FixedPointMap, LogSpaced, Problem, Schedule};

/// A restoration solver with its parameters, such as [`crate::methods::PnpHqs`].
///
/// ```
/// use tweedie_imaging::Sigma;
/// use tweedie_solver::methods::PnpHqs;
/// use tweedie_solver::Solver;
///
/// let solver = PnpHqs { strength: 0.1, ..PnpHqs::default() };
/// let run = solver.run(Sigma::from_grey_levels(7.65)?);
/// assert_eq!(run.iterations, solver.about().iterations);
/// # Ok::<(), tweedie_imaging::Error>(())
/// ```
pub trait Solver: fmt::Debug + Send + Sync {
    /// What users are told about it.
    fn about(&self) -> &'static About;

    /// The same solver with another weight of the prior; `None` where it has none.
    fn with_strength(&self, strength: f64) -> Option<Box<dyn Solver>> {
        let _ = strength;
        None
    }

    /// The same solver with these noise levels for the denoiser.
    fn with_sigma(&self, sigma: Schedule) -> Box<dyn Solver>;

    /// The same solver with another seed; `None` where nothing is random.
    fn with_seed(&self, seed: u64) -> Option<Box<dyn Solver>> {
        let _ = seed;
        None
    }

    /// A run of its usual length for data of level `noise`, without acceleration.
    fn run(&self, noise: Sigma) -> RunSettings {
        RunSettings {
            iterations: self.about().iterations_for(noise),
            anderson: 0,
        }
    }

    /// The solver for a problem, which an [`crate::Executor`] runs.
    ///
    /// # Errors
    /// If a parameter is out of range or without effect, or the problem lacks what the solver needs.
    fn prepare(&self, problem: Problem, run: RunSettings) -> Result<Box<dyn Algorithm>, Error>;
}

/// What users are told about a solver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct About {
    /// Name on the command line.
    pub name: &'static str,
    /// One line.
    pub summary: &'static str,
    /// What its convergence theory asks of the data fidelity, the denoiser and the run.
    pub assumptions: &'static str,
    /// The paper and, where known, the equation.
    pub source: &'static str,
    /// Iterations of a run by default.
    pub iterations: u32,
    /// The same for data with less noise than one grey level, where that differs.
    pub iterations_without_noise: Option<u32>,
    /// What one noise level means that is given for a whole run.
    pub level: LevelUse,
    /// Whether its map can be accelerated by Anderson's method.
    pub anderson: bool,
    /// Its own parameters; every solver has `iterations` besides, and `anderson` where it can be accelerated.
    pub parameters: &'static [Parameter],
}

/// What one noise level means to a solver that is given it for a whole run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LevelUse {
    /// The level of every iteration.
    Constant,
    /// The first one of a schedule that falls to the noise level of the data.
    Falling,
}

impl About {
    /// Iterations of a run by default for data of level `noise`.
    pub fn iterations_for(&self, noise: Sigma) -> u32 {
        let clean = self.iterations_without_noise.filter(|_| noise.value() < 1.0 / 255.0);
        clean.unwrap_or(self.iterations)
    }

    /// The levels of a run for which `first` is given, with data of level `noise` and a denoiser that takes `support`: a
    /// constant, or falling to the noise level, at least one grey level, as far as the denoiser takes it.
    pub fn schedule(&self, first: Sigma, noise: Sigma, support: SigmaSupport) -> Schedule {
        match self.level {
            LevelUse::Constant => Schedule::Constant(first.value()),
            LevelUse::Falling => Schedule::LogSpaced(LogSpaced {
                from: first.value(),
                to: support
                    .nearest(noise.at_least_one_grey_level())
                    .value()
                    .min(first.value()),
                steps: None,
            }),
        }
    }

    /// Its parameter of that name.
    pub fn parameter(&self, name: &str) -> Option<&'static Parameter> {
        self.parameters.iter().find(|parameter| parameter.name == name)
    }
}

/// A parameter as users see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// Key.
    pub name: &'static str,
    /// Unit, "" for a plain number.
    pub unit: &'static str,
    /// Meaning, one line, with the default rule where the default depends on the problem.
    pub meaning: &'static str,
}

/// What every solver is told about its run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunSettings {
    /// Iterations of a run that no other rule stops.
    pub iterations: u32,
    /// States that Anderson acceleration remembers; 0: none.
    pub anderson: u32,
}

impl RunSettings {
    /// A fixed-point map as an algorithm; `acceleration` is the solver's own.
    pub(crate) fn fixed_point(
        self,
        about: &'static About,
        map: impl FixedPointMap + 'static,
        acceleration: Acceleration,
    ) -> Result<Box<dyn Algorithm>, Error> {
        Ok(Box::new(FixedPoint {
            name: about.name,
            acceleration: self.acceleration(about, &map, acceleration)?,
            map,
            iterations: self.iterations,
        }))
    }

    /// Refuses Anderson acceleration, for a solver that is no iteration of one map.
    pub(crate) fn refuse_anderson(self, about: &'static About) -> Result<(), Error> {
        match self.anderson {
            0 => Ok(()),
            memory => Err(no_anderson(about, memory, "0: the solver is no iteration of one map")),
        }
    }

    /// Anderson acceleration where it is asked for, else the solver's own way to iterate.
    ///
    /// # Errors
    /// [`Error::Parameter`] where Anderson acceleration is asked of a solver that has an acceleration of its own, or of a
    /// map that changes until the end, so that there is nothing to accelerate.
    pub(crate) fn acceleration(
        self,
        about: &'static About,
        map: &dyn FixedPointMap,
        own: Acceleration,
    ) -> Result<Acceleration, Error> {
        if self.anderson == 0 {
            return Ok(own);
        }
        let refuse = |expected| Err(no_anderson(about, self.anderson, expected));
        if own != Acceleration::None {
            return refuse("0: the solver has an acceleration of its own");
        }
        if map.settled_from().saturating_add(1) >= self.iterations.max(2) {
            return refuse("0 where the noise level or the step changes until the end");
        }
        Ok(Acceleration::Anderson(self.anderson))
    }
}

fn no_anderson(about: &About, memory: u32, expected: &str) -> Error {
    Error::Parameter {
        solver: about.name,
        parameter: "anderson",
        expected: expected.to_owned(),
        got: memory.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::methods::{PnpHqs, RedGd};

    #[test]
    fn one_level_is_constant_or_the_first_of_a_falling_schedule() {
        let level = |grey| Sigma::from_grey_levels(grey).unwrap();
        let support = SigmaSupport::Range {
            min: level(5.0),
            max: level(50.0),
        };
        let constant = RedGd::default().about().schedule(level(20.0), level(1.0), support);
        assert_eq!(constant, Schedule::Constant(20.0 / 255.0));
        let falling = PnpHqs::default().about().schedule(level(49.0), level(1.0), support);
        // The end is moved into the denoiser's range.
        let expected = LogSpaced {
            from: 49.0 / 255.0,
            to: 5.0 / 255.0,
            steps: None,
        };
        assert_eq!(falling, Schedule::LogSpaced(expected));
    }
}
