//! The registry: names, parameters, errors.

use std::collections::BTreeSet;

use tweedie_solver::{Entry, Error, find, registry};

use super::support::{LinearDenoiser, problem, smoothing};

fn build_error(entry: &Entry, parameters: &str) -> Error {
    let prior = tweedie_solver::Prior::Gradient(std::sync::Arc::new(LinearDenoiser::new(smoothing(0.2))));
    match entry.build(toml::from_str(parameters).unwrap(), problem(prior)) {
        Ok(_) => panic!("{} took {parameters}", entry.about.name),
        Err(error) => error,
    }
}

#[test]
fn names_are_unique_and_found() {
    let names: BTreeSet<_> = registry().iter().map(|e| e.about.name).collect();
    assert_eq!(names.len(), registry().len());
    for name in names {
        assert_eq!(find(name).unwrap().about.name, name);
    }
    let message = find("pnp-amdm").unwrap_err().to_string();
    assert!(
        message.contains("pnp-amdm") && message.contains("pnp-admm"),
        "{message}"
    );
}

#[test]
fn the_documented_parameters_are_those_that_are_read() {
    for entry in registry() {
        let name = entry.about.name;
        // A table is no value of any parameter, so each documented one must be refused for its type, not as unknown.
        for info in entry.parameters() {
            let key = info.parameter.name;
            let message = build_error(&entry, &format!("{key} = {{ nonsense = 1 }}")).to_string();
            assert!(
                !message.contains("unknown field") && !message.contains("no parameter"),
                "{name}.{key}: {message}"
            );
        }
        // Parameters without a default may be undocumented only if serde does not know them either.
        let message = build_error(&entry, "no_such_key = 1").to_string();
        assert!(message.contains(name) && message.contains("no_such_key"), "{message}");
        for info in entry.parameters() {
            assert!(message.contains(info.parameter.name), "{name}: {message}");
        }
    }
}

#[test]
fn every_algorithm_refuses_bad_values() {
    for entry in registry() {
        for bad in [
            "iterations = 0",
            "iterations = -3",
            "iterations = 2.5",
            "iterations = 9999999999",
        ] {
            let message = build_error(&entry, bad).to_string();
            assert!(
                message.contains(entry.about.name) && message.contains("iterations"),
                "{message}"
            );
        }
        for info in entry.parameters() {
            if ["strength", "sigma", "step"].contains(&info.parameter.name) {
                for bad in ["0", "-1", "nan", "inf"] {
                    build_error(&entry, &format!("{} = {bad}", info.parameter.name));
                }
            }
        }
    }
}

#[test]
fn help_lists_every_parameter_with_its_default() {
    for entry in registry() {
        let help = entry.help();
        for info in entry.parameters() {
            let default = info.default.unwrap_or_else(|| "auto".to_owned());
            let line = format!("{} = {default}", info.parameter.name);
            assert!(help.contains(&line), "{help}");
        }
    }
}
