//! denoise, evaluate, checkpoints, datasets, bench.

mod common;

use std::fs;
use std::path::Path;

use burn::tensor::Device;
use common::{json, keys, names, root, succeed, tweedie};
use tweedie_imaging::{ColorMode, Depth, Encoding, Metadata, read_image, write_image_as};

fn depth(path: &Path) -> Depth {
    read_image(path, ColorMode::AsStored).unwrap().depth
}

#[test]
fn files_folders_and_depths() {
    let folder = tempfile::tempdir().unwrap();
    let denoise = "denoise --checkpoint gray --sigma 15 --out";
    let camera = Path::new("datasets/samples/camera.png");
    for (name, options, expected) in [
        ("a.png", "", Depth::Eight),
        ("b.tif", "--depth 16", Depth::Sixteen),
        ("c.npy", "", Depth::Float),
        ("new/d.png", "--depth 16", Depth::Sixteen),
    ] {
        let out = folder.path().join(name);
        let line = format!("denoise {options} --checkpoint gray --sigma 15 --out");
        succeed(&line, &[&out, camera]);
        assert_eq!(depth(&out), expected, "{name}");
    }
    let out = folder.path().join("many");
    let run = succeed(denoise, &[&out, camera, Path::new("datasets/samples/coffee.png")]);
    assert!(
        run.stderr.contains("one by one"),
        "a note on gray and colour: {}",
        run.stderr
    );
    assert_eq!(names(&out), ["camera.png", "coffee.png", "results.jsonl"]);
    let coffee = read_image(&out.join("coffee.png"), ColorMode::AsStored).unwrap();
    assert_eq!(coffee.dims, [1, 3, 256, 256]);
    // Twice the same: results may be replaced.
    succeed(denoise, &[&out, camera]);
}

#[test]
fn tiles_do_not_change_the_image() {
    let folder = tempfile::tempdir().unwrap();
    let [whole, tiled] = ["whole.npy", "tiled.npy"].map(|name| folder.path().join(name));
    let line = "denoise datasets/samples/camera.png --checkpoint gray --sigma 15";
    succeed(&format!("{line} --out"), &[&whole]);
    succeed(&format!("{line} -C denoiser.tile_pixels=16384 --out"), &[&tiled]);
    let read = |path| read_image(path, ColorMode::AsStored).unwrap().values;
    let (whole, tiled) = (read(&whole), read(&tiled));
    let largest = whole.iter().zip(&tiled).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    // Tiles move the blocks of the fast convolution, which rounds differently: a few f32 ulps of the activations.
    assert!(largest < 1e-4, "{largest}");
}

/// A network that takes the noise level would be told a wrong one.
#[test]
fn stretching_is_for_blind_networks() {
    let line = "denoise datasets/samples/camera.png --checkpoint gray --sigma 15 --out never.png -C denoiser.stretch=";
    let run = tweedie(&format!("{line}true"), &[]);
    assert_eq!(run.status, Some(1));
    assert!(
        run.stderr.contains("denoiser.stretch") && run.stderr.contains("gray"),
        "{}",
        run.stderr
    );
    assert_eq!(tweedie(&format!("{line}1"), &[]).status, Some(2));
}

#[test]
fn evaluation_has_its_keys_and_depends_on_the_seed_alone() {
    let line = "evaluate --checkpoint gray --sigma 15,25 --data datasets/samples/camera.png";
    let document = json(line, &[]);
    let level = &document["results"][1];
    assert_eq!(level["sigma"].as_f64(), Some(25.0));
    for key in ["psnr_db", "ssim"] {
        assert!(level[key].as_f64().is_some_and(f64::is_finite), "{key}");
    }
    let image = &level["images"][0];
    for key in ["name", "psnr_db", "ssim", "seconds"] {
        assert!(keys(image).contains(&key), "{key}");
    }
    assert_eq!(image["name"], "camera.png");
    // 20 log10(255 / 25) = 20.17 dB, a little more since clipping removes some of the noise.
    let noisy = image["psnr_input_db"].as_f64().unwrap();
    assert!((20.1..21.0).contains(&noisy), "{noisy}");
    let psnr = |line: &str| json(line, &[])["results"][0]["images"][0]["psnr_db"].as_f64().unwrap();
    let first = psnr(line);
    assert_eq!(first, psnr(line));
    assert_ne!(first, psnr(&format!("{line} --seed 1")));
    // The noise of an image does not depend on its neighbours.
    let both = json(&format!("{line} datasets/samples/brick.png"), &[]);
    assert_eq!(Some(first), both["results"][0]["images"][0]["psnr_db"].as_f64());
}

#[test]
fn gray_and_colour_as_asked() {
    let line = "evaluate --checkpoint gray --sigma 25 --data datasets/samples/coffee.png";
    let colour = tweedie(line, &[]);
    assert!(colour.stderr.contains("one by one"));
    let gray = tweedie(&format!("{line} --color gray"), &[]);
    assert_eq!((gray.status, gray.stderr.as_str()), (Some(0), ""));
    assert_ne!(gray.stdout, colour.stdout);
}

#[test]
fn checkpoints_are_listed_and_shown() {
    let listed = json("checkpoints list", &[]);
    let gray = listed["results"]
        .as_array()
        .unwrap()
        .iter()
        .find(|found| found["name"] == "gray")
        .expect("the shipped checkpoint");
    assert_eq!(gray["channels"], 1);
    let shown = succeed("checkpoints show gray", &[]).stdout;
    assert!(
        shown.contains(gray["sha256"].as_str().unwrap()) && shown.contains("[architecture]"),
        "{shown}"
    );
    let elsewhere = tempfile::tempdir().unwrap();
    let output = common::command(&["checkpoints", "show", "gray"])
        .current_dir(elsewhere.path())
        .env(
            "TWEEDIE_CHECKPOINTS",
            common::root().join("checkpoints").canonicalize().unwrap(),
        )
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn data_sets_are_listed_and_verified() {
    let listed = json("datasets list", &[]);
    let names: Vec<_> = listed["results"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|set| set["name"].as_str())
        .collect();
    assert!(names.contains(&"samples") && names.contains(&"set12"), "{names:?}");
    let verified = json("datasets verify samples", &[]);
    assert_eq!(verified["results"][0]["verified"], verified["results"][0]["files"]);
    let other = tempfile::tempdir().unwrap();
    fs::write(other.path().join("01.png"), "not this one").unwrap();
    let run = tweedie("datasets verify set12 --data", &[other.path()]);
    assert_eq!(run.status, Some(1));
    assert!(
        run.stderr.contains("01.png: expected sha256") && run.stderr.contains("02.png: expected the file"),
        "{}",
        run.stderr
    );
    assert_eq!(tweedie("datasets verify set12", &[]).status, Some(1));
    assert_eq!(tweedie("datasets verify no-such-set", &[]).status, Some(1));
}

#[test]
fn a_reader_who_closes_the_pipe_is_no_error() {
    let mut child = common::command(&["datasets", "list"])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    assert!(child.wait().unwrap().success());
}

#[test]
fn bench_times_each_run() {
    let document = json("bench --case dncnn-forward-256 --repeats 2", &[]);
    let result = &document["results"][0];
    assert_eq!(result["case"], "dncnn-forward-256");
    assert!(
        result["seconds"]
            .as_array()
            .unwrap()
            .iter()
            .all(|seconds| seconds.as_f64() > Some(0.0))
    );
    assert_eq!(result["seconds"].as_array().map(Vec::len), Some(2));
}

/// A photograph as a camera writes it: EXIF and profile go into the result, which may be a JPEG file of any quality.
#[test]
fn results_keep_what_the_file_says_besides_the_picture() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let camera = read_image(&root().join("datasets/samples/camera.png"), ColorMode::AsStored).unwrap();
    let metadata = Metadata {
        exif: Some(b"MM\0\x2a\0\0\0\x08\0\x01\x01\x0f\0\x02\0\0\0\x04abc\0\0\0\0\0".to_vec()),
        icc: None,
    };
    let encoding = Encoding {
        metadata: Some(&metadata),
        ..Encoding::new(Depth::Eight)
    };
    let photograph = path("photograph.jpg");
    write_image_as(&photograph, &camera.image(&Device::flex()).unwrap(), &encoding).unwrap();
    let (fine, coarse, png) = (path("fine.jpg"), path("coarse.jpg"), path("a.png"));
    for (out, options) in [(&fine, ""), (&coarse, "--quality 30"), (&png, "")] {
        let line = format!("denoise --checkpoint median --sigma 5 {options} --out");
        succeed(&line, &[out, &photograph]);
        let loaded = read_image(out, ColorMode::AsStored).unwrap();
        assert_eq!(loaded.metadata, metadata, "{out:?}");
    }
    let length = |path: &Path| fs::metadata(path).unwrap().len();
    assert!(2 * length(&coarse) < length(&fine));
    let run = tweedie(
        "denoise --checkpoint median --sigma 5 --quality 101 --out",
        &[&fine, &photograph],
    );
    assert_eq!(run.status, Some(2), "{}", run.stderr);
}
