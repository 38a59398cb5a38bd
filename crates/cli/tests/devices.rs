//! The other devices against `flex`: the same seeds give the same results up to rounding.
//!
//! Compiled with `--features wgpu` or `--features ndarray`. A software Vulkan driver will do (Debian's
//! `mesa-vulkan-drivers`); without any adapter the tests of wgpu say that they were skipped.

#![cfg(any(feature = "wgpu", feature = "ndarray"))]

mod common;

use std::path::Path;

use common::{json, small, succeed, tweedie};
use tweedie_imaging::{ColorMode, read_image};

/// Pixels may differ by so much, where white is 1: convolutions on the CPU go through Winograd transforms, those of the
/// other devices sum directly, and ten iterations carry the difference on.
const TOLERANCE: f32 = 1e-4;

/// The devices of this build that answer.
fn devices() -> Vec<&'static str> {
    let mut devices = Vec::new();
    #[cfg(feature = "ndarray")]
    devices.push("ndarray");
    #[cfg(feature = "wgpu")]
    {
        let run = tweedie("checkpoints list --device wgpu --quiet", &[]);
        if run.stderr.contains("found none") {
            eprintln!("skipped: no Vulkan adapter");
        } else {
            assert_eq!(run.status, Some(0), "{}", run.stderr);
            devices.push("wgpu");
        }
    }
    devices
}

fn largest_difference(a: &Path, b: &Path) -> f32 {
    let [a, b] = [a, b].map(|path| read_image(path, ColorMode::AsStored).unwrap().values);
    assert_eq!(a.len(), b.len());
    a.iter().zip(&b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

#[test]
fn denoise_and_restore_agree_with_flex() {
    let folder = tempfile::tempdir().unwrap();
    let picture = small(folder.path());
    let lines = [
        "denoise --checkpoint gray --sigma 25",
        "restore --simulate --checkpoint gray --task deblur --kernel gaussian:1.6 --noise 7.65 --depth float",
        "restore --simulate --checkpoint gray --task sr --scale 2 --solver pnp-admm --iterations 10 --depth float",
        "restore --simulate --checkpoint gray --task inpaint --keep 0.5 --solver red-gd --iterations 10 --depth float",
    ];
    for (index, line) in lines.into_iter().enumerate() {
        let result = |device: &str| {
            let out = folder.path().join(format!("{device}-{index}"));
            std::fs::create_dir(&out).unwrap();
            let target = if line.starts_with("denoise") {
                out.join("small.npy")
            } else {
                out.clone()
            };
            succeed(
                &format!("{line} --device {device}"),
                &[&picture, Path::new("--out"), &target],
            );
            out.join("small.npy")
        };
        let expected = result("flex");
        for device in devices() {
            let difference = largest_difference(&result(device), &expected);
            eprintln!("{device}: {line}: {difference:.1e}");
            assert!(difference < TOLERANCE, "{device}: {line}: {difference}");
        }
    }
}

#[test]
fn certificates_agree_with_flex() {
    let folder = tempfile::tempdir().unwrap();
    let picture = small(folder.path());
    let measure = |device: &str| {
        let line = format!("certify --checkpoint gray --sigma 25 --patch 8 --samples 2 --device {device} --data");
        let result = &json(&line, &[&picture])["results"][0];
        [
            "jacobian_asymmetry",
            "homogeneity_2",
            "spectral_norm_j",
            "spectral_norm_residual",
        ]
        .map(|key| result[key]["mean"].as_f64().unwrap())
    };
    let expected = measure("flex");
    for device in devices() {
        let got = measure(device);
        eprintln!("{device}: {got:?}, flex: {expected:?}");
        for (got, expected) in got.into_iter().zip(expected) {
            assert!((got - expected).abs() < 1e-3 * expected, "{device}: {got} {expected}");
        }
    }
}

#[test]
fn training_agrees_with_flex() {
    let folder = tempfile::tempdir().unwrap();
    let losses = |device: &str, optimizer: &str| -> Vec<f64> {
        let config = folder.path().join("config.toml");
        std::fs::write(&config, TRAINING.replace("adam", optimizer)).unwrap();
        let out = folder.path().join(format!("{device}-{optimizer}"));
        succeed(
            &format!("train --device {device} --config"),
            &[&config, Path::new("--out"), &out],
        );
        let table = std::fs::read_to_string(out.join("train.csv")).unwrap();
        let last = table.lines().last().unwrap();
        // Loss and PSNR; the time and the step are left out.
        let cells = last.split(',').skip(2).map(|cell| cell.parse().unwrap());
        cells.collect()
    };
    for optimizer in ["adam", "muon"] {
        let expected = losses("flex", optimizer);
        for device in devices() {
            let got = losses(device, optimizer);
            eprintln!("{device}, {optimizer}: {got:?}, flex: {expected:?}");
            assert_eq!(got.len(), expected.len());
            for (got, expected) in got.into_iter().zip(&expected) {
                assert!((got - expected).abs() < 1e-3 * expected, "{device}: {got} {expected}");
            }
        }
    }
}

/// A few steps of a small network.
const TRAINING: &str = "
seed = 1
[data]
folders = ['datasets/train']
patch = 16
[noise]
min = 0.0
max = 55.0
[training]
steps = 5
batch = 2
loss = 'l2'
ema_decay = 0.5
[optimizer]
kind = 'adam'
learning_rate = 1e-3
final_learning_rate = 1e-6
warmup_steps = 1
[validation]
every = 5
images = 1
[save]
minutes = 5.0
[architecture]
kind = 'dncnn'
channels = 1
depth = 3
width = 8
";
