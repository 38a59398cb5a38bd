//! `--strength auto[:RULE]`: the weight of the prior by a parameter-choice rule.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use toml::Value;
use tweedie_solver::study::{Rule, logarithmic_grid};

use crate::Result;
use crate::error::{bail, usage};

/// What `--strength` takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Strength {
    /// The user chose.
    Given(f64),
    /// A rule chooses.
    Auto(Rule),
}

/// The rule of `--strength auto`: chosen on pictures that are not scored, docs/study.md has the figures.
const DEFAULT_RULE: Rule = Rule::Sure;

impl FromStr for Strength {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(rule) = text.strip_prefix("auto:") {
            return match rule.parse::<Rule>() {
                Ok(rule) => Ok(Self::Auto(rule)),
                Err(error) => Err(error.to_string()),
            };
        }
        match text.parse::<f64>() {
            Ok(value) if value.is_finite() => Ok(Self::Given(value)),
            _ if text == "auto" => Ok(Self::Auto(DEFAULT_RULE)),
            _ => Err("expected a number, auto or auto:RULE".to_owned()),
        }
    }
}

/// The strengths that are tried: `count` with a constant ratio.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Grid {
    /// The smallest.
    pub from: f64,
    /// The largest.
    pub to: f64,
    /// How many.
    pub count: usize,
}

impl Default for Grid {
    /// Two decades to the left of the maximum a posteriori strength 1 and one to the right, four a decade.
    fn default() -> Self {
        Self {
            from: 0.01,
            to: 10.0,
            count: 13,
        }
    }
}

impl Grid {
    /// Three decades around a solver's own strength, which is one of the values: four a decade.
    pub fn around(own: f64) -> Self {
        let reach = 10_f64.powf(1.5);
        Self {
            from: own / reach,
            to: own * reach,
            count: 13,
        }
    }

    /// More values than this are taken for a slip: each of them is a restoration.
    pub const MAX_COUNT: usize = 10_000;

    /// The values, from the smallest to the largest.
    ///
    /// # Errors
    /// Unless 0 < from < to and there are 3 to [`Self::MAX_COUNT`] values.
    pub fn values(self) -> Result<Vec<f64>> {
        let Self { from, to, count } = self;
        if count > Self::MAX_COUNT {
            bail!("count: expected at most {}, got {count}", Self::MAX_COUNT);
        }
        Ok(logarithmic_grid(from, to, count)?)
    }
}

/// A search for the strength.
#[derive(Clone, Copy, Debug)]
pub struct Search {
    /// The rule that chooses.
    pub rule: Rule,
    /// What is tried.
    pub grid: Grid,
}

/// How a strength was found.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Found {
    /// The rule.
    pub rule: Rule,
    /// The strength; null where the rule found none, so that the solver's own was taken.
    pub value: Option<f64>,
    /// The rule's score there.
    pub score: Option<f64>,
    /// Whether it is the first or last of the grid, so that a wider one might give another.
    pub at_edge: bool,
    /// Strengths that were tried and did not diverge.
    pub tried: usize,
    /// Solver time of all runs.
    pub seconds: f64,
}

/// One strength that was tried.
#[derive(Clone, Debug)]
pub struct Tried {
    /// The strength.
    pub strength: f64,
    /// ||Ax - y||.
    pub residual_norm: f64,
    /// Against the truth, where it is known.
    pub psnr_db: Option<f64>,
}

impl fmt::Display for Search {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Grid { from, to, count } = self.grid;
        write!(f, "by {}, of {count} from {from} to {to}", self.rule)
    }
}

impl Search {
    /// The search that `--strength` and `-C solver.grid` ask for.
    ///
    /// Without a grid, that around the solver's own strength.
    ///
    /// # Errors
    /// A usage error for a grid without a search, and for one without values.
    pub fn resolve(strength: Option<Strength>, grid: Option<Value>, own: Option<f64>) -> Result<Option<Self>> {
        let rule = match (strength, &grid) {
            (Some(Strength::Auto(rule)), _) => rule,
            (_, None) => return Ok(None),
            (_, Some(_)) => return Err(usage("-C solver.grid: it has no effect without --strength auto")),
        };
        let grid = match grid {
            None => own.map_or_else(Grid::default, Grid::around),
            Some(value) => Grid::deserialize(value).map_err(|error| {
                let text = error.to_string();
                usage(format!("-C solver.grid: {}", text.trim_end()))
            })?,
        };
        grid.values()
            .map_err(|error| usage(format!("-C solver.grid: {error}")))?;
        Ok(Some(Self { rule, grid }))
    }
}

/// The strength that was found, for people.
pub fn strength_text(found: &Found) -> String {
    match found.value {
        Some(value) if found.at_edge => format!("{value:.3} (edge of the grid)"),
        Some(value) => format!("{value:.3}"),
        None => "of the solver itself, nothing found".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_rules() {
        assert_eq!("0.3".parse(), Ok(Strength::Given(0.3)));
        assert_eq!("auto:l-curve".parse(), Ok(Strength::Auto(Rule::LCurve)));
        assert_eq!("auto".parse(), Ok(Strength::Auto(DEFAULT_RULE)));
        assert!("auto:best".parse::<Strength>().unwrap_err().contains("balancing"));
        assert!("nan".parse::<Strength>().is_err() && "automatic".parse::<Strength>().is_err());
    }

    #[test]
    fn a_grid_is_for_a_search_alone() {
        let grid = || Some(toml::from_str::<toml::Table>("from = 0.1\nto = 1.0").unwrap().into());
        assert!(Search::resolve(None, grid(), None).is_err());
        assert!(Search::resolve(Some(Strength::Given(1.0)), grid(), None).is_err());
        let search = Search::resolve(Some(Strength::Auto(Rule::Sure)), grid(), Some(0.3))
            .unwrap()
            .unwrap();
        assert_eq!((search.grid.from, search.grid.to, search.grid.count), (0.1, 1.0, 13));
        let wrong = |text: &str| {
            let grid = Some(toml::from_str::<toml::Table>(text).unwrap().into());
            Search::resolve(Some(Strength::Auto(Rule::Sure)), grid, None)
                .unwrap_err()
                .to_string()
        };
        // The solver's own strength is one of the values.
        let around = Search::resolve(Some(Strength::Auto(Rule::Sure)), None, Some(0.3));
        let values = around.unwrap().unwrap().grid.values().unwrap();
        assert!(
            values.len() == 13 && values.iter().any(|value| (value - 0.3).abs() < 1e-12),
            "{values:?}"
        );
        assert!(wrong("form = 1.0").contains("form"));
        assert!(wrong("from = 20.0").contains("from 20"));
        assert!(wrong("count = 1000000000").contains("at most 10000"));
    }
}
