//! `tweedie noise`, models of noise and data terms.

mod common;

use std::fs;
use std::path::Path;

use common::{json, succeed, tweedie};

#[test]
fn noise_says_what_it_found() {
    let folder = tempfile::tempdir().unwrap();
    let measured = folder.path().join("y");
    succeed(
        "simulate datasets/samples/coffee.png --task denoise --noise poisson-gaussian:2,5 --seed 3 --out",
        &[&measured],
    );
    let manifest = fs::read_to_string(measured.join("measurements.toml")).unwrap();
    assert!(manifest.contains("noise = \"poisson-gaussian:2,5\""), "{manifest}");
    let plots = folder.path().join("plots");
    let y = measured.join("coffee.npy");
    let document = json(&format!("noise {} --out", y.display()), &[&plots]);
    let result = &document["results"][0];
    assert_eq!(result["kind"], "white");
    let number = |value: &serde_json::Value| value.as_f64().unwrap();
    let law = &result["law"];
    assert!((number(&law["gain_grey_levels"]) / 2.0 - 1.0).abs() < 0.15, "{law}");
    assert!((number(&law["sigma_grey_levels"]) / 5.0 - 1.0).abs() < 0.3, "{law}");
    let plot = fs::read_to_string(result["plot"].as_str().unwrap()).unwrap();
    assert!(plot.starts_with("<svg") && plot.contains("smooth blocks"), "{plot:.80}");
    let run = succeed(&format!("noise {}", y.display()), &[]);
    assert!(
        run.stdout.contains("white noise of") && run.stdout.contains("variance"),
        "{}",
        run.stdout
    );
}

/// The manifest brings the noise, and `denoise` and `restore` say what they used.
#[test]
fn models_of_noise_are_used() {
    let folder = tempfile::tempdir().unwrap();
    let measured = folder.path().join("y");
    let line = "simulate datasets/samples/camera.png --task denoise --noise poisson-gaussian:2,5 --out";
    succeed(line, &[&measured]);
    let out = folder.path().join("r");
    let restored = json(
        "restore --checkpoint gray-small --iterations 2 --out",
        &[&out, &measured],
    );
    let noise = &restored["results"][0]["noise"];
    assert_eq!(noise["kind"], "poisson-gaussian");
    assert_eq!(
        (noise["gain_grey_levels"].as_f64(), noise["sigma_grey_levels"].as_f64()),
        (Some(2.0), Some(5.0))
    );
    let y = measured.join("camera.npy");
    for (model, kind) in [
        ("poisson-gaussian:2,5", "poisson-gaussian"),
        ("poisson-gaussian:auto", "poisson-gaussian"),
        ("correlated", "correlated"),
        ("auto", "white"),
    ] {
        let line = format!("denoise {} --noise {model} --checkpoint gray-small --out", y.display());
        let document = json(&line, &[&folder.path().join("d.png")]);
        assert_eq!(document["results"][0]["noise"]["kind"], kind, "{model}");
    }
    // A map of the picture's own size, made of the picture itself.
    let line =
        "denoise datasets/samples/camera.png --noise map:datasets/samples/camera.png --checkpoint gray-small --out";
    assert_eq!(
        tweedie(line, &[&folder.path().join("m.png")]).status,
        Some(1),
        "a map with zeros is refused"
    );
    let line = format!(
        "denoise {} --noise map:{} --checkpoint gray-small --out",
        y.display(),
        "datasets/samples/brick.png"
    );
    let document = json(&line, &[&folder.path().join("m.png")]);
    assert_eq!(document["results"][0]["noise"]["kind"], "map");
}

#[test]
fn noise_that_does_not_suit_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("o");
    let image = Path::new("datasets/samples/camera.png");
    for (line, status, expected) in [
        (
            "restore --task compressed --ratio 0.5 --noise auto --checkpoint gray --out",
            2,
            "no picture",
        ),
        (
            "restore --task inpaint --keep 0.5 --noise correlated --checkpoint gray --out",
            2,
            "another model",
        ),
        (
            "restore --simulate --task denoise --noise auto --checkpoint gray --out",
            2,
            "--simulate",
        ),
        (
            "simulate --task denoise --noise poisson-gaussian:auto --out",
            2,
            "nothing to estimate",
        ),
        (
            "restore --task denoise --noise 5 --fidelity poisson --checkpoint gray --out",
            2,
            "poisson-gaussian",
        ),
        (
            "restore --task inpaint --keep 0.5 --fidelity ball --checkpoint gray --out",
            2,
            "above 0",
        ),
        (
            "restore --task denoise --noise 5 --fidelity l1 --solver red-gd --checkpoint gray --out",
            1,
            "smooth",
        ),
        (
            "restore --task denoise --noise 5 --fidelity l1 --discrepancy 1 --checkpoint gray --out",
            2,
            "l2",
        ),
        (
            "restore --task denoise --noise map:nowhere.png --checkpoint gray --out",
            1,
            "nowhere.png",
        ),
        (
            "restore --task denoise --noise poisson-gaussian:1 --checkpoint gray --out",
            2,
            "GAIN,SIGMA",
        ),
    ] {
        let run = tweedie(line, &[&out, image]);
        assert_eq!(run.status, Some(status), "{line}: {}", run.stderr);
        assert!(run.stderr.contains(expected), "{line}: {}", run.stderr);
    }
}

/// Smooth blocks of a JPEG file have no high frequencies: a law that is fitted to them is zero.
#[test]
fn no_law_is_told_of_jpeg_files() {
    let folder = tempfile::tempdir().unwrap();
    let jpeg = folder.path().join("c.jpg");
    let line = "denoise datasets/samples/camera.png --checkpoint median --sigma 1 --quality 70 --out";
    json(line, &[&jpeg]);
    let run = tweedie(
        "denoise --noise poisson-gaussian:auto --checkpoint median --out",
        &[&folder.path().join("d.png"), &jpeg],
    );
    assert_eq!(run.status, Some(1), "{}", run.stderr);
    assert!(
        run.stderr.contains("c.jpg") && run.stderr.contains("hide gain"),
        "{}",
        run.stderr
    );
    let document = json("noise", &[&jpeg]);
    assert!(document["results"][0]["law"].is_null());
    assert_eq!(document["results"][0]["kind"], "compressed");
}
