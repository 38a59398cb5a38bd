//! The solvers by name, with parameters as TOML: what the command line chooses from. The only place that knows names.

use std::fmt::Write as _;

use serde::Serialize;
use serde::de::DeserializeOwned;
use toml::{Table, Value};
use tweedie_imaging::Sigma;

use crate::methods::{
    DiffPir, GsPnp, PnpAdmm, PnpDrs, PnpFista, PnpHqs, PnpPgd, ProxPnp, RedAdmm, RedApg, RedDpg, RedFp, RedGd, RedPg,
    RedPro, RedProRelaxed,
};
use crate::{About, Algorithm, Error, Parameter, Problem, RunSettings, Solver};

/// A parameter with its default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParameterInfo {
    /// Key, unit, meaning.
    pub parameter: Parameter,
    /// The default as it would be written, `None` where a rule chooses it.
    pub default: Option<String>,
}

/// A solver of the registry.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// What users are told.
    pub about: About,
    defaults: fn() -> Result<Table, toml::ser::Error>,
    read: fn(Table) -> Result<Box<dyn Solver>, toml::de::Error>,
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
    fn of<S: Solver + Default + Serialize + DeserializeOwned + 'static>() -> Self {
        Self {
            about: *S::default().about(),
            defaults: || Table::try_from(S::default()),
            read: |table| Ok(Box::new(S::deserialize(Value::Table(table))?)),
        }
    }

    /// The solver with parameters from a TOML table, absent keys taking their defaults, and the settings of its run on data of
    /// level `noise`.
    ///
    /// # Errors
    /// [`Error::UnknownParameter`], [`Error::Malformed`], [`Error::Parameter`].
    pub fn read(&self, mut table: Table, noise: Sigma) -> Result<(Box<dyn Solver>, RunSettings), Error> {
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
        let run = RunSettings {
            iterations: count(ITERATIONS.name, 1, self.about.iterations_for(noise))?,
            anderson: count(ANDERSON.name, 0, 0)?,
        };
        let read = (self.read)(table).map_err(|error| Error::Malformed {
            solver,
            reason: error.to_string().trim_end().to_owned(),
        })?;
        Ok((read, run))
    }

    /// The solver for a problem, with parameters from a TOML table.
    ///
    /// # Errors
    /// As [`Self::read`] and [`Solver::prepare`].
    pub fn build(&self, parameters: Table, problem: Problem) -> Result<Box<dyn Algorithm>, Error> {
        let (solver, run) = self.read(parameters, problem.noise)?;
        solver.prepare(problem, run)
    }

    /// All parameters with their defaults.
    pub fn parameters(&self) -> Vec<ParameterInfo> {
        let mut defaults = (self.defaults)().unwrap_or_default();
        defaults.insert(ITERATIONS.name.to_owned(), Value::Integer(self.about.iterations.into()));
        defaults.insert(ANDERSON.name.to_owned(), Value::Integer(0));
        let clean = self.about.iterations_without_noise;
        let with_default = |&parameter: &Parameter| ParameterInfo {
            parameter,
            default: defaults.get(parameter.name).map(|value| match clean {
                Some(clean) if parameter == ITERATIONS => format!("{value}, without noise {clean}"),
                _ => value.to_string(),
            }),
        };
        self.all_parameters().map(with_default).collect()
    }

    fn all_parameters(&self) -> impl Iterator<Item = &Parameter> {
        let anderson = self.about.anderson.then_some(&ANDERSON);
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
}

/// All solvers.
pub fn registry() -> Vec<Entry> {
    vec![
        Entry::of::<PnpAdmm>(),
        Entry::of::<PnpHqs>(),
        Entry::of::<PnpPgd>(),
        Entry::of::<PnpFista>(),
        Entry::of::<PnpDrs>(),
        Entry::of::<RedGd>(),
        Entry::of::<RedFp>(),
        Entry::of::<RedAdmm>(),
        Entry::of::<RedPg>(),
        Entry::of::<RedDpg>(),
        Entry::of::<RedApg>(),
        Entry::of::<RedPro>(),
        Entry::of::<RedProRelaxed>(),
        Entry::of::<GsPnp>(),
        Entry::of::<ProxPnp>(),
        Entry::of::<DiffPir>(),
    ]
}

/// The solver of that name.
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
