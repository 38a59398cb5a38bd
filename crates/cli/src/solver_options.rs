//! Solver options on the command line.

use std::str::FromStr;

use clap::Args;
use toml::{Table, Value};
use tweedie_solver::find;

use crate::solve::Solver;
use crate::strength::{Search, Strength};
use crate::usage::usage;

/// The algorithm and its parameters.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Solver")]
pub struct SolverOptions {
    /// Algorithm: pnp-hqs, pnp-admm, red-gd, ...; --help-solver with a wrong name lists them all
    #[arg(long, value_name = "A", default_value = "pnp-hqs")]
    pub solver: String,
    /// Weight of the prior, or auto or auto:RULE: found for each image by discrepancy, quasi-optimality, balancing, l-curve, sure
    /// or (with --simulate, for comparison) oracle [default: the solver's own]
    #[arg(long, value_name = "L|auto[:RULE]")]
    pub strength: Option<Strength>,
    /// The denoiser's noise level in grey levels, or the first one of solvers that lower it, or auto: the solver's own
    #[arg(long, value_name = "S|auto", default_value = "auto")]
    pub sigma: Auto,
    /// Iterations [default: the solver's own]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub iterations: Option<u32>,
    /// Stop once the fixed-point residual (root mean square change, 1 = white) is at most T
    #[arg(long, value_name = "T")]
    pub tolerance: Option<f64>,
    /// Stop once the data are fitted to TAU times the noise (discrepancy principle, TAU >= 1)
    #[arg(long, value_name = "TAU")]
    pub discrepancy: Option<f64>,
    /// Stop after the iteration in which an image has taken this many seconds
    #[arg(long, value_name = "SECONDS")]
    pub budget: Option<f64>,
}

/// A number, or `auto`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Auto {
    /// The program chooses.
    Auto,
    /// The user chose.
    Given(f64),
}

impl FromStr for Auto {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.parse::<f64>() {
            Ok(value) if value.is_finite() => Ok(Self::Given(value)),
            _ if text == "auto" => Ok(Self::Auto),
            _ => Err("expected a number or auto".to_owned()),
        }
    }
}

impl SolverOptions {
    /// The default options for a solver.
    pub fn of(solver: &str) -> Self {
        Self {
            solver: solver.to_owned(),
            strength: None,
            sigma: Auto::Auto,
            iterations: None,
            tolerance: None,
            discrepancy: None,
            budget: None,
        }
    }

    /// Finds the solver and collects its parameters; `settings` is the section `solver` of -C.
    pub fn resolve(&self, mut settings: Table, seed: Option<u64>) -> anyhow::Result<Solver> {
        let search = Search::resolve(self.strength, settings.remove("grid"))?;
        let entry = find(&self.solver).map_err(|error| usage(error.to_string()))?;
        let mut parameters = settings;
        let mut set = |key: &str, value: Value| match parameters.insert(key.to_owned(), value) {
            None => Ok(()),
            Some(_) => Err(usage(format!("--{key}: expected once, got -C solver.{key} too"))),
        };
        let has_strength = entry
            .about
            .parameters
            .iter()
            .any(|parameter| parameter.name == "strength");
        match self.strength {
            Some(_) if !has_strength => {
                return Err(usage(format!(
                    "--strength: solver '{}' has no strength",
                    entry.about.name
                )));
            }
            Some(Strength::Given(strength)) => set("strength", strength.into())?,
            // Set for each run of the search, and not by -C besides.
            Some(Strength::Auto(_)) => set("strength", 1.0.into())?,
            None => {}
        }
        if let Some(iterations) = self.iterations {
            set("iterations", i64::from(iterations).into())?;
        }
        let is_random = entry.about.parameters.iter().any(|parameter| parameter.name == "seed");
        if let (true, Some(seed)) = (is_random, seed) {
            set(
                "seed",
                i64::try_from(seed)
                    .map_err(|_| usage("--seed: expected at most 2^63 - 1"))?
                    .into(),
            )?;
        }
        if search.is_some() {
            parameters.remove("strength");
        }
        if let (Auto::Given(_), true) = (self.sigma, parameters.contains_key("sigma")) {
            return Err(usage("--sigma: expected once, got -C solver.sigma too"));
        }
        if self.discrepancy.is_some_and(|tau| !(tau.is_finite() && tau >= 1.0)) {
            return Err(usage("--discrepancy: expected a finite factor >= 1"));
        }
        Ok(Solver {
            entry,
            options: self.clone(),
            parameters,
            search,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_auto() {
        assert_eq!("auto".parse(), Ok(Auto::Auto));
        assert_eq!("2.5".parse(), Ok(Auto::Given(2.5)));
        assert!("nan".parse::<Auto>().is_err() && "x".parse::<Auto>().is_err());
    }

    #[test]
    fn a_parameter_given_twice_is_refused() {
        let settings = || toml::from_str::<Table>("strength = 1.0\nsigma = 0.1").unwrap();
        let options = SolverOptions {
            strength: Some(Strength::Given(2.0)),
            ..SolverOptions::of("red-gd")
        };
        assert!(options.resolve(settings(), None).is_err());
        let options = SolverOptions {
            sigma: Auto::Given(2.0),
            ..SolverOptions::of("red-gd")
        };
        assert!(options.resolve(settings(), None).is_err());
        assert!(SolverOptions::of("red-gd").resolve(settings(), None).is_ok());
    }
}
