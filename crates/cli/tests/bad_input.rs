//! Bad input: one line on standard error that names the file, and exit status 1.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

fn tweedie(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tweedie")).args(arguments).output().expect("the binary runs")
}

fn refused(arguments: &[&str], named: &str) {
    let output = tweedie(arguments);
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{arguments:?}: {message}");
    assert!(message.starts_with("error: ") && message.trim_end().lines().count() == 1, "{message}");
    assert!(message.contains(named), "{named} in {message}");
}

fn sample() -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../datasets/samples/camera.png").display().to_string()
}

#[test]
fn files_that_are_no_images_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out").display().to_string();
    let text = folder.path().join("text.png");
    fs::write(&text, "not an image").unwrap();
    let truncated = folder.path().join("truncated.png");
    let whole = fs::read(sample()).unwrap();
    fs::write(&truncated, &whole[..whole.len() / 2]).unwrap();
    let missing = folder.path().join("missing.png");
    for file in [&text, &truncated, &missing] {
        let file = file.display().to_string();
        refused(&["denoise", &file, "--checkpoint", "gray", "--sigma", "25", "--out", &out], &file);
        let task = ["--task", "denoise", "--noise", "25", "--checkpoint", "gray", "--out", &out];
        refused(&[&["restore", file.as_str()][..], &task[..]].concat(), &file);
    }
}

#[test]
fn missing_kernels_and_checkpoints_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out").display().to_string();
    let image = sample();
    let task = ["restore", &image, "--task", "deblur", "--out", &out, "--kernel"];
    let kernel = folder.path().join("no.npy").display().to_string();
    refused(&[&task[..], &[&kernel, "--checkpoint", "gray"][..]].concat(), &kernel);
    refused(&[&task[..], &["gaussian:1.6", "--checkpoint", "no-such"][..]].concat(), "no-such");
    refused(&[&task[..], &["gaussian:1.6", "--checkpoint", "gray", "--solver", "magic"][..]].concat(), "magic");
    refused(&[&task[..], &["gaussian:1.6", "--checkpoint", "gray", "-C", "solver.magic=1"][..]].concat(), "magic");
}

#[test]
fn an_output_folder_that_cannot_be_made_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "in the way").unwrap();
    let out = file.join("out").display().to_string();
    refused(&["restore", &sample(), "--task", "denoise", "--noise", "9", "--checkpoint", "gray", "--out", &out], &out);
}

#[test]
fn noise_levels_outside_the_training_range_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out.png").display().to_string();
    refused(&["denoise", &sample(), "--checkpoint", "gray", "--sigma", "200", "--out", &out], "gray");
    refused(&["denoise", &sample(), "--checkpoint", "gray", "--sigma=-1", "--out", &out], "noise level");
}

#[test]
fn wrong_usage_exits_with_2() {
    assert_eq!(tweedie(&["denoise"]).status.code(), Some(2));
    assert_eq!(tweedie(&["no-such-command"]).status.code(), Some(2));
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_json_has_its_keys() {
    let folder = tempfile::tempdir().unwrap();
    let run = |name: &str| {
        let out = folder.path().join(name);
        let arguments = ["restore", &sample(), "--simulate", "--task", "inpaint", "--keep", "0.5", "--seed", "3"];
        let out_text = out.display().to_string();
        let rest = ["--checkpoint", "gray", "--iterations", "2", "--json", "-", "--out", &out_text];
        let output = tweedie(&[&arguments[..], &rest[..]].concat());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        (output.stdout, fs::read(out.join("camera.png")).unwrap())
    };
    let ((json, first), (_, second)) = (run("a"), run("b"));
    assert_eq!(first, second);
    let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
    assert_eq!(json["command"], "restore");
    for key in ["name", "task", "solver", "psnr_db", "ssim", "psnr_input_db", "iterations", "stop", "seconds"] {
        assert!(!json["results"][0][key].is_null(), "{key}");
    }
    assert_eq!(json["files"][0]["sha256"].as_str().map(str::len), Some(64));
}
