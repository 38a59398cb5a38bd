//! simulate, restore, demo: files, JSON, reproducibility.

mod common;

use std::fs;
use std::path::Path;

use common::{json, keys, names, same_bytes, succeed, tweedie};

const DEBLUR: &str = "--task deblur --kernel gaussian:1.2x9 --noise 5";

#[test]
fn json_has_the_documented_keys() {
    let folder = tempfile::tempdir().unwrap();
    let line = format!(
        "restore datasets/samples/camera.png --simulate {DEBLUR} --solver pnp-admm --iterations 3 --checkpoint gray --out"
    );
    let document = json(&line, &[folder.path()]);
    for key in [
        "schema", "command", "tweedie", "device", "threads", "seconds", "results", "files",
    ] {
        assert!(keys(&document).contains(&key), "{key}");
    }
    assert_eq!(
        (document["command"].as_str(), document["status"].as_str()),
        (Some("restore"), Some("done"))
    );
    let result = &document["results"][0];
    let mut expected = [
        "name",
        "task",
        "solver",
        "psnr_db",
        "ssim",
        "psnr_input_db",
        "iterations",
        "stop",
        "seconds",
        "denoiser_calls",
        "fixed_point_residual",
        "strength",
        "warnings",
        "noise",
        "fidelity",
    ];
    expected.sort_unstable();
    assert_eq!(keys(result), expected);
    assert_eq!(
        (result["name"].as_str(), result["stop"].as_str()),
        (Some("camera.png"), Some("max-iters"))
    );
    assert_eq!(
        (result["iterations"].as_u64(), result["denoiser_calls"].as_u64()),
        (Some(3), Some(3))
    );
    assert!(result["psnr_db"].as_f64() > result["psnr_input_db"].as_f64());
    let files: Vec<&str> = document["files"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|file| file["path"].as_str())
        .collect();
    assert!(files.iter().any(|path| path.ends_with("camera.png")), "{files:?}");
    assert!(
        files.iter().any(|path| path.ends_with("gray/model.safetensors")),
        "{files:?}"
    );
    assert!(
        document["files"]
            .as_array()
            .unwrap()
            .iter()
            .all(|file| file["sha256"].as_str().is_some_and(|s| s.len() == 64))
    );
    assert_eq!(names(folder.path()), ["camera.png", "camera.trace.csv"]);
    let trace = fs::read_to_string(folder.path().join("camera.trace.csv")).unwrap();
    assert_eq!(trace.lines().count(), 4, "a head and three iterations: {trace}");
}

#[test]
fn the_seed_decides_every_byte_and_threads_none() {
    let folder = tempfile::tempdir().unwrap();
    let run = |name: &str, options: &str| {
        let out = folder.path().join(name);
        let line = format!(
            "restore datasets/samples/camera.png --simulate --task inpaint --keep 0.5 --noise 3 --iterations 2 \
             --checkpoint gray --depth float {options} --out"
        );
        succeed(&line, &[&out]);
        out.join("camera.npy")
    };
    let first = run("first", "--seed 3");
    assert!(same_bytes(&first, &run("again", "--seed 3")));
    assert!(same_bytes(&first, &run("one-thread", "--seed 3 --threads 1")));
    assert!(!same_bytes(&first, &run("other-seed", "--seed 4")));
}

#[test]
fn simulated_measurements_are_restored_as_simulate_would() {
    let folder = tempfile::tempdir().unwrap();
    for (name, task) in [
        ("denoise", "--task denoise --noise 20"),
        ("deblur", DEBLUR),
        (
            "replicate",
            "--task deblur --kernel uniform:5 --boundary replicate --noise 5",
        ),
        ("inpaint", "--task inpaint --keep 0.4 --noise 2"),
        ("sr", "--task sr --scale 3 --noise 1"),
        ("compressed", "--task compressed --ratio 0.5 --noise 1"),
        ("radon", "--task radon --angles 40 --noise 1"),
    ] {
        let [measured, once, twice] = ["y", "once", "twice"].map(|part| folder.path().join(format!("{name}-{part}")));
        let solve = "--iterations 2 --depth float --checkpoint gray --out";
        let simulated = succeed(
            &format!("simulate datasets/samples/brick.png --seed 5 {task} --out"),
            &[&measured],
        );
        assert!(simulated.stdout.contains("measurements.toml"));
        succeed(&format!("restore {} {solve}", measured.display()), &[&once]);
        let direct = format!("restore datasets/samples/brick.png --simulate --seed 5 {task} {solve}");
        succeed(&direct, &[&twice]);
        assert!(same_bytes(&once.join("brick.npy"), &twice.join("brick.npy")), "{name}");
    }
}

/// What another program computes from the file of signs and coefficients.
#[test]
fn compressed_measurements_can_be_rebuilt_outside() {
    let folder = tempfile::tempdir().unwrap();
    let picture = common::small(folder.path());
    let out = folder.path().join("y");
    succeed(
        "simulate --task compressed --ratio 0.1 --seed 7 --noise 0 --out",
        &[&out, &picture],
    );
    assert_eq!(
        names(&out),
        ["measurements.toml", "small.npy", "small.png", "small.sampling.npz"]
    );
    let sampling = tweedie_imaging::read_npz(&out.join("small.sampling.npz")).unwrap();
    let named = |name: &str| &sampling.iter().find(|(found, _)| found == name).unwrap().1;
    let (signs, chosen) = (&named("signs").values, &named("chosen").values);
    let x = tweedie_imaging::read_array(&picture).unwrap().values;
    let y = tweedie_imaging::read_array(&out.join("small.npy")).unwrap().values;
    assert_eq!((signs.len(), chosen.len(), y.len()), (48 * 48, 230, 230));
    for (&index, y) in chosen.iter().zip(&y).step_by(17) {
        let (ky, kx) = (index as usize / 48, index as usize % 48);
        // Re F - Im F = sum of v (cos + sin).
        let term = |i: usize| {
            let turn = ((i / 48 * ky + i % 48 * kx) % 48) as f64 / 48.0 * std::f64::consts::TAU;
            signs[i] * x[i] * (turn.cos() + turn.sin())
        };
        let rebuilt = (0..48 * 48).map(term).sum::<f64>() / 48.0;
        assert!((rebuilt - y).abs() < 1e-5, "{index}: {rebuilt} and {y}");
    }
}

#[test]
fn colour_tasks_and_masks_from_files() {
    let folder = tempfile::tempdir().unwrap();
    let measured = folder.path().join("bayer");
    succeed(
        "simulate datasets/samples/coffee.png --task demosaic --pattern rggb --noise 2 --out",
        &[&measured],
    );
    assert_eq!(names(&measured), ["coffee.npy", "coffee.png", "measurements.toml"]);
    let out = folder.path().join("restored");
    let run = succeed(
        &format!("restore {} --iterations 2 --checkpoint gray --out", measured.display()),
        &[&out],
    );
    assert!(run.stderr.contains("gray checkpoint"), "{}", run.stderr);
    assert!(out.join("coffee.png").is_file());
    // The mask that simulate wrote serves as --mask, too.
    let holes = folder.path().join("holes");
    succeed(
        "simulate datasets/samples/camera.png --task inpaint --keep 0.5 --out",
        &[&holes],
    );
    let (mask, y, filled) = (
        holes.join("camera.mask.png"),
        holes.join("camera.npy"),
        folder.path().join("filled"),
    );
    let line = "restore --task inpaint --iterations 2 --checkpoint gray --mask";
    succeed(line, &[&mask, Path::new("--out"), &filled, &y]);
    assert!(filled.join("camera.png").is_file());
}

#[test]
fn a_changed_measurement_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let measured = folder.path().join("y");
    succeed(
        "simulate datasets/samples/camera.png --task sr --scale 2 --out",
        &[&measured],
    );
    let path = measured.join("camera.npy");
    let mut content = fs::read(&path).unwrap();
    *content.last_mut().unwrap() ^= 1;
    fs::write(&path, content).unwrap();
    let out = folder.path().join("out");
    let run = tweedie(
        &format!("restore {} --checkpoint gray --out", measured.display()),
        &[&out],
    );
    assert_eq!(run.status, Some(1));
    assert!(
        run.stderr.contains("camera.npy") && run.stderr.contains("sha256"),
        "{}",
        run.stderr
    );
    let run = tweedie(
        &format!(
            "restore {} --task sr --scale 2 --checkpoint gray --out",
            measured.display()
        ),
        &[&out],
    );
    assert_eq!(run.status, Some(2), "measurements bring their task: {}", run.stderr);
}

#[test]
fn the_report_stands_alone() {
    let folder = tempfile::tempdir().unwrap();
    let line = format!("restore datasets/samples/camera.png --simulate {DEBLUR} --checkpoint gray --report --out");
    succeed(&line, &[folder.path()]);
    let html = fs::read_to_string(folder.path().join("report.html")).unwrap();
    for part in [
        "tweedie restore",
        "pnp-hqs",
        "strength",
        "sha256",
        "<svg",
        "data:image/png;base64,",
        "gaussian:1.2x9",
    ] {
        assert!(html.contains(part), "{part}");
    }
    assert!(
        !html.contains("src=\"http") && !html.contains("href=\"http"),
        "nothing is loaded"
    );
    assert!(html.contains("<title>Restoration: deblur with gray and pnp-hqs</title>"));
    assert!(html.contains("<a href=\"./camera.png\">camera.png</a>"));
    let [measurement, restored, truth] =
        ["measurement", "restored", "truth"].map(|name| html.matches(&format!("data-caption=\"{name}\"")).count());
    assert_eq!([measurement, restored, truth], [1, 1, 1]);
}

#[test]
fn the_noise_level_can_be_estimated() {
    let folder = tempfile::tempdir().unwrap();
    let measured = folder.path().join("y");
    succeed(
        "simulate datasets/samples/camera.png --task denoise --noise 20 --out",
        &[&measured],
    );
    let y = measured.join("camera.npy");
    let document = json(
        "denoise --checkpoint gray --sigma auto --out",
        &[&folder.path().join("d.npy"), &y],
    );
    let sigma = document["results"][0]["sigma"].as_f64().unwrap();
    // What the estimator's documentation promises for an image of this size.
    assert!((18.0..22.0).contains(&sigma), "{sigma}");
    assert_eq!(document["results"][0]["noise"]["kind"], "white");
    let line = "restore --task denoise --noise auto --iterations 2 --checkpoint gray --out";
    let document = json(line, &[&folder.path().join("r"), &y]);
    let noise = &document["results"][0]["noise"];
    assert!(
        (noise["level_grey_levels"].as_f64().unwrap() - sigma).abs() < 1e-6,
        "{noise}"
    );
    assert!(noise["rests_on"].as_str().unwrap().contains("patches"), "{noise}");
}

#[test]
fn the_demo_writes_pictures_and_a_page() {
    let folder = tempfile::tempdir().unwrap();
    let run = succeed("demo --out", &[folder.path()]);
    assert_eq!(
        run.stdout.lines().filter(|line| line.contains("->")).count(),
        8,
        "{}",
        run.stdout
    );
    let files = names(folder.path());
    assert_eq!(
        files.len(),
        25,
        "three pictures for each of eight photographs, and the page: {files:?}"
    );
    assert!(files.contains(&"report.html".to_owned()));
}

#[test]
fn a_rule_finds_the_strength() {
    let folder = tempfile::tempdir().unwrap();
    let (out, image) = (
        folder.path().join("out"),
        std::path::Path::new("datasets/samples/camera.png"),
    );
    let line = "restore --simulate --task denoise --noise 25 --checkpoint gray -C solver.grid.from=0.1 -C \
                solver.grid.to=1 -C solver.grid.count=3 --iterations 2";
    let found = json(&format!("{line} --strength auto:discrepancy --out"), &[&out, image]);
    let strength = &found["results"][0]["strength"];
    assert_eq!(strength["rule"], "discrepancy");
    assert!(
        strength["tried"] == 3 && out.join("camera.strengths.csv").is_file(),
        "{strength}"
    );
    // The same strength given outright is the same run.
    if let Some(value) = strength["value"].as_f64() {
        let line = "restore --simulate --task denoise --noise 25 --checkpoint gray --iterations 2";
        let given = json(&format!("{line} --strength {value} --out"), &[&out, image]);
        assert_eq!(given["results"][0]["psnr_db"], found["results"][0]["psnr_db"]);
        assert!(given["results"][0]["strength"].is_null());
    }
}

#[test]
fn rules_that_cannot_work_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let image = std::path::Path::new("datasets/samples/camera.png");
    for (options, status, expected) in [
        ("--noise 25 --strength auto:oracle", 2, "--simulate"),
        ("--noise 25 --strength auto:best", 2, "balancing"),
        ("--noise 25 --strength auto --solver red-pro", 2, "has no strength"),
        ("--noise 25 --strength 1 -C solver.grid.from=0.1", 2, "no effect"),
        ("--noise 25 --strength auto -C solver.grid.form=0.1", 2, "form"),
    ] {
        let line = format!("restore --task denoise --checkpoint gray {options} --out");
        let run = tweedie(&line, &[folder.path(), image]);
        assert_eq!(run.status, Some(status), "{options}: {}", run.stderr);
        assert!(run.stderr.contains(expected), "{options}: {}", run.stderr);
    }
}
