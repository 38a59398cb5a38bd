//! The registry: names, parameters, errors.

use std::collections::BTreeSet;

use std::sync::Arc;

use tweedie_imaging::Sigma;
use tweedie_solver::methods::{DiffPir, GsPnp, PnpAdmm, PnpFista, PnpHqs, RedPro};
use tweedie_solver::{Entry, Error, Executor, Prior, RunSettings, Schedule, Solver, find, registry};

use super::support::{LinearDenoiser, NOISE, build, image, linear, problem, smoothing, truth, values};

/// A denoiser with every ability that reads the level.
fn conditioned() -> Prior {
    Prior::Gradient(Arc::new(LinearDenoiser::conditioned(smoothing(0.2))))
}

fn build_error(entry: &Entry, parameters: &str) -> Error {
    match entry.build(toml::from_str(parameters).unwrap(), problem(conditioned())) {
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
            // Counts and seeds are whole numbers; of the others none may be negative or infinite.
            for bad in ["-1", "nan", "inf"] {
                build_error(&entry, &format!("{} = {bad}", info.parameter.name));
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

/// Another value than the default of each parameter.
fn other_value(parameter: &str) -> &'static str {
    match parameter {
        "iterations" | "anderson" => "2",
        "inner" => "4",
        "strength" => "2.5",
        "sigma" => "0.07",
        "step" => "0.3",
        "relaxation" => "0.7",
        "penalty" => "3",
        "step_start" => "2",
        "step_end" | "decrease" => "0.2",
        "decay" | "shrink" => "0.6",
        "zeta" => "0.8",
        "seed" => "5",
        other => panic!("no test value for {other}"),
    }
}

#[test]
fn every_parameter_changes_the_result() {
    let run = |name: &str, parameters: &str| {
        let algorithm = build(name, parameters, problem(conditioned()));
        values(&Executor::new(algorithm.as_ref()).run(image(&truth())).unwrap().image)
    };
    for entry in registry() {
        let name = entry.about.name;
        for info in entry.parameters() {
            let key = info.parameter.name;
            // Backtracking acts only where the first step is too long.
            let base = match (name, key) {
                (_, "shrink" | "decrease") => "iterations = 4\nstep = 1e5",
                // A level that falls until the end excludes it.
                (
                    "pnp-hqs" | "pnp-pgd" | "pnp-fista" | "prox-pnp" | "red-gd" | "red-fp" | "red-admm" | "red-pg"
                    | "red-dpg",
                    "anderson",
                ) => "sigma = 0.1",
                ("red-pro", "anderson") => "decay = 0",
                _ => "",
            };
            let (plain, changed) = (
                run(name, base),
                run(name, &format!("{base}\n{key} = {}", other_value(key))),
            );
            assert_ne!(plain, changed, "{name}.{key}");
        }
    }
}

#[test]
fn strength_and_level_exclude_each_other_where_one_follows_from_the_other() {
    for name in ["pnp-pgd", "pnp-fista", "prox-pnp"] {
        let message = build_error(&find(name).unwrap(), "strength = 1\nsigma = 0.1").to_string();
        assert!(message.contains(name) && message.contains("strength"), "{message}");
    }
}

#[test]
fn methods_with_an_energy_ask_for_a_gradient_denoiser() {
    for name in ["gs-pnp", "prox-pnp"] {
        let entry = find(name).unwrap();
        let error = entry
            .build(toml::Table::new(), problem(linear(smoothing(0.2))))
            .map(drop)
            .unwrap_err();
        assert!(matches!(error, Error::Capability { .. }), "{error}");
    }
}

#[test]
fn anderson_is_refused_where_the_map_never_settles() {
    for name in ["pnp-hqs", "red-pro"] {
        let message = build_error(&find(name).unwrap(), "anderson = 3").to_string();
        assert!(message.contains(name) && message.contains("anderson"), "{message}");
    }
}

fn noise() -> Sigma {
    Sigma::new(NOISE).unwrap()
}

/// The result of a typed solver with few iterations.
fn typed(solver: &dyn Solver) -> Vec<f64> {
    let run = RunSettings {
        iterations: 4,
        ..solver.run(noise())
    };
    let prepared = solver.prepare(problem(conditioned()), run).unwrap();
    values(&Executor::new(prepared.as_ref()).run(image(&truth())).unwrap().image)
}

#[test]
fn a_typed_value_is_what_its_parameters_as_text_are() {
    let by_name = |name: &str, parameters: &str| {
        let prepared = build(name, &format!("iterations = 4\n{parameters}"), problem(conditioned()));
        values(&Executor::new(prepared.as_ref()).run(image(&truth())).unwrap().image)
    };
    let hqs = PnpHqs {
        strength: 0.1,
        ..PnpHqs::default()
    };
    assert_eq!(typed(&hqs), by_name("pnp-hqs", "strength = 0.1"));
    // Every default is the default of its text.
    for entry in registry() {
        let (solver, run) = entry.read(toml::Table::new(), noise()).unwrap();
        assert_eq!((solver.about().name, run), (entry.about.name, solver.run(noise())));
        assert_eq!(
            typed(solver.as_ref()),
            by_name(entry.about.name, ""),
            "{}",
            entry.about.name
        );
    }
    let changed = hqs.with_strength(0.3).unwrap().with_sigma(Schedule::Constant(0.1));
    assert_eq!(
        typed(changed.as_ref()),
        by_name("pnp-hqs", "strength = 0.3\nsigma = 0.1")
    );
    let seeded = DiffPir::default().with_seed(7).unwrap();
    assert_eq!(typed(seeded.as_ref()), by_name("diffpir", "seed = 7"));
}

#[test]
fn what_a_solver_lacks_it_does_not_take() {
    for entry in registry() {
        let (solver, _) = entry.read(toml::Table::new(), noise()).unwrap();
        let name = entry.about.name;
        assert_eq!(
            solver.with_strength(1.0).is_some(),
            entry.about.parameter("strength").is_some(),
            "{name}"
        );
        assert_eq!(
            solver.with_seed(1).is_some(),
            entry.about.parameter("seed").is_some(),
            "{name}"
        );
        let levels = solver.with_sigma(Schedule::Constant(0.1));
        assert!(
            levels.prepare(problem(conditioned()), levels.run(noise())).is_ok(),
            "{name}"
        );
    }
    assert!(RedPro::default().with_strength(1.0).is_none());
    let accelerated = RunSettings {
        iterations: 9,
        anderson: 3,
    };
    let refused = |solver: &dyn Solver| match solver.prepare(problem(conditioned()), accelerated) {
        Ok(_) => panic!("{solver:?} took anderson"),
        Err(error) => error.to_string().contains("anderson"),
    };
    assert!(refused(&PnpFista::default()) && refused(&GsPnp::default()) && refused(&DiffPir::default()));
    assert!(PnpAdmm::default().prepare(problem(conditioned()), accelerated).is_ok());
}

#[test]
fn runs_are_longer_without_noise_where_that_pays() {
    let hqs = PnpHqs::default();
    let clean = Sigma::new(0.0).unwrap();
    assert!(hqs.run(clean).iterations > hqs.run(noise()).iterations);
    let entry = find("pnp-hqs").unwrap();
    let length = |noise| {
        let problem = tweedie_solver::Problem {
            noise,
            ..problem(conditioned())
        };
        entry.build(toml::Table::new(), problem).unwrap().iterations()
    };
    assert_eq!(
        (length(clean), length(noise())),
        (hqs.run(clean).iterations, hqs.run(noise()).iterations)
    );
    assert_eq!(PnpAdmm::default().run(clean), PnpAdmm::default().run(noise()));
}
