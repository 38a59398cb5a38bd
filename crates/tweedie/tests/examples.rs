//! The examples run.

use std::path::{Path, PathBuf};

use tweedie::imaging::{ColorMode, noise, psnr, read_image, vec_from_image};
use tweedie::{Image, Kernel, Measurement, Sigma, Task, write_image};

#[path = "../examples/certify.rs"]
#[allow(dead_code)] // Its `main`.
mod certify;
#[path = "../examples/denoise.rs"]
#[allow(dead_code)]
mod denoise;
#[path = "../examples/restore.rs"]
#[allow(dead_code)]
mod restore;
#[path = "../examples/train.rs"]
#[allow(dead_code)]
mod train;

/// Goes to the root of the repository, where `checkpoints/` is.
fn root() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    std::env::set_current_dir(&root).unwrap();
    root
}

fn read(path: &Path) -> Image {
    let loaded = read_image(path, ColorMode::Gray).unwrap();
    loaded.image(&tweedie::Device::default()).unwrap()
}

/// 64x64 pixels of a bundled photograph.
fn photograph() -> Image {
    read(&root().join("datasets/samples/camera.png")).slice([0..1, 0..1, 100..164, 90..154])
}

#[test]
fn denoising_brings_the_picture_nearer_to_the_truth() {
    let folder = tempfile::tempdir().unwrap();
    let (input, output) = (folder.path().join("noisy.npy"), folder.path().join("clean.npy"));
    let clean = photograph();
    let sigma = Sigma::from_grey_levels(25.0).unwrap();
    let noisy = clean.clone() + noise::gaussian(clean.dims(), sigma, 0, 0, &clean.device()).unwrap();
    write_image(&input, &noisy).unwrap();
    denoise::denoise(&input, &output).unwrap();
    let gain = psnr(&read(&output), &clean).unwrap()[0] - psnr(&noisy, &clean).unwrap()[0];
    assert!(gain > 5.0, "{gain}");
}

#[test]
fn restoring_brings_the_picture_nearer_to_the_truth() {
    let folder = tempfile::tempdir().unwrap();
    let (input, output) = (folder.path().join("blurred.npy"), folder.path().join("restored.npy"));
    let task = Task::deblur(Kernel::gaussian(1.6, 9).unwrap()).noise(Sigma::from_grey_levels(2.55).unwrap());
    let blurred = Measurement::simulate("camera", task, photograph()).unwrap();
    write_image(&input, &blurred.y).unwrap();
    restore::restore(&input, &output).unwrap();
    let truth = blurred.truth.unwrap();
    let gain = psnr(&read(&output), &truth).unwrap()[0] - psnr(&blurred.y, &truth).unwrap()[0];
    assert!(gain > 2.0, "{gain}");
}

#[test]
fn a_trained_checkpoint_denoises() {
    let folder = tempfile::tempdir().unwrap();
    let configuration = folder.path().join("train.toml");
    let text = std::fs::read_to_string(root().join("datasets/train.toml")).unwrap();
    let mut table: toml::Table = text.parse().unwrap();
    let mut set = |section: &str, key: &str, value: toml::Value| {
        let section = table.entry(section).or_insert_with(|| toml::Table::new().into());
        section.as_table_mut().unwrap().insert(key.to_owned(), value);
    };
    set("architecture", "width", 8.into());
    set("architecture", "depth", 3.into());
    set("training", "steps", 2.into());
    set("training", "batch", 1.into());
    set("data", "folders", toml::Value::Array(vec!["datasets/samples".into()]));
    std::fs::write(&configuration, table.to_string()).unwrap();
    let out = folder.path().join("run");
    let checkpoint = train::train(&configuration, &out).unwrap();
    let clean = checkpoint
        .denoise(&photograph(), Sigma::from_grey_levels(25.0).unwrap())
        .unwrap();
    assert!(vec_from_image(&clean).unwrap().iter().all(|value| value.is_finite()));
    assert!(out.join("card.md").is_file());
}

#[test]
fn a_certificate_names_its_theorems() {
    let image = root().join("datasets/samples/camera.png");
    let certificate = certify::certify("gaussian:1.0", &image).unwrap();
    assert_eq!(certificate.levels.len(), 1);
    assert!(!certificate.theorems.is_empty());
}
