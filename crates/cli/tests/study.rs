//! tweedie study: rates of the linear denoiser, files that agree, manifests that are refused.

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use burn::tensor::Device;
use common::{json, keys, names, succeed, tweedie};
use serde_json::Value;
use tweedie_imaging::{Depth, image_from_vec, write_image};

/// Few pixels, so that the slowest mode stands alone early.
const SIDE: usize = 16;

/// A folder with a small picture and a manifest beside it.
fn study(manifest: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let values = (0..SIDE * SIDE).map(|i| if i / SIDE > 7 { 0.8 } else { 0.2 }).collect();
    let image = image_from_vec(values, [1, 1, SIDE, SIDE], &Device::flex()).unwrap();
    write_image(&folder.path().join("step.png"), &image, Depth::Eight).unwrap();
    let path = folder.path().join("study.toml");
    fs::write(&path, manifest).unwrap();
    (folder, path)
}

const CONVERGENCE: &str = r#"
checkpoint = "gaussian:0.8"
noise = 12.75
seed = 1
iterations = 250
limit_iterations = 1000
start_scale = 1000.0
[images]
paths = ["step.png"]
[task]
task = "deblur"
kernel = "gaussian:0.8x5"
[[algorithm]]
label = "plain, PnP"
solver = "pnp-pgd"
parameters = { sigma = 0.05, step = 0.06 }
[[algorithm]]
solver = "red-gd"
parameters = { sigma = 0.05, strength = 2.0, step = 0.1 }
[[algorithm]]
solver = "red-apg"
parameters = { sigma = 0.05, strength = 10.0 }
"#;

const APPROXIMATION: &str = r#"
checkpoint = "gaussian:1"
noise = [2, 5, 12, 30]
rules = ["discrepancy", "balancing"]
grid = { from = 0.001, to = 1.0, count = 7 }
[images]
paths = ["step.png"]
[task]
task = "deblur"
kernel = "gaussian:1x5"
[algorithm]
solver = "red-pg"
iterations = 60
parameters = { sigma = 0.05 }
"#;

fn command<'a>(kind: &str, path: &'a Path, out: &'a Path) -> (String, [&'a Path; 3]) {
    (format!("study {kind}"), [path, Path::new("--out"), out])
}

fn numbers(document: &Value, pointer: &str) -> f64 {
    document
        .pointer(pointer)
        .and_then(Value::as_f64)
        .unwrap_or_else(|| panic!("{pointer}: {document}"))
}

#[test]
fn fitted_rates_of_the_linear_denoiser_are_the_known_ones_and_the_files_agree() {
    let (folder, path) = study(CONVERGENCE);
    let out = folder.path().join("out");
    let (line, rest) = command("convergence", &path, &out);
    let document = json(&line, &rest);
    assert_eq!(names(&out), ["report.html", "results.csv", "results.json"]);
    let results = document["results"].as_array().unwrap();
    assert_eq!(results.len(), 3);
    for result in results {
        let known = numbers(result, "/theory/factor").ln();
        assert_eq!(result["theory"]["spectral_radius"]["converged"], true, "{result}");
        for curve in ["residual", "distance"] {
            assert_eq!(result[curve]["chosen"]["model"], "linear", "{result}");
            // 5 % of the logarithm, that is, of the iterations per digit.
            let off = numbers(result, &format!("/{curve}/chosen/factor")).ln() / known - 1.0;
            assert!(off.abs() < 0.05, "{curve}: {result}");
            assert!((off - numbers(result, &format!("/{curve}_deviation"))).abs() < 1e-9);
        }
    }
    // The objective's gap falls by the square.
    let gap = numbers(&results[1], "/objective_gap/chosen/factor").ln() / numbers(&results[1], "/theory/factor").ln();
    assert!((gap / 2.0 - 1.0).abs() < 0.05, "{gap}");
    assert_eq!(results[0]["parameters"]["step"], 0.06);
    assert_eq!(results[0]["parameters"]["iterations"], 1000);
    assert_eq!(document["manifest"]["task"]["kernel"], "gaussian:0.8x5");
    let read: Vec<&str> = document["files"]
        .as_array()
        .unwrap()
        .iter()
        .map(|file| file["path"].as_str().unwrap())
        .collect();
    assert!(read.iter().any(|path| path.ends_with("study.toml")) && read.iter().any(|path| path.ends_with("step.png")));

    let saved: Value = serde_json::from_str(&fs::read_to_string(out.join("results.json")).unwrap()).unwrap();
    assert_eq!(saved["results"], document["results"]);
    let csv = fs::read_to_string(out.join("results.csv")).unwrap();
    assert_eq!(csv.lines().count(), 1 + 3 * 250);
    let last = csv.lines().nth(250).unwrap();
    let cells: Vec<&str> = last
        .strip_prefix("step.png,\"plain, PnP\",")
        .unwrap()
        .split(',')
        .collect();
    assert_eq!(cells[0], "250");
    assert_eq!(cells[1].parse::<f64>().unwrap(), numbers(&results[0], "/last/residual"));
    assert_eq!((cells[2], cells[3]), ("", ""), "a missing objective is an empty cell");
    let page = fs::read_to_string(out.join("report.html")).unwrap();
    let factor = numbers(&results[1], "/distance/chosen/factor");
    assert!(page.contains(&format!("{factor:.4}^k")) && page.matches("<svg").count() == 3);
    assert!(page.contains("plain, PnP") && page.contains("step.png"));
}

#[test]
fn errors_are_fitted_against_the_noise_for_each_rule() {
    let (folder, path) = study(APPROXIMATION);
    let out = folder.path().join("out");
    let (line, rest) = command("approximation", &path, &out);
    let document = json(&line, &rest);
    assert_eq!(names(&out), ["report.html", "results.csv", "results.json"]);
    let points = document["results"].as_array().unwrap();
    assert_eq!(points.len(), 4);
    for choice in points.iter().flat_map(|point| point["choices"].as_array().unwrap()) {
        assert!(
            choice["loss_db"].is_null() || numbers(choice, "/loss_db") >= 0.0,
            "no rule beats the oracle: {choice}"
        );
    }
    let rules = document["rules"].as_array().unwrap();
    let named: Vec<&str> = rules.iter().map(|rule| rule["rule"].as_str().unwrap()).collect();
    assert_eq!(named, ["discrepancy", "balancing", "oracle"]);
    let oracle = &rules[2];
    // The error grows with the noise, but slower than the noise.
    let exponent = numbers(oracle, "/fit/exponent");
    assert!(exponent > 0.05 && exponent < 1.0, "{oracle}");
    assert_eq!(numbers(oracle, "/fit/points"), 4.0);
    assert!(numbers(oracle, "/fit/exponent_stderr") > 0.0);
    assert_eq!(numbers(oracle, "/mean_loss_db"), 0.0);
    let csv = fs::read_to_string(out.join("results.csv")).unwrap();
    assert_eq!(csv.lines().count(), 1 + 4 * 3);
    let row = csv
        .lines()
        .find(|line| line.starts_with("step.png,12,oracle,"))
        .unwrap();
    let error: f64 = row.split(',').nth(5).unwrap().parse().unwrap();
    assert_eq!(error, numbers(&points[2], "/choices/2/error_rms"));
    let page = fs::read_to_string(out.join("report.html")).unwrap();
    assert!(page.contains(&format!("{exponent:.3}")) && page.matches("<svg").count() == 3);
}

#[test]
fn a_study_is_the_same_again_and_settings_go_over_the_manifest() {
    let (folder, path) = study(APPROXIMATION);
    let run = |name: &str, setting: &str| {
        let out = folder.path().join(name);
        let rest = [
            path.as_path(),
            Path::new("--out"),
            &out,
            Path::new("-C"),
            Path::new(setting),
        ];
        succeed("study approximation", &rest);
        fs::read_to_string(out.join("results.csv")).unwrap()
    };
    let one = run("one", "noise=[9.0]");
    assert_eq!(one, run("two", "noise=[9.0]"));
    assert_eq!(one.lines().count(), 4);
    assert_ne!(one, run("three", "seed=2"));
}

#[test]
fn a_level_that_falls_until_the_end_has_no_limit_and_a_note_says_so() {
    let (folder, path) = study(&CONVERGENCE.replace("sigma = 0.05, strength = 10.0", "strength = 10.0"));
    let out = folder.path().join("out");
    let (line, rest) = command("convergence", &path, &out);
    let few = ["-C", "iterations=8", "-C", "limit_iterations=16"].map(Path::new);
    let run = succeed(&line, &[&rest[..], &few].concat());
    assert!(
        run.stderr.contains("red-apg") && run.stderr.contains("no fixed point"),
        "{}",
        run.stderr
    );
    assert!(!run.stderr.contains("red-gd"), "{}", run.stderr);
    let saved: Value = serde_json::from_str(&fs::read_to_string(out.join("results.json")).unwrap()).unwrap();
    assert_eq!(saved["results"][0]["settled_from"], 0);
    assert!(numbers(&saved["results"][2], "/settled_from") >= 8.0);
}

#[test]
fn bad_manifests_are_refused_by_their_key() {
    let line = |key: &str, from: &str, to: &str, kind: &str| {
        let text = if kind == "convergence" {
            CONVERGENCE
        } else {
            APPROXIMATION
        };
        assert!(text.contains(from), "{from}");
        let (folder, path) = study(&text.replace(from, to));
        let out = folder.path().join("out");
        let (line, rest) = command(kind, &path, &out);
        let run = tweedie(&line, &rest);
        assert!(
            matches!(run.status, Some(1 | 2)),
            "{key}: {:?} {}",
            run.status,
            run.stderr
        );
        assert!(run.stderr.contains(key), "{key}: {}", run.stderr);
        assert_eq!(run.stderr.trim_end().lines().count(), 1, "{}", run.stderr);
        assert!(!out.join("report.html").exists());
    };
    for (key, from, to) in [
        ("kernal", "kernel =", "kernal ="),
        ("nose", "noise =", "nose ="),
        ("noise", "noise = 12.75", "noise = \"loud\""),
        ("noise", "noise = 12.75", "noise = -1.0"),
        ("checkpoint", "checkpoint = \"gaussian:0.8\"", ""),
        ("gaussian:x", "gaussian:0.8\"", "gaussian:x\""),
        ("solver", "solver = \"red-gd\"", "solver = \"magic\""),
        ("stepp", "step = 0.1", "stepp = 0.1"),
        ("iterations", "limit_iterations = 1000", "limit_iterations = 300"),
        ("start_scale", "start_scale = 1000.0", "start_scale = 0.0"),
        ("red-apg", "label = \"plain, PnP\"", "label = \"red-apg\""),
        ("crop", "paths = [\"step.png\"]", "paths = [\"step.png\"]\ncrop = 99"),
        ("none.png", "step.png", "none.png"),
        (
            "--scale",
            "kernel = \"gaussian:0.8x5\"",
            "kernel = \"gaussian:0.8x5\"\nscale = 2",
        ),
    ] {
        line(key, from, to, "convergence");
    }
    for (key, from, to) in [
        ("noise", "noise = [2, 5, 12, 30]", "noise = 3"),
        ("noise", "noise = [2, 5, 12, 30]", "noise = [5, 2]"),
        ("best", "\"balancing\"", "\"best\""),
        ("oracle", "\"balancing\"", "\"oracle\""),
        ("grid", "to = 1.0, count", "to = 0.0001, count"),
        ("strength", "{ sigma = 0.05 }", "{ sigma = 0.05, strength = 1.0 }"),
        ("form", "grid = { from", "grid = { form"),
        ("tolerence", "iterations = 60", "tolerence = 60"),
    ] {
        line(key, from, to, "approximation");
    }
    let (folder, _) = study("");
    let missing = folder.path().join("missing.toml");
    let (line, rest) = command("convergence", &missing, folder.path());
    let run = tweedie(&line, &rest);
    assert_eq!(run.status, Some(1));
    assert!(run.stderr.contains("missing.toml"), "{}", run.stderr);
}

#[test]
fn the_documented_studies_are_manifests() {
    // Fast ones only: what the others hold is read all the same.
    let folder = tempfile::tempdir().unwrap();
    for (kind, name) in [
        ("convergence", "linear"),
        ("convergence", "gray"),
        ("approximation", "linear-rules"),
        ("approximation", "rules"),
    ] {
        let path = PathBuf::from(format!("docs/studies/{name}.toml"));
        let out = folder.path().join(name);
        let few: &[&Path] = match kind {
            "convergence" => &["-C", "iterations=2", "-C", "limit_iterations=4"].map(Path::new),
            _ => &[
                "-C",
                "noise=[20.0]",
                "-C",
                "grid.count=3",
                "-C",
                "algorithm.iterations=2",
            ]
            .map(Path::new),
        };
        let small = ["-C", "images.crop=16"].map(Path::new);
        let (line, rest) = command(kind, &path, &out);
        let document = json(&line, &[&rest, few, &small].concat());
        assert!(keys(&document).contains(&"manifest"), "{name}");
        assert!(!document["results"].as_array().unwrap().is_empty(), "{name}");
    }
}
