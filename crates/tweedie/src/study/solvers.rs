//! Solvers in the manifests of studies.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use toml::Table;
use tweedie_solver::{Entry, find};

use crate::Result;
use crate::error::bail;

/// A solver with its parameters.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct SolverSection {
    /// As `--solver`.
    pub solver: String,
    /// What it is called in the results; the solver's name if it is absent.
    pub label: Option<String>,
    /// In place of the study's own: iterations that are measured.
    pub iterations: Option<u32>,
    /// In place of the study's own: iterations of the run to the limit.
    pub limit_iterations: Option<u32>,
    /// As `-C solver.KEY`.
    #[serde(default)]
    pub parameters: Table,
}

impl SolverSection {
    /// What it is called.
    pub fn label(&self) -> &str {
        self.label.as_deref().unwrap_or(&self.solver)
    }

    /// The solver; refuses keys of its parameters that the study sets.
    pub fn entry(&self) -> Result<Entry> {
        refuse_iterations(&self.parameters)?;
        Ok(find(&self.solver)?)
    }
}

/// Refuses the key that a study sets by itself.
pub fn refuse_iterations(parameters: &Table) -> Result<()> {
    if parameters.contains_key("iterations") {
        bail!("parameters.iterations: expected the key iterations beside parameters");
    }
    Ok(())
}

/// All parameters of a solver as they are used, defaults included; null where a rule of the solver chooses.
pub fn resolved(entry: &Entry, given: &Table) -> Result<Map<String, Value>> {
    let mut parameters = Map::new();
    for info in entry.parameters() {
        let name = info.parameter.name;
        let value = match (given.get(name), info.default) {
            (Some(value), _) => Some(value.clone()),
            (None, Some(text)) => toml::from_str::<Table>(&format!("value = {text}"))?.remove("value"),
            (None, None) => None,
        };
        parameters.insert(name.to_owned(), serde_json::to_value(value)?);
    }
    Ok(parameters)
}

/// Parameters that were given, for people.
pub fn parameters_text(parameters: &Table) -> String {
    if parameters.is_empty() {
        return "defaults".to_owned();
    }
    let texts: Vec<String> = parameters
        .iter()
        .map(|(name, value)| format!("{name} = {value}"))
        .collect();
    texts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_given_ones_over_defaults() {
        let entry = find("pnp-pgd").unwrap();
        let given = toml::from_str::<Table>("sigma = 0.1").unwrap();
        let resolved = resolved(&entry, &given).unwrap();
        assert_eq!(resolved["sigma"], 0.1);
        assert_eq!(resolved["anderson"], 0);
        assert_eq!(resolved.len(), entry.parameters().len());
    }

    #[test]
    fn iterations_are_the_study_s() {
        let section: SolverSection = toml::from_str("solver = 'red-gd'\nparameters = { iterations = 3 }").unwrap();
        assert!(
            section
                .entry()
                .unwrap_err()
                .to_string()
                .contains("parameters.iterations")
        );
    }
}
