//! Every parser as a function of bytes: nothing may panic, take long, or return what it promises not to.
//!
//! `src/bin/mutate.rs` runs them on random damage to the files of `corpus/`, on any toolchain; `fuzz_targets/` runs them under
//! libFuzzer, which looks for new paths through the code. `scripts/fuzz` starts both.

use std::path::Path;

use tweedie::burn::tensor::Device;
use tweedie::datasets::Manifest;
use tweedie::imaging::{ColorMode, decode_arrays, decode_image};
use tweedie::model::train::TrainConfig;
use tweedie::model::{CheckpointConfig, NoiseRange, Peer};
use tweedie::{measurement_folder, study};

/// A parser under test.
pub type Target = fn(&[u8]);

/// The targets by name; each has a folder of this name in `corpus/`.
pub const TARGETS: [(&str, Target); 13] = [
    ("png", picture),
    ("jpeg", picture),
    ("tiff", picture),
    ("npy", arrays),
    ("npz", arrays),
    ("pickle", weights),
    ("hdf5", weights),
    ("messagepack", weights),
    ("safetensors", weights),
    ("training", training),
    ("checkpoint", checkpoint),
    ("datasets", datasets),
    ("manifests", manifests),
];

/// The target of that name.
pub fn target(name: &str) -> Option<Target> {
    TARGETS.iter().find(|(known, _)| *known == name).map(|(_, target)| *target)
}

fn name() -> &'static Path {
    Path::new("fuzzed")
}

/// Errors name the file and stay on one line of moderate length, whatever the file holds.
fn check(error: &str) {
    assert!(error.contains("fuzzed"), "no file name: {error}");
    assert!(error.len() < 2000, "{} bytes", error.len());
    assert!(!error.chars().any(|c| c.is_control() && c != '\n'), "control characters: {error:?}");
}

fn picture(data: &[u8]) {
    match decode_image(name(), data.to_vec(), ColorMode::AsStored) {
        Err(error) => check(&error.to_string()),
        Ok((image, alpha)) => {
            assert_eq!(image.dims.iter().product::<usize>(), image.values.len());
            assert!(image.values.iter().all(|value| value.is_finite()));
            let [_, _, h, w] = image.dims;
            assert!(alpha.is_none_or(|alpha| alpha.len() == h * w));
        }
    }
}

fn arrays(data: &[u8]) {
    match decode_arrays(name(), data.to_vec()) {
        Err(error) => check(&error.to_string()),
        Ok(arrays) => {
            for (_, array) in arrays {
                assert_eq!(array.shape.iter().product::<usize>(), array.values.len());
                assert!(array.values.iter().all(|value| value.is_finite()));
            }
        }
    }
    picture(data);
}

fn weights(data: &[u8]) {
    let peer = match Peer::from_bytes(name(), data, None) {
        Err(error) => return check(&error.to_string()),
        Ok(peer) => peer,
    };
    if let Err(error) = peer.into_checkpoint(NoiseRange { min: 0.0, max: 50.0 }, &Device::flex()) {
        check(&error.to_string());
    }
}

fn training(data: &[u8]) {
    if let Some(config) = text(data).and_then(|text| toml::from_str::<TrainConfig>(text).ok())
        && config.check().is_ok()
    {
        for step in [0, 1, config.training.steps / 2, config.training.steps] {
            assert!(config.learning_rate(step).is_finite());
        }
    }
}

fn checkpoint(data: &[u8]) {
    if let Some(config) = text(data).and_then(|text| toml::from_str::<CheckpointConfig>(text).ok()) {
        // A level or a size that makes no sense is an error, not a panic.
        let _ = config.noise.support();
    }
}

fn datasets(data: &[u8]) {
    let Some(text) = text(data) else { return };
    match Manifest::parse(text, name()) {
        Err(error) => check(&error.to_string()),
        Ok(manifest) => {
            for set in &manifest.sets {
                let _ = set.bytes();
                assert!(!set.name.contains('/') && set.name != "..");
                for file in &set.files {
                    assert!(file.path.is_relative() && !file.path.starts_with(".."));
                }
            }
        }
    }
}

/// Manifests of measurements and of studies.
fn manifests(data: &[u8]) {
    let Some(text) = text(data) else { return };
    let _ = toml::from_str::<measurement_folder::MeasurementSet>(text);
    let _ = toml::from_str::<study::convergence::ConvergenceStudy>(text);
    let _ = toml::from_str::<study::approximation::ApproximationStudy>(text);
}

fn text(data: &[u8]) -> Option<&str> {
    std::str::from_utf8(data).ok()
}
