//! The algorithms by name, with their parameters: what the command line chooses from.

use std::fmt::Write as _;

use serde::Serialize;
use serde::de::{Deserialize as _, DeserializeOwned};
use toml::{Table, Value};

use crate::methods::{PnpAdmm, PnpHqs, RedGd};
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
    /// Its own parameters; every algorithm has `iterations` besides.
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

/// An algorithm that can be built by name.
pub trait Method: Sized {
    /// Its own parameters, without `iterations`.
    type Params: Default + Serialize + DeserializeOwned;
    /// What users are told.
    const ABOUT: About;
    /// How its map is iterated, if it is a [`FixedPointMap`].
    const ACCELERATION: Acceleration = Acceleration::None;

    /// Builds the algorithm for a run of `iterations`.
    ///
    /// # Errors
    /// If a parameter is out of range or without effect, or the problem lacks what the algorithm needs.
    fn new(params: Self::Params, problem: Problem, iterations: u32) -> Result<Self, Error>;
}

type Build = fn(&About, Table, Problem) -> Result<Box<dyn Algorithm>, Error>;

/// An algorithm of the registry.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// What users are told.
    pub about: About,
    defaults: fn() -> Result<Table, toml::ser::Error>,
    build: Build,
}

const ITERATIONS: Parameter = Parameter {
    name: "iterations",
    unit: "",
    meaning: "iterations of a run that no other rule stops",
};

impl Entry {
    /// A method that is a fixed-point map.
    fn map<M: Method + FixedPointMap + 'static>() -> Self {
        let build: Build = |about, table, problem| {
            let (iterations, params) = parse::<M>(about, table)?;
            let map = M::new(params, problem, iterations)?;
            Ok(Box::new(FixedPoint {
                name: about.name,
                map,
                acceleration: M::ACCELERATION,
                iterations,
            }))
        };
        Self {
            about: M::ABOUT,
            defaults: || Table::try_from(M::Params::default()),
            build,
        }
    }

    /// Builds the algorithm from its parameters as a TOML table; absent keys take their defaults.
    ///
    /// # Errors
    /// [`Error::UnknownParameter`], [`Error::Malformed`], or what [`Method::new`] says.
    pub fn build(&self, parameters: Table, problem: Problem) -> Result<Box<dyn Algorithm>, Error> {
        (self.build)(&self.about, parameters, problem)
    }

    /// All parameters with their defaults.
    pub fn parameters(&self) -> Vec<ParameterInfo> {
        let mut defaults = (self.defaults)().unwrap_or_default();
        defaults.insert(ITERATIONS.name.to_owned(), Value::Integer(self.about.iterations.into()));
        let with_default = |&parameter: &Parameter| ParameterInfo {
            parameter,
            default: defaults.get(parameter.name).map(Value::to_string),
        };
        std::iter::once(&ITERATIONS)
            .chain(self.about.parameters)
            .map(with_default)
            .collect()
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
}

/// All algorithms.
pub fn registry() -> Vec<Entry> {
    vec![Entry::map::<PnpAdmm>(), Entry::map::<PnpHqs>(), Entry::map::<RedGd>()]
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

/// Takes `iterations` and the method's own parameters out of a table.
fn parse<M: Method>(about: &About, mut table: Table) -> Result<(u32, M::Params), Error> {
    let solver = about.name;
    let known = || std::iter::once(&ITERATIONS).chain(about.parameters).map(|p| p.name);
    if let Some(key) = table.keys().find(|key| !known().any(|name| name == *key)) {
        let known = known().collect::<Vec<_>>().join(", ");
        return Err(Error::UnknownParameter {
            solver,
            key: key.clone(),
            known,
        });
    }
    let iterations = match table.remove(ITERATIONS.name) {
        None => about.iterations,
        Some(Value::Integer(n @ 1..)) if u32::try_from(n).is_ok() => n as u32,
        Some(other) => {
            let expected = format!("a whole number from 1 to {}", u32::MAX);
            return Err(Error::Parameter {
                solver,
                parameter: ITERATIONS.name,
                expected,
                got: other.to_string(),
            });
        }
    };
    let malformed = |e: toml::de::Error| Error::Malformed {
        solver,
        reason: e.to_string().trim_end().to_owned(),
    };
    Ok((
        iterations,
        M::Params::deserialize(Value::Table(table)).map_err(malformed)?,
    ))
}
