//! Magnetic resonance imaging with several coils.

mod common;

use std::fs;
use std::path::Path;

use common::{json, succeed, tweedie};
use tweedie::imaging::{Array, Depth, image_from_vec, write_array, write_image};
use tweedie::operators::{cartesian_mask, synthetic_sensitivities};

const SIDE: usize = 256;

/// Writes a sampling mask and the sensitivities of `coils` coils, as real parts and as NumPy's complex64.
fn files(folder: &Path, coils: usize) {
    let mask = cartesian_mask([SIDE, SIDE], 0.3, 0.08, 1).unwrap();
    let mask = image_from_vec(mask, [1, 1, SIDE, SIDE], &tweedie::burn::tensor::Device::flex()).unwrap();
    write_image(&folder.join("mask.png"), &mask, Depth::Eight).unwrap();
    let maps = synthetic_sensitivities(coils, [SIDE, SIDE]).unwrap();
    let parts = maps.chunks_exact(SIDE * SIDE).flat_map(|map| {
        let re = map.iter().map(|s| f64::from(s.re));
        re.chain(map.iter().map(|s| f64::from(s.im))).collect::<Vec<_>>()
    });
    let array = Array {
        shape: vec![2 * coils, SIDE, SIDE],
        values: parts.collect(),
    };
    write_array(&folder.join("real.npy"), &array).unwrap();
    let shape = format!("({coils}, {SIDE}, {SIDE})");
    let mut text = format!("{{'descr': '<c8', 'fortran_order': False, 'shape': {shape}, }}");
    while (10 + text.len() + 1) % 64 != 0 {
        text.push(' ');
    }
    text.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend(u16::try_from(text.len()).unwrap().to_le_bytes());
    bytes.extend(text.bytes());
    for s in maps {
        bytes.extend(s.re.to_le_bytes());
        bytes.extend(s.im.to_le_bytes());
    }
    fs::write(folder.join("complex.npy"), bytes).unwrap();
}

/// Four coils with the same sampling give a better picture than one, a folder of measurements brings them, and both kinds of files say
/// the same.
#[test]
fn coils_add_to_what_is_known() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    files(at, 4);
    let task = format!("--task csmri --mask {}/mask.png --noise 5", at.display());
    let measured = at.join("y");
    let line = format!(
        "simulate datasets/samples/camera.png {task} --coils {}/complex.npy --out",
        at.display()
    );
    let simulated = json(&line, &[&measured]);
    assert_eq!(
        simulated["results"][0]["measurement_size"],
        serde_json::json!([8, SIDE, SIDE])
    );
    let restored = at.join("r");
    succeed(
        "restore --checkpoint gray-small --iterations 3 --out",
        &[&restored, &measured],
    );
    let score = |options: &str, out: &str| {
        let line = format!(
            "restore datasets/samples/camera.png --simulate {task} {options} --checkpoint gray-small --iterations 3 --out"
        );
        json(&line, &[&at.join(out)])["results"][0]["psnr_db"].as_f64().unwrap()
    };
    let one = score("", "one");
    let real = score(&format!("--coils {}/real.npy", at.display()), "real");
    let complex = score(&format!("--coils {}/complex.npy", at.display()), "complex");
    println!("one coil {one:.2} dB, four {real:.2} dB");
    assert!(real > one + 1.0, "{one} {real}");
    assert!((real - complex).abs() < 1e-6, "{real} {complex}");
    assert!(
        common::same_bytes(&restored.join("camera.png"), &at.join("complex/camera.png")),
        "the folder has the same coils"
    );
}

#[test]
fn coils_that_do_not_fit_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    files(at, 2);
    let odd = Array {
        shape: vec![3, 4, 4],
        values: vec![0.5; 48],
    };
    write_array(&at.join("odd.npy"), &odd).unwrap();
    let small = Array {
        shape: vec![2, 4, 4],
        values: vec![0.5; 32],
    };
    write_array(&at.join("small.npy"), &small).unwrap();
    let mask = at.join("mask.png");
    for (options, status, expected) in [
        ("--task csmri --coils odd.npy --mask MASK", 1, "[2 coils, H, W]"),
        (
            "--task csmri --coils small.npy --mask MASK",
            1,
            "256x256 like the image",
        ),
        ("--task inpaint --coils small.npy --keep 0.5", 2, "--coils"),
    ] {
        let options = options.replace("MASK", mask.to_str().unwrap());
        let options = options.replace("--coils ", &format!("--coils {}/", at.display()));
        let line = format!("simulate datasets/samples/camera.png {options} --out");
        let run = tweedie(&line, &[&at.join("out")]);
        assert_eq!(run.status, Some(status), "{options}: {}", run.stderr);
        assert!(run.stderr.contains(expected), "{options}: {}", run.stderr);
    }
}
