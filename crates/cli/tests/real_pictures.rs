//! Pictures as users have them: what a command without further options makes of them.
//!
//! The ignored tests have the least that is expected of each case; `scripts/real-pictures` runs them.

mod common;

use std::path::{Path, PathBuf};

use common::{json, root, succeed, tweedie};
use tweedie::burn::tensor::Device;
use tweedie::imaging::{ColorMode, Depth, image_from_vec, read_image, write_image};
use tweedie_testing::shared_data;

/// The folder of the cases.
fn cases() -> PathBuf {
    shared_data("data/cases")
}

/// Range 1, over all channels.
fn psnr(a: &Path, b: &Path) -> f64 {
    let [a, b] = [a, b].map(|path| read_image(path, ColorMode::Rgb).unwrap());
    assert_eq!(a.dims, b.dims, "pictures of one size");
    let error: f64 = a
        .values
        .iter()
        .zip(&b.values)
        .map(|(a, b)| f64::from(a - b).powi(2))
        .sum();
    -10.0 * (error / a.values.len() as f64).log10()
}

/// A row: file, task and its options, truth, least PSNR, whether a warning is due.
struct Row {
    file: &'static str,
    options: &'static str,
    truth: &'static str,
    least_db: f64,
    warned: bool,
}

const fn row(file: &'static str, options: &'static str, truth: &'static str, least_db: f64) -> Row {
    Row {
        file,
        options,
        truth,
        least_db,
        warned: false,
    }
}

/// What used to end in a ruin: now told of.
const fn ruin(file: &'static str, options: &'static str, truth: &'static str) -> Row {
    Row {
        file,
        options,
        truth,
        least_db: 0.0,
        warned: true,
    }
}

const KERNEL: &str = "--task deblur --kernel CASES/truekernel.npy";

fn check(rows: &[Row]) {
    let cases = cases();
    let out = tempfile::tempdir().unwrap();
    let mut wrong = Vec::new();
    for row in rows {
        let options = row
            .options
            .replace("KERNEL", KERNEL)
            .replace("CASES", cases.to_str().unwrap());
        let line = format!("restore {options} --checkpoint color --out");
        let document = json(&line, &[out.path(), &cases.join(row.file)]);
        let warnings = document["results"][0]["warnings"].as_array().unwrap();
        let stem = Path::new(row.file).file_stem().unwrap().to_str().unwrap();
        let got = psnr(&out.path().join(format!("{stem}.png")), &cases.join(row.truth));
        println!(
            "{got:6.2} dB (at least {:.2}), {} warnings: {} {}",
            row.least_db,
            warnings.len(),
            row.file,
            row.options
        );
        if got < row.least_db || warnings.is_empty() == row.warned {
            wrong.push(format!("{} {}: {got:.2} dB, {warnings:?}", row.file, row.options));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
#[ignore = "needs TWEEDIE_SHARED"]
fn small_pictures() {
    check(&[
        row("small.png", "--task sr --scale 2", "sr_true.png", 35.5),
        row("small.jpg", "--task sr --scale 2", "sr_true.png", 32.9),
        row("small.jpg", "--task sr --scale 2 --kernel lanczos", "sr_true.png", 33.0),
        row(
            "small.png",
            "--task sr --scale 2 --kernel CASES/bicubic2.npy",
            "sr_true.png",
            35.5,
        ),
        ruin(
            "small.png",
            "--task sr --scale 2 --kernel gaussian:1.6x7 --boundary circular --noise 0",
            "sr_true.png",
        ),
        ruin(
            "small.jpg",
            "--task sr --scale 2 --kernel gaussian:1.6x7 --boundary circular --noise 0",
            "sr_true.png",
        ),
    ]);
}

#[test]
#[ignore = "needs TWEEDIE_SHARED"]
fn blurred_pictures() {
    check(&[
        row("blurred_noJPEG.png", "KERNEL --noise 2", "blur_true.png", 28.9),
        row("blurred_noJPEG.png", "KERNEL", "blur_true.png", 28.6),
        row("blurred.jpg", "KERNEL", "blur_true.png", 26.3),
        row("blurred.jpg", "KERNEL --noise 3", "blur_true.png", 26.45),
        ruin(
            "blurred_noJPEG.png",
            "KERNEL --noise 2 --boundary circular",
            "blur_true.png",
        ),
        ruin("blurred.jpg", "KERNEL --noise 0.5 --boundary circular", "blur_true.png"),
    ]);
}

#[test]
#[ignore = "needs TWEEDIE_SHARED"]
fn scratched_pictures() {
    check(&[
        row(
            "scan_damaged.png",
            "--task inpaint --mask CASES/scratch_known.png",
            "scan_true.png",
            37.0,
        ),
        row(
            "scan_damaged.png",
            "--task inpaint --mask CASES/scratch_mask.png --mask-marks damaged",
            "scan_true.png",
            37.0,
        ),
        row(
            "scan_damaged.png",
            "--task inpaint --mask CASES/scratch_mask.jpg --mask-marks damaged",
            "scan_true.png",
            36.5,
        ),
        row(
            "scan_damaged.png",
            "--task inpaint --mask CASES/scratch_mask_soft.png --mask-marks damaged",
            "scan_true.png",
            36.5,
        ),
        row(
            "scan_damaged.png",
            "--task inpaint --mask CASES/known_q90.jpg",
            "scan_true.png",
            37.0,
        ),
        row(
            "scan_damaged.png",
            "--task inpaint --mask CASES/known_soft.png",
            "scan_true.png",
            37.0,
        ),
        row(
            "scan_damaged.png",
            "--task inpaint --mask CASES/scratch_mask_alpha.png",
            "scan_true.png",
            37.0,
        ),
        ruin(
            "scan_damaged.png",
            "--task inpaint --mask CASES/scratch_mask.png --mask-marks known",
            "scan_true.png",
        ),
    ]);
    let cases = cases();
    let out = tempfile::tempdir().unwrap();
    let run = tweedie(
        "restore --task inpaint --checkpoint color --out",
        &[
            out.path(),
            &cases.join("scan_damaged.png"),
            Path::new("--mask"),
            &cases.join("scratch_mask.png"),
        ],
    );
    assert_eq!(run.status, Some(2), "{}", run.stderr);
    assert!(run.stderr.contains("--mask-marks damaged"), "{}", run.stderr);
}

/// Simulations on public pictures: right models, so that no warning may come.
#[test]
#[ignore = "needs TWEEDIE_SHARED"]
fn simulations_give_no_warning() {
    let (images, kernels) = (shared_data("data/images"), shared_data("data/kernels"));
    let out = tempfile::tempdir().unwrap();
    let mut said = Vec::new();
    let mut runs = 0;
    for (set, checkpoint) in [("Set12", "gray"), ("Kodak24", "color")] {
        for options in [
            "--task deblur --kernel gaussian:1.6 --noise 2",
            "--task deblur --kernel levin:1 --noise 7.65",
            "--task deblur --kernel levin:4 --noise 2 --boundary unknown",
            "--task inpaint --keep 0.3",
            "--task sr --scale 2",
            "--task sr --scale 3 --noise 7.65",
            "--task sr --scale 4 --kernel bicubic --boundary unknown --noise 2",
            "--task demosaic --pattern rggb",
        ] {
            if options.contains("demosaic") && checkpoint == "gray" {
                continue;
            }
            let folder = match options.contains("levin") {
                true => format!("--kernels {}", kernels.display()),
                false => String::new(),
            };
            let line = format!("restore --simulate {options} {folder} --checkpoint {checkpoint} --out");
            let document = json(&line, &[out.path(), &images.join(set)]);
            for result in document["results"].as_array().unwrap() {
                runs += 1;
                for warning in result["warnings"].as_array().unwrap() {
                    said.push(format!("{set} {} {options}: {warning}", result["name"]));
                }
            }
        }
    }
    println!("{runs} runs, {} warnings", said.len());
    assert!(said.is_empty(), "{said:#?}");
}

/// Every picture of Kodak24, made half as large by another program's filter, gains over cubic interpolation.
#[test]
#[ignore = "needs TWEEDIE_SHARED"]
fn small_pictures_of_kodak_gain() {
    let images = shared_data("data/images/Kodak24");
    let out = tempfile::tempdir().unwrap();
    let document = json(
        "restore --simulate --task sr --scale 2 --kernel bicubic --boundary unknown --noise 1 --checkpoint color --out",
        &[out.path(), &images],
    );
    let results = document["results"].as_array().unwrap();
    assert_eq!(results.len(), 24);
    for result in results {
        let (before, after) = (
            result["psnr_input_db"].as_f64().unwrap(),
            result["psnr_db"].as_f64().unwrap(),
        );
        println!("{}: {before:.2} -> {after:.2} dB", result["name"]);
        assert!(after > before, "{result}");
    }
}

/// A picture of 64 x 64: a part of a bundled photograph with a white scratch, and a mask of the scratch.
fn scratched(folder: &Path) -> [PathBuf; 3] {
    let camera = read_image(&root().join("datasets/samples/camera.png"), ColorMode::Gray).unwrap();
    let [.., cols] = camera.dims;
    let is_scratch = |i: usize, j: usize| i.abs_diff(j + 5) < 2;
    let write = |name: &str, value: &dyn Fn(usize, usize) -> f32| {
        let values = (0..64 * 64).map(|n| value(n / 64, n % 64)).collect();
        let path = folder.join(name);
        let image = image_from_vec(values, [1, 1, 64, 64], &Device::flex()).unwrap();
        write_image(&path, &image, Depth::Eight).unwrap();
        path
    };
    let photograph = |i: usize, j: usize| camera.values[(150 + i) * cols + 220 + j];
    [
        write("scratched.png", &|i, j| {
            if is_scratch(i, j) { 1.0 } else { photograph(i, j) }
        }),
        write("mask.png", &|i, j| f32::from(is_scratch(i, j))),
        write("truth.png", &photograph),
    ]
}

#[test]
fn what_a_mask_marks_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let [picture, mask, truth] = scratched(folder.path());
    let out = folder.path().join("out");
    let options = [out.as_path(), &picture, Path::new("--mask"), &mask];
    let run = tweedie("restore --task inpaint --checkpoint median --out", &options);
    assert_eq!(run.status, Some(2), "{}", run.stderr);
    assert!(run.stderr.contains("--mask-marks damaged"), "{}", run.stderr);

    let document = json(
        "restore --task inpaint --mask-marks damaged --checkpoint gray --out",
        &options,
    );
    assert_eq!(
        document["results"][0]["warnings"].as_array().unwrap().len(),
        0,
        "{document}"
    );
    let restored = psnr(&out.join("scratched.png"), &truth);
    assert!(restored > psnr(&picture, &truth) + 6.0, "{restored}");

    let run = succeed(
        "restore --task inpaint --mask-marks known --checkpoint median --out",
        &options,
    );
    assert!(run.stderr.contains("warning"), "{}", run.stderr);
}

#[test]
fn an_unknown_kernel_gives_guidance() {
    let folder = tempfile::tempdir().unwrap();
    let [picture, ..] = scratched(folder.path());
    let run = tweedie(
        "restore --task deblur --checkpoint median --out",
        &[folder.path(), &picture],
    );
    assert_eq!(run.status, Some(2));
    for hint in ["disc:3", "motion:15,30", "--kernel auto"] {
        assert!(run.stderr.contains(hint), "{hint}: {}", run.stderr);
    }
    let run = tweedie(
        "restore --task deblur --kernel auto --simulate --checkpoint median --out",
        &[folder.path(), &picture],
    );
    assert_eq!(run.status, Some(2), "{}", run.stderr);
}

/// Nothing is assumed beyond the border of a user's picture: a slope stays one, where periodic borders ring.
#[test]
fn borders_are_unknown_without_simulate() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("slope.npy");
    let values = (0..48 * 48).map(|n| 0.1 + f64::from(n % 48) / 60.0).collect();
    let array = tweedie::imaging::Array {
        shape: vec![48, 48],
        values,
    };
    tweedie::imaging::write_array(&path, &array).unwrap();
    let out = folder.path().join("out");
    let line = "restore --task deblur --kernel disc:4 --noise 1 --depth float --checkpoint gray";
    let error = |options: &str| {
        json(&format!("{line} {options} --out"), &[&out, &path]);
        let restored = read_image(&out.join("slope.npy"), ColorMode::Gray).unwrap();
        let worst = restored.values.iter().enumerate().map(|(n, value)| {
            let expected = 0.1 + (n % 48) as f32 / 60.0;
            (value - expected).abs()
        });
        worst.fold(0.0, f32::max)
    };
    let (unknown, circular) = (error(""), error("--boundary circular"));
    assert!(unknown < 0.05 && circular > 3.0 * unknown, "{unknown} and {circular}");
}

#[test]
fn the_checkpoint_may_be_left_out_and_small_pictures_grow() {
    let folder = tempfile::tempdir().unwrap();
    let [picture, ..] = scratched(folder.path());
    let out = folder.path().join("out");
    let run = succeed("restore --task sr --scale 2 --iterations 2 --out", &[&out, &picture]);
    assert!(run.stderr.contains("checkpoint gray"), "{}", run.stderr);
    let restored = read_image(&out.join("scratched.png"), ColorMode::Gray).unwrap();
    assert_eq!(restored.dims, [1, 1, 128, 128]);
}
