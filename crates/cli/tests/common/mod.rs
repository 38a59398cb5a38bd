//! Running the binary from the root of the repository.

#![allow(dead_code)] // Not every test uses everything.

use std::path::{Path, PathBuf};
use std::process::Command;

/// What a run left.
pub struct Run {
    pub status: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

/// The root of the repository, where `checkpoints/` and `datasets/` are.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A command that runs the binary in the root of the repository.
pub fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tweedie"));
    command.args(arguments).current_dir(root());
    command
}

/// Runs the binary; arguments are separated by spaces, `rest` are paths that follow.
pub fn tweedie(line: &str, rest: &[&Path]) -> Run {
    let mut arguments: Vec<&str> = line.split_whitespace().collect();
    arguments.extend(rest.iter().map(|path| path.to_str().expect("test paths are UTF-8")));
    let output = command(&arguments).output().expect("the binary runs");
    let text = |bytes| String::from_utf8(bytes).expect("output is UTF-8");
    Run {
        status: output.status.code(),
        stdout: text(output.stdout),
        stderr: text(output.stderr),
    }
}

/// Runs the binary and expects success.
pub fn succeed(line: &str, rest: &[&Path]) -> Run {
    let run = tweedie(line, rest);
    assert_eq!(run.status, Some(0), "{line}: {}", run.stderr);
    run
}

/// Runs the binary with `--json -` and expects success.
pub fn json(line: &str, rest: &[&Path]) -> serde_json::Value {
    let options = ["--json", "-"].map(Path::new);
    let run = succeed(line, &[rest, &options].concat());
    serde_json::from_str(&run.stdout).expect("standard output is one JSON object")
}

/// The sha256-like proof that two files are the same.
pub fn same_bytes(a: &Path, b: &Path) -> bool {
    std::fs::read(a).expect("a result is there") == std::fs::read(b).expect("a result is there")
}

/// The object's keys.
pub fn keys(value: &serde_json::Value) -> Vec<&str> {
    value
        .as_object()
        .expect("an object")
        .keys()
        .map(String::as_str)
        .collect()
}

/// Names of the files in a folder.
pub fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("a folder of results");
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// A picture of 48x48 in the folder: the middle of a bundled one.
pub fn small(folder: &Path) -> PathBuf {
    let path = folder.join("small.npy");
    let camera = tweedie_imaging::read_image(
        &root().join("datasets/samples/camera.png"),
        tweedie_imaging::ColorMode::Gray,
    )
    .unwrap();
    let [.., cols] = camera.dims;
    let values = (0..48)
        .flat_map(|i| {
            camera.values[(100 + i) * cols + 90..][..48]
                .iter()
                .map(|&value| f64::from(value))
                .collect::<Vec<_>>()
        })
        .collect();
    let array = tweedie_imaging::Array {
        shape: vec![48, 48],
        values,
    };
    tweedie_imaging::write_array(&path, &array).unwrap();
    path
}
