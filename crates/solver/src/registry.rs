//! The algorithms by name, with their parameters: what the command line chooses from.

use std::fmt::Write as _;

use serde::Serialize;
use serde::de::{Deserialize as _, DeserializeOwned};
use toml::{Table, Value};

use crate::methods::{
    DiffPir, GsPnp, PnpAdmm, PnpDrs, PnpFista, PnpHqs, PnpPgd, ProxPnp, RedAdmm, RedApg, RedDpg, RedFp, RedGd, RedPg,
    RedPro, RedProRelaxed,
};
use crate::{Acceleration, Algorithm, Error, FixedPoint, FixedPointMap, Problem};

/// What users are told about an algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct About {
    /// Name on the command line.
    pub name: &'static str,
    /// One line.
    pub summary: &'static str,
    /// What its convergence theory asks of the data fidelity and the denoiser.
    pub assumptions: &'static str,
    /// The paper and, where known, the equation.
    pub source: &'static str,
    /// Iterations of a run by default.
    pub iterations: u32,
    /// Its own parameters; every algorithm has `iterations` besides, every plain fixed-point map `anderson`.
    pub parameters: &'static [Parameter],
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

/// A parameter with its default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParameterInfo {
    /// Key, unit, meaning.
    pub parameter: Parameter,
    /// The default as it would be written, `None` where a rule chooses it.
    pub default: Option<String>,
}

/// What every algorithm is told about its run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunSettings {
    /// Iterations of a run that no other rule stops.
    pub iterations: u32,
    /// States that Anderson acceleration remembers; 0: none.
    pub anderson: u32,
}

impl RunSettings {
    /// Refuses Anderson acceleration where the map changes until the end, so that there is nothing to accelerate.
    pub(crate) fn check_anderson(&self, solver: &'static str, settled_from: u32) -> Result<(), Error> {
        if self.anderson == 0 || settled_from.saturating_add(1) < self.iterations.max(2) {
            return Ok(());
        }
        let expected = "0 where the noise level or the step changes until the end".to_owned();
        Err(Error::Parameter {
            solver,
            parameter: ANDERSON.name,
            expected,
            got: self.anderson.to_string(),
        })
    }
}

/// An algorithm that can be built by name.
pub trait Method: Sized {
    /// Its own parameters, without those of [`RunSettings`].
    type Params: Default + Serialize + DeserializeOwned;
    /// What users are told.
    const ABOUT: About;
    /// How its map is iterated, if it is a [`FixedPointMap`].
    const ACCELERATION: Acceleration = Acceleration::None;

    /// Builds the algorithm.
    ///
    /// # Errors
    /// If a parameter is out of range or without effect, or the problem lacks what the algorithm needs.
    fn new(params: Self::Params, problem: Problem, run: RunSettings) -> Result<Self, Error>;
}

type Build = fn(&Entry, Table, Problem) -> Result<Box<dyn Algorithm>, Error>;

/// An algorithm of the registry.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// What users are told.
    pub about: About,
    /// Whether it takes `anderson`.
    anderson: bool,
    defaults: fn() -> Result<Table, toml::ser::Error>,
    build: Build,
}

const ITERATIONS: Parameter = Parameter {
    name: "iterations",
    unit: "",
    meaning: "iterations of a run that no other rule stops",
};

const ANDERSON: Parameter = Parameter {
    name: "anderson",
    unit: "states",
    meaning: "memory of Anderson acceleration, 3 to 8 are usual; 0: none",
};

impl Entry {
    /// A method that is a fixed-point map.
    fn map<M: Method + FixedPointMap + 'static>() -> Self {
        let build: Build = |entry, table, problem| {
            let (run, params) = entry.parse::<M>(table)?;
            let map = M::new(params, problem, run)?;
            run.check_anderson(entry.about.name, map.settled_from())?;
            let acceleration = if run.anderson > 0 {
                Acceleration::Anderson(run.anderson)
            } else {
                M::ACCELERATION
            };
            Ok(Box::new(FixedPoint {
                name: entry.about.name,
                map,
                acceleration,
                iterations: run.iterations,
            }))
        };
        let anderson = M::ACCELERATION == Acceleration::None;
        Self {
            about: M::ABOUT,
            anderson,
            defaults: || Table::try_from(M::Params::default()),
            build,
        }
    }

    /// A method that is an algorithm by itself.
    fn algorithm<M: Method + Algorithm + 'static>(anderson: bool) -> Self {
        let build: Build = |entry, table, problem| {
            let (run, params) = entry.parse::<M>(table)?;
            Ok(Box::new(M::new(params, problem, run)?))
        };
        Self {
            about: M::ABOUT,
            anderson,
            defaults: || Table::try_from(M::Params::default()),
            build,
        }
    }

    /// Builds the algorithm from its parameters as a TOML table; absent keys take their defaults.
    ///
    /// # Errors
    /// [`Error::UnknownParameter`], [`Error::Malformed`], or what [`Method::new`] says.
    pub fn build(&self, parameters: Table, problem: Problem) -> Result<Box<dyn Algorithm>, Error> {
        (self.build)(self, parameters, problem)
    }

    /// All parameters with their defaults.
    pub fn parameters(&self) -> Vec<ParameterInfo> {
        let mut defaults = (self.defaults)().unwrap_or_default();
        defaults.insert(ITERATIONS.name.to_owned(), Value::Integer(self.about.iterations.into()));
        defaults.insert(ANDERSON.name.to_owned(), Value::Integer(0));
        let with_default = |&parameter: &Parameter| ParameterInfo {
            parameter,
            default: defaults.get(parameter.name).map(Value::to_string),
        };
        self.all_parameters().map(with_default).collect()
    }

    fn all_parameters(&self) -> impl Iterator<Item = &Parameter> {
        let anderson = self.anderson.then_some(&ANDERSON);
        std::iter::once(&ITERATIONS)
            .chain(self.about.parameters)
            .chain(anderson)
    }

    /// A page of help: summary, source, assumptions, parameters.
    pub fn help(&self) -> String {
        let about = &self.about;
        let mut text = format!(
            "{}: {}\n\nSource: {}\nAssumptions: {}\n\nParameters (-C solver.KEY=VALUE):\n",
            about.name, about.summary, about.source, about.assumptions
        );
        for ParameterInfo { parameter, default } in self.parameters() {
            let default = default.unwrap_or_else(|| "auto".to_owned());
            let unit = if parameter.unit.is_empty() {
                String::new()
            } else {
                format!(" ({})", parameter.unit)
            };
            let _ = writeln!(
                text,
                "  {} = {default}{unit}\n      {}",
                parameter.name, parameter.meaning
            );
        }
        text
    }

    /// Takes the run's settings and the method's own parameters out of a table.
    fn parse<M: Method>(&self, mut table: Table) -> Result<(RunSettings, M::Params), Error> {
        let solver = self.about.name;
        if let Some(key) = table.keys().find(|key| !self.all_parameters().any(|p| p.name == *key)) {
            let known = self.all_parameters().map(|p| p.name).collect::<Vec<_>>().join(", ");
            return Err(Error::UnknownParameter {
                solver,
                key: key.clone(),
                known,
            });
        }
        let mut count = |parameter: &'static str, least: u32, default: u32| match table.remove(parameter) {
            None => Ok(default),
            Some(Value::Integer(n)) if n >= least.into() && u32::try_from(n).is_ok() => Ok(n as u32),
            Some(other) => {
                let expected = format!("a whole number from {least} to {}", u32::MAX);
                Err(Error::Parameter {
                    solver,
                    parameter,
                    expected,
                    got: other.to_string(),
                })
            }
        };
        let iterations = count(ITERATIONS.name, 1, self.about.iterations)?;
        let anderson = count(ANDERSON.name, 0, 0)?;
        let malformed = |e: toml::de::Error| Error::Malformed {
            solver,
            reason: e.to_string().trim_end().to_owned(),
        };
        let params = M::Params::deserialize(Value::Table(table)).map_err(malformed)?;
        Ok((RunSettings { iterations, anderson }, params))
    }
}

/// All algorithms.
pub fn registry() -> Vec<Entry> {
    vec![
        Entry::map::<PnpAdmm>(),
        Entry::map::<PnpHqs>(),
        Entry::map::<PnpPgd>(),
        Entry::map::<PnpFista>(),
        Entry::map::<PnpDrs>(),
        Entry::algorithm::<RedGd>(true),
        Entry::map::<RedFp>(),
        Entry::map::<RedAdmm>(),
        Entry::map::<RedPg>(),
        Entry::map::<RedDpg>(),
        Entry::map::<RedApg>(),
        Entry::map::<RedPro>(),
        Entry::map::<RedProRelaxed>(),
        Entry::algorithm::<GsPnp>(false),
        Entry::map::<ProxPnp>(),
        Entry::algorithm::<DiffPir>(false),
    ]
}

/// The algorithm of that name.
///
/// # Errors
/// [`Error::UnknownSolver`] with the names that there are.
pub fn find(name: &str) -> Result<Entry, Error> {
    let entries = registry();
    let known = || entries.iter().map(|e| e.about.name).collect::<Vec<_>>().join(", ");
    let found = entries.iter().find(|e| e.about.name == name).copied();
    found.ok_or_else(|| Error::UnknownSolver {
        name: name.to_owned(),
        known: known(),
    })
}
