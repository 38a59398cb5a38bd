//! Bad input: one line on standard error that names the file, and exit status 1; wrong usage: 2.

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::{names, root, tweedie};

const CAMERA: &str = "datasets/samples/camera.png";

/// Expects status 1 and one line with `expected` in it, and no file left behind in `out`.
fn refused(name: &str, line: &str, rest: &[&Path], expected: &[&str]) {
    let run = tweedie(line, &[rest, &[Path::new("--quiet")]].concat());
    assert_eq!(run.status, Some(1), "{name}: {}", run.stderr);
    assert!(
        run.stderr.starts_with("error: ") && run.stderr.trim_end().lines().count() == 1,
        "{name}: {}",
        run.stderr
    );
    for part in expected {
        assert!(run.stderr.contains(part), "{name}: expected '{part}' in {}", run.stderr);
    }
    assert_eq!(run.stdout, "", "{name}");
}

/// Files that are no good, in a folder.
struct Files {
    folder: tempfile::TempDir,
}

impl Files {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        fs::write(self.path(name), content).unwrap();
        self.path(name)
    }
}

/// A `.npy` array of f32.
fn npy(shape: &str, values: &[f32]) -> Vec<u8> {
    let mut header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}");
    header.push_str(&" ".repeat(64 - (10 + header.len() + 1) % 64));
    header.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
    bytes
}

#[test]
fn bad_images_are_named_and_nothing_is_written() {
    let files = Files::new();
    let png = fs::read(root().join(CAMERA)).unwrap();
    let mut nan = vec![0.5; 1024];
    nan[7] = f32::NAN;
    let cases = [
        (files.write("text.png", "not an image"), "another kind"),
        (files.write("empty.png", ""), "empty"),
        (files.write("truncated.png", &png[..png.len() / 2]), "end of file"),
        (files.write("nan.npy", npy("(32, 32)", &nan)), "1 that are NaN"),
        (files.write("short.npy", npy("(32, 32)", &[0.5; 100])), "expected"),
        (files.write("huge.npy", npy("(999999, 999999)", &[0.5])), "expected"),
        (files.path("missing.png"), "none"),
    ];
    let (out, denoised) = (files.path("out"), files.path("denoised.png"));
    for (path, reason) in &cases {
        let named = path.to_str().unwrap();
        let line = "denoise --checkpoint gray --sigma 25 --out";
        refused(named, line, &[&denoised, path], &[named, reason]);
        let line = "restore --task denoise --noise 25 --checkpoint gray --iterations 1 --out";
        refused(named, line, &[&out, path], &[named, reason]);
        refused(
            named,
            "simulate --task denoise --noise 25 --out",
            &[&out, path],
            &[named, reason],
        );
        refused(named, "evaluate --checkpoint gray --data", &[path], &[named, reason]);
    }
    assert!(!denoised.exists());
    assert_eq!(names(&out), Vec::<String>::new());
}

/// One bad entry does not stop a folder, and long names get results.
#[cfg(unix)]
#[test]
fn a_folder_goes_on_where_something_in_it_cannot_be_read() {
    let files = Files::new();
    let (folder, out) = (files.path("in"), files.path("out"));
    fs::create_dir(&folder).unwrap();
    let small = npy("(8, 8)", &[0.5; 64]);
    // With the longest ending of a result the name would have 252 + 5 bytes.
    let long = "n".repeat(240);
    for name in ["a", &long] {
        fs::write(folder.join(format!("{name}.npy")), &small).unwrap();
    }
    std::os::unix::fs::symlink("nowhere", folder.join("b.png")).unwrap();
    let run = tweedie("simulate --task inpaint --keep 0.5 --noise 0 --out", &[&out, &folder]);
    assert_eq!(run.status, Some(0), "{}", run.stderr);
    assert!(
        run.stderr.contains("note: left out: listing ") && run.stderr.contains("b.png"),
        "{}",
        run.stderr
    );
    let results = names(&out);
    assert_eq!(results.len(), 7, "three files each and the manifest: {results:?}");
    let run = tweedie(
        "restore --checkpoint median --iterations 1 --out",
        &[&files.path("restored"), &out],
    );
    assert_eq!(run.status, Some(0), "{}", run.stderr);
    let run = tweedie(
        "denoise --checkpoint median --sigma 5 --out",
        &[&files.path("denoised"), &folder],
    );
    assert_eq!(run.status, Some(0), "{}", run.stderr);
    assert_eq!(names(&files.path("denoised")).len(), 3, "two images and the record");
    // A path that is too long is no missing file.
    let too_long = folder.join(vec!["n".repeat(200); 25].join("/")).join("a.png");
    refused(
        "path",
        "denoise --checkpoint median --sigma 5 --out",
        &[&out, &too_long],
        &["too long"],
    );
}

/// What stops a measure of an image names its file.
#[test]
fn patches_that_fail_name_the_file() {
    let files = Files::new();
    let small = files.write("small.npy", npy("(8, 8)", &[0.5; 64]));
    refused(
        "patch",
        "certify --checkpoint median --sigma 25 --data",
        &[&small],
        &["small.npy", "8x8"],
    );
    let batch = files.write("batch.npy", npy("(2, 1, 32, 32)", &[0.5; 2048]));
    refused(
        "batch",
        "certify --checkpoint median --sigma 25 --data",
        &[&batch],
        &["batch.npy"],
    );
}

#[test]
fn kernels_masks_and_sizes_are_named() {
    let files = Files::new();
    let (out, camera) = (files.path("out"), PathBuf::from(CAMERA));
    let missing = files.path("none.npy");
    let zero = files.write("zero.npy", npy("(3, 3)", &[0.0; 9]));
    let small = files.write("mask.npy", npy("(4, 4)", &[1.0; 16]));
    let restore = "restore --checkpoint gray --noise 5";
    let run = |name: &str, options: &str, file: &Path, expected: &[&str]| {
        refused(
            name,
            &format!("{restore} {options}"),
            &[file, Path::new("--out"), &out, &camera],
            expected,
        );
    };
    run("missing kernel", "--task deblur --kernel", &missing, &["none.npy"]);
    run(
        "zero kernel",
        "--task deblur --kernel",
        &zero,
        &["zero.npy", "positive sum"],
    );
    run(
        "levin",
        "--task deblur --kernel levin:1 --kernels",
        files.folder.path(),
        &["levin09_1.npy"],
    );
    run("missing mask", "--task inpaint --mask", &missing, &["none.npy"]);
    run("small mask", "--task inpaint --mask", &small, &["mask.npy", "4x4"]);
    let batch = files.write("batch.npy", npy("(2, 1, 8, 8)", &[0.5; 128]));
    refused(
        "batch",
        "restore --task denoise --noise 5 --checkpoint gray --out",
        &[&out, &batch],
        &["batch.npy", "2"],
    );
}

#[test]
fn broken_checkpoints_are_named() {
    let files = Files::new();
    let out = files.path("out.png");
    let denoise = |name: &str, checkpoint: &Path, expected: &[&str]| {
        refused(
            name,
            "denoise --sigma 25",
            &[
                Path::new(CAMERA),
                Path::new("--checkpoint"),
                checkpoint,
                Path::new("--out"),
                &out,
            ],
            expected,
        );
    };
    let copy = |name: &str, change: &dyn Fn(&str, Vec<u8>) -> Vec<u8>| {
        let folder = files.path(name);
        fs::create_dir(&folder).unwrap();
        for file in ["config.toml", "model.safetensors"] {
            let content = fs::read(root().join("checkpoints/gray").join(file)).unwrap();
            fs::write(folder.join(file), change(file, content)).unwrap();
        }
        folder
    };
    let is_weights = |file: &str| file == "model.safetensors";
    let flipped = copy("flipped", &|file, mut content| {
        let middle = content.len() / 2;
        content[middle] ^= u8::from(is_weights(file));
        content
    });
    denoise("flipped bit", &flipped, &["flipped/model.safetensors", "sha256"]);
    let truncated = copy("truncated", &|file, content| {
        let length = if is_weights(file) {
            content.len() / 2
        } else {
            content.len()
        };
        content[..length].to_vec()
    });
    denoise("truncated weights", &truncated, &["truncated/model.safetensors"]);
    let garbled = copy("garbled", &|file, content| {
        if is_weights(file) { content } else { b"x = [".to_vec() }
    });
    denoise("garbled configuration", &garbled, &["garbled/config.toml"]);
    denoise(
        "no such name",
        Path::new("no-such-checkpoint"),
        &["no-such-checkpoint", "TWEEDIE_CHECKPOINTS"],
    );
    denoise("a folder without one", files.folder.path(), &["config.toml"]);
    assert!(!out.exists());
}

#[test]
fn outputs_that_cannot_be_written_are_named() {
    let files = Files::new();
    let (file, camera) = (files.write("file", "in the way"), PathBuf::from(CAMERA));
    let inside = file.join("out");
    refused(
        "a file in the way",
        "restore --task denoise --noise 9 --checkpoint gray --out",
        &[&inside, &camera],
        &["file/out"],
    );
    let own = files.path("own.png");
    fs::copy(root().join(CAMERA), &own).unwrap();
    let before = fs::read(&own).unwrap();
    refused(
        "the input itself",
        "denoise --sigma 9 --checkpoint gray --out",
        &[&own, &own],
        &["own.png", "input"],
    );
    assert_eq!(fs::read(&own).unwrap(), before);
    let bitmap = files.path("out.bmp");
    refused(
        "unknown format",
        "denoise --sigma 9 --checkpoint gray --out",
        &[&bitmap, &camera],
        &["out.bmp", ".png"],
    );
    refused(
        "level",
        "denoise --sigma 200 --checkpoint gray --out",
        &[&files.path("o.png"), &camera],
        &["gray", "200"],
    );
    let two = [camera.as_path(), Path::new("datasets/../datasets/samples/camera.png")];
    refused(
        "equal names",
        "denoise --sigma 9 --checkpoint gray --out",
        &[&files.path("o"), two[0], two[1]],
        &["camera"],
    );
}

#[test]
fn wrong_usage_exits_with_2() {
    let restore = "restore datasets/samples/camera.png --out o --checkpoint gray";
    for line in [
        "denoise".to_owned(),
        "no-such-command".to_owned(),
        restore.to_owned(),
        format!("{restore} --task deblur"),
        format!("{restore} --task inpaint --keep 1.5"),
        format!("{restore} --task denoise"),
        format!("{restore} --task sr --scale 2 --keep 0.3"),
        format!("{restore} --task sr --scale 2 --seed 3"),
        format!("{restore} --task sr --scale 2 --noise=-1"),
        format!("{restore} --task sr --scale 2 --solver magic"),
        format!("{restore} --task sr --scale 2 --strength x"),
        format!("{restore} --task sr --scale 2 --strength 2 -C solver.strength=3"),
        format!("{restore} --task sr --scale 2 -C magic.key=3"),
        format!("{restore} --task sr --scale 2 --device no-such-device"),
        format!("{restore} --task sr --scale 2 --threads 0"),
        format!("{restore} --task sr --scale 2 --quiet --verbose"),
        "denoise datasets/samples/camera.png --checkpoint gray --sigma=-1 --out o.png".to_owned(),
        "evaluate --checkpoint gray --data datasets/samples -C solver.x=1".to_owned(),
    ] {
        let run = tweedie(&line, &[]);
        assert_eq!(run.status, Some(2), "{line}: {}", run.stderr);
        assert!(run.stderr.starts_with("error: "), "{line}: {}", run.stderr);
    }
}

#[test]
fn unknown_solver_parameters_are_refused() {
    let out = tempfile::tempdir().unwrap();
    let line = "restore datasets/samples/camera.png --task sr --scale 2 --checkpoint gray -C solver.magic=1 --out";
    refused("parameter", line, &[out.path()], &["magic", "strength"]);
}

/// Values that no picture has: a network may make infinities of them, which are no result.
#[test]
fn values_beyond_all_pictures() {
    let files = Files::new();
    for (name, value) in [("huge.npy", 3e38), ("grey-levels.npy", 200.0)] {
        let values: Vec<f32> = (0..1024).map(|i| if i % 3 == 0 { -value } else { value }).collect();
        fs::write(files.path(name), npy("(32, 32)", &values)).unwrap();
    }
    let run = tweedie(
        "denoise --checkpoint gray --sigma auto --out",
        &[&files.path("out.npy"), &files.path("huge.npy")],
    );
    assert_eq!(run.status, Some(1), "{}", run.stderr);
    assert!(run.stderr.contains("huge.npy"), "{}", run.stderr);
    assert!(!files.path("out.npy").exists());
    for command in [
        "denoise --checkpoint median --sigma 5 --out",
        "restore --task sr --scale 2 --iterations 1 --out",
    ] {
        let run = tweedie(command, &[&files.path("out"), &files.path("grey-levels.npy")]);
        assert_eq!(run.status, Some(0), "{}", run.stderr);
        assert!(
            run.stderr.contains("warning: grey-levels.npy: values from -200 to 200"),
            "{}",
            run.stderr
        );
    }
}
