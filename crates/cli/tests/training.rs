//! train: resuming, signals, what is refused.

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use common::{names, same_bytes, succeed, tweedie};

/// A network so small that a step takes milliseconds.
const CONFIG: &str = r#"
seed = 3
[data]
folders = ["datasets/samples"]
patch = 16
[noise]
min = 0.0
max = 50.0
[training]
steps = 12
batch = 2
[validation]
every = 6
images = 1
sigma = [25.0]
[architecture]
kind = "dncnn"
channels = 1
depth = 2
width = 8
"#;

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("tiny.toml"), CONFIG).unwrap();
        Self(folder)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn train(&self, out: &str, options: &str) -> common::Run {
        let line = format!("train {options} --config");
        tweedie(&line, &[&self.path("tiny.toml"), Path::new("--out"), &self.path(out)])
    }
}

#[test]
fn the_folder_is_a_checkpoint_and_the_seed_decides_it() {
    let folder = Folder::new();
    assert_eq!(folder.train("whole", "").status, Some(0));
    let whole = folder.path("whole");
    for name in [
        "model.safetensors",
        "config.toml",
        "card.md",
        "train.csv",
        "loss.svg",
        "psnr.svg",
    ] {
        assert!(whole.join(name).is_file(), "{name} in {:?}", names(&whole));
    }
    let card = fs::read_to_string(whole.join("card.md")).unwrap();
    assert!(card.contains("12 of 12") && card.contains("| 25 |"), "{card}");
    succeed(
        "evaluate --sigma 25 --data datasets/samples/camera.png --checkpoint",
        &[&whole],
    );
    let again = folder.train("whole", "");
    assert_eq!(again.status, Some(1), "a run is not written over");
    assert!(again.stderr.contains("--resume"), "{}", again.stderr);
    assert_eq!(folder.train("again", "").status, Some(0));
    assert!(same_bytes(
        &whole.join("model.safetensors"),
        &folder.path("again/model.safetensors")
    ));
}

/// A run of a second or so that saves often, as a process.
fn long_run(folder: &Folder, out: &Path, resume: bool) -> Command {
    let config = folder.path("tiny.toml");
    let mut arguments = vec![
        "train",
        "--config",
        config.to_str().unwrap(),
        "--out",
        out.to_str().unwrap(),
    ];
    arguments.extend([
        "-C",
        "training.steps=3000",
        "-C",
        "save.steps=100",
        "-C",
        "validation.every=100000",
    ]);
    arguments.extend(resume.then_some("--resume"));
    let mut command = common::command(&arguments);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// Waits for the first save.
fn wait_for(path: &Path) {
    let started = Instant::now();
    while !path.exists() && started.elapsed() < Duration::from_secs(60) {
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[cfg(unix)]
#[test]
fn a_signal_saves_and_resume_goes_on() {
    let folder = Folder::new();
    let (whole, stopped) = (folder.path("whole"), folder.path("stopped"));
    assert!(long_run(&folder, &whole, false).status().unwrap().success());
    let mut child = long_run(&folder, &stopped, false).spawn().unwrap();
    wait_for(&stopped.join("model.safetensors"));
    assert!(
        Command::new("kill")
            .args(["-INT", &child.id().to_string()])
            .status()
            .unwrap()
            .success()
    );
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(long_run(&folder, &stopped, true).status().unwrap().success());
    assert!(same_bytes(
        &whole.join("model.safetensors"),
        &stopped.join("model.safetensors")
    ));
}

#[test]
fn a_killed_run_leaves_a_checkpoint_that_loads_and_goes_on() {
    let folder = Folder::new();
    let (whole, killed) = (folder.path("whole"), folder.path("killed"));
    assert!(long_run(&folder, &whole, false).status().unwrap().success());
    // Killed in the middle of saves and between them: the moments differ from run to run, what must hold does not.
    for moment in [0, 3, 7, 20, 45, 80] {
        let mut child = long_run(&folder, &killed, true).spawn().unwrap();
        wait_for(&killed.join("model.safetensors"));
        std::thread::sleep(Duration::from_millis(moment));
        // It may be done by then.
        let _ = child.kill();
        child.wait().unwrap();
        succeed("checkpoints show --quiet", &[&killed]);
    }
    assert!(long_run(&folder, &killed, true).status().unwrap().success());
    assert!(same_bytes(
        &whole.join("model.safetensors"),
        &killed.join("model.safetensors")
    ));
}

#[test]
fn wrong_configurations_are_named() {
    let folder = Folder::new();
    let cases = [
        ("-C training.stepz=3", "stepz"),
        ("-C training.batch=0", "training.batch"),
        ("-C architecture.kind=magic", "magic"),
        ("--data no/such/folder", "no/such/folder"),
        ("-C data.patch=512", "512x512"),
    ];
    for (options, expected) in cases {
        let run = folder.train("out", options);
        assert_eq!(run.status, Some(1), "{options}: {}", run.stderr);
        assert!(run.stderr.contains(expected), "{options}: {}", run.stderr);
        assert_eq!(
            run.stderr
                .trim_end()
                .lines()
                .filter(|line| line.starts_with("error: "))
                .count(),
            1
        );
    }
    let over = tweedie("train --out checkpoints/gray --config", &[&folder.path("tiny.toml")]);
    assert_eq!(over.status, Some(1));
    assert!(over.stderr.contains("checkpoints/gray"), "{}", over.stderr);
}

#[test]
fn small_images_are_left_out_with_a_note() {
    let folder = Folder::new();
    let photographs = folder.path("photographs");
    fs::create_dir(&photographs).unwrap();
    for name in ["camera.png", "brick.png", "coffee.png"] {
        fs::copy(
            common::root().join("datasets/samples").join(name),
            photographs.join(name),
        )
        .unwrap();
    }
    let small = photographs.join("a-small.npy");
    let array = tweedie_imaging::Array {
        shape: vec![8, 8],
        values: vec![0.5; 64],
    };
    tweedie_imaging::write_array(&small, &array).unwrap();
    let run = folder.train("out", &format!("--steps 2 --data {}", photographs.display()));
    assert_eq!(run.status, Some(0), "{}", run.stderr);
    assert!(run.stderr.contains("a-small.npy"), "{}", run.stderr);
    assert!(
        run.stdout.contains("2 images for training, 1 for validation"),
        "{}",
        run.stdout
    );
}

#[test]
fn scales_are_trained_on_and_recorded_but_not_validated_on() {
    let folder = Folder::new();
    let run = folder.train("out", "--steps 2 -C data.scales=[0.5,0.25]");
    assert_eq!(run.status, Some(0), "{}", run.stderr);
    assert!(
        run.stdout.contains("21 images for training, 1 for validation"),
        "{}",
        run.stdout
    );
    let card = fs::read_to_string(folder.path("out/card.md")).unwrap();
    assert!(card.contains("counted at each scale (1, 0.5, 0.25)"), "{card}");
}

#[test]
fn a_second_run_in_the_folder_is_refused_while_the_first_one_goes_on() {
    let folder = Folder::new();
    let out = folder.path("shared");
    let mut first = long_run(&folder, &out, false).spawn().unwrap();
    wait_for(&out.join("model.safetensors"));
    let second = folder.train("shared", "--resume");
    let was_running = first.try_wait().unwrap().is_none();
    first.kill().unwrap();
    first.wait().unwrap();
    assert!(was_running, "the first run is long enough for this test");
    assert_eq!(second.status, Some(1));
    assert!(second.stderr.contains("in which another does"), "{}", second.stderr);
    // The lock ends with its process.
    assert!(long_run(&folder, &out, true).status().unwrap().success());
}
