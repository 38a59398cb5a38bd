//! Full devices, limits of the system, and numbers that nobody means.

mod common;

use std::fs::OpenOptions;
use std::path::Path;
use std::process::Stdio;

use common::{command, names, small, succeed, tweedie};

/// Runs with a standard output that takes nothing; the status and standard error.
#[cfg(target_os = "linux")]
fn into_full_device(line: &str) -> (Option<i32>, String) {
    let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
    let arguments: Vec<&str> = line.split_whitespace().collect();
    let output = command(&arguments)
        .stdout(full)
        .stderr(Stdio::piped())
        .output()
        .unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_standard_output_is_an_error() {
    for line in [
        "checkpoints list",
        "checkpoints list --json -",
        "restore --help-solver red-gd",
        "completions bash",
        "--help",
        "restore --help",
        "--version",
    ] {
        let (status, stderr) = into_full_device(line);
        assert_eq!(status, Some(1), "{line}: {stderr}");
        assert!(
            stderr.starts_with("error: writing to standard output: "),
            "{line}: {stderr}"
        );
    }
}

#[test]
#[cfg(unix)]
fn a_limit_on_the_size_of_files_is_an_error_that_names_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let input = small(folder.path());
    let out = folder.path().join("out.npy");
    let output = std::process::Command::new("bash")
        .args(["-c", "ulimit -f 1; exec \"$@\"", "bash", env!("CARGO_BIN_EXE_tweedie")])
        .args(["denoise", "--checkpoint", "median", "--sigma", "25", "--out"])
        .args([&out, &input])
        .output()
        .unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("out.npy"), "{stderr}");
    assert_eq!(names(folder.path()), ["small.npy"], "nothing half-written is left");
}

#[test]
fn grids_of_a_billion_values_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let run = tweedie(
        "restore datasets/samples/camera.png --simulate --task denoise --noise 25 --checkpoint median --strength auto \
         -C solver.grid={from=0.1,to=1.0,count=1000000000} --out",
        &[&out],
    );
    assert_eq!(run.status, Some(2), "{}", run.stderr);
    assert!(run.stderr.contains("at most 10000"), "{}", run.stderr);
    for setting in [
        "noise={from=1.0,to=2.0,count=1000000000}",
        "grid={from=0.1,to=1.0,count=1000000000}",
    ] {
        let line = format!("study approximation docs/studies/rules.toml -C {setting} --out");
        let run = tweedie(&line, &[&out]);
        assert_eq!(run.status, Some(1), "{}", run.stderr);
        assert!(run.stderr.contains("at most 10000"), "{}", run.stderr);
    }
    assert!(!Path::exists(&out));
}

#[test]
fn options_without_effect_on_measurements_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let input = small(folder.path());
    let [measured, out] = ["measured", "out"].map(|name| folder.path().join(name));
    succeed("simulate --task denoise --noise 25 --out", &[&measured, &input]);
    let run = tweedie("restore --checkpoint median --color rgb --out", &[&out, &measured]);
    assert_eq!(run.status, Some(2), "{}", run.stderr);
    assert!(run.stderr.contains("--color"), "{}", run.stderr);
}

#[test]
fn a_discrepancy_without_noise_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let input = small(folder.path());
    let out = folder.path().join("out");
    let line = "restore --task inpaint --keep 0.5 --discrepancy 1.1 --checkpoint median --out";
    let run = tweedie(line, &[&out, &input]);
    assert_eq!(run.status, Some(2), "{}", run.stderr);
    assert!(run.stderr.contains("--discrepancy"), "{}", run.stderr);
}

#[test]
fn one_broken_checkpoint_hides_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let broken = folder.path().join("checkpoints/broken");
    std::fs::create_dir_all(&broken).unwrap();
    let gray = common::root().join("checkpoints/gray");
    let config = std::fs::read_to_string(gray.join("config.toml")).unwrap();
    let endless: Vec<String> = config
        .lines()
        .map(|line| if line.starts_with("max = ") { "max = inf" } else { line })
        .map(str::to_owned)
        .collect();
    std::fs::write(broken.join("config.toml"), endless.join("\n")).unwrap();
    std::fs::copy(gray.join("model.safetensors"), broken.join("model.safetensors")).unwrap();
    let run = |arguments: &[&str]| {
        let output = command(arguments).current_dir(folder.path()).output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap(), stderr)
    };
    let (status, stdout, stderr) = run(&["checkpoints", "list"]);
    assert_eq!(status, Some(0), "{stderr}");
    assert!(stdout.contains("median"), "{stdout}");
    assert!(stderr.contains("note: ") && stderr.contains("broken"), "{stderr}");
    let (status, _, stderr) = run(&["checkpoints", "show", "broken"]);
    assert_eq!(status, Some(1));
    assert!(stderr.contains("config.toml"), "{stderr}");
}
