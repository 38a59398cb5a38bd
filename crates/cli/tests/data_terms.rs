//! Data terms beside least squares: each on the noise that it is for, against least squares.

mod common;

use std::path::{Path, PathBuf};

use common::{json, root};
use tweedie::burn::tensor::Device;
use tweedie::imaging::{ColorMode, Depth, image_from_vec, noise, read_image, write_image};

const SIDE: usize = 128;

/// The middle of the camera man, brightness to the power `power`, as a file.
fn picture(folder: &Path, power: i32) -> PathBuf {
    let loaded = read_image(&root().join("datasets/samples/camera.png"), ColorMode::Gray).unwrap();
    let [.., cols] = loaded.dims;
    let values = (0..SIDE * SIDE).map(|n| loaded.values[(30 + n / SIDE) * cols + 60 + n % SIDE].powi(power));
    let path = folder.join("x.npy");
    write(&path, values.collect());
    path
}

fn write(path: &Path, values: Vec<f32>) {
    let image = image_from_vec(values, [1, 1, SIDE, SIDE], &Device::flex()).unwrap();
    write_image(path, &image, Depth::Float).unwrap();
}

/// PSNR of a restoration of `y` with these options against `x`.
fn score(y: &Path, x: &Path, options: &str) -> f64 {
    let folder = tempfile::tempdir().unwrap();
    let line = format!(
        "restore {} {options} --checkpoint gray-small --depth float --out",
        y.display()
    );
    let document = json(&line, &[folder.path()]);
    let stem = y.file_stem().unwrap().to_str().unwrap();
    let read = |path: &Path| read_image(path, ColorMode::Gray).unwrap().values;
    let (a, b) = (read(&folder.path().join(format!("{stem}.npy"))), read(x));
    let error: f64 = a
        .iter()
        .zip(&b)
        .map(|(a, b)| f64::from(a.clamp(0.0, 1.0) - b).powi(2))
        .sum();
    let found = -10.0 * (error / a.len() as f64).log10();
    println!("{options}: {found:.2} dB, {}", document["results"][0]["warnings"]);
    found
}

const BLUR: &str = "--task deblur --kernel gaussian:1.6 --boundary circular";

/// Few photons and a dark picture, so that the noise differs between places: half a dB more than least squares that is told the one
/// level with the noise's energy. Least squares weighted by the same law is as good.
#[test]
fn photons() {
    let folder = tempfile::tempdir().unwrap();
    let x = picture(folder.path(), 3);
    let measured = folder.path().join("y");
    let law = "--noise poisson-gaussian:10,1";
    let line = format!("simulate {} {BLUR} {law} --seed 1 --out", x.display());
    json(&line, &[&measured]);
    let y = measured.join("x.npy");
    let poisson = score(&y, &x, &format!("{BLUR} {law} --fidelity poisson"));
    let weighted = score(&y, &x, &format!("{BLUR} {law}"));
    let values = read_image(&x, ColorMode::Gray).unwrap().values;
    let mean = values.iter().map(|&value| 255.0 * f64::from(value)).sum::<f64>() / values.len() as f64;
    let level = (10.0 * mean + 1.0).sqrt();
    let plain = score(&y, &x, &format!("{BLUR} --noise {level:.2}"));
    assert!(poisson > plain + 0.5, "{poisson} {plain}");
    assert!((poisson - weighted).abs() < 0.3, "{poisson} {weighted}");
}

/// A tenth of the pixels is black or white: 3 dB more than least squares at the best of five levels, and no warning.
#[test]
fn impulses() {
    let folder = tempfile::tempdir().unwrap();
    let x = picture(folder.path(), 1);
    let measured = folder.path().join("y");
    let line = format!("simulate {} {BLUR} --noise 2 --seed 1 --out", x.display());
    json(&line, &[&measured]);
    let mut values = read_image(&measured.join("x.npy"), ColorMode::Gray).unwrap().values;
    let drawn = noise::gaussian_values(SIDE * SIDE, 1.0, 7, 0);
    for (value, drawn) in values.iter_mut().zip(drawn) {
        // 1.645: a tenth of N(0, 1) lies beyond.
        if drawn.abs() > 1.645 {
            *value = f32::from(drawn > 0.0);
        }
    }
    let y = folder.path().join("impulses.npy");
    write(&y, values);
    let l1 = score(&y, &x, &format!("{BLUR} --noise 2 --fidelity l1"));
    let best = [20, 30, 45, 60, 80].map(|level| score(&y, &x, &format!("{BLUR} --noise {level}")));
    let best = best.into_iter().fold(0.0, f64::max);
    assert!(l1 > best + 3.0, "{l1} {best}");
}

/// Compressed sensing with noise of a known level: without any weight as good as least squares with the solver's own, within 0.3 dB.
#[test]
fn known_level() {
    let folder = tempfile::tempdir().unwrap();
    let x = picture(folder.path(), 1);
    let line = |fidelity: &str| {
        format!(
            "restore {} --simulate --task compressed --ratio 0.4 --noise 10 --solver pnp-admm --fidelity {fidelity} --checkpoint gray-small --out",
            x.display()
        )
    };
    let of = |fidelity: &str| {
        let found = json(&line(fidelity), &[&folder.path().join(fidelity)])["results"][0]["psnr_db"].as_f64();
        println!("{fidelity}: {:.2} dB", found.unwrap());
        found.unwrap()
    };
    assert!((of("ball") - of("l2")).abs() < 0.3);
}
