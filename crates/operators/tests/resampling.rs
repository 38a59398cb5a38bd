//! Resampling kernels against a numpy program of its own (`fixtures/resampling.py`), and where they put the picture.

mod common;

use std::path::Path;

use burn::tensor::Device;
use common::random_image;
use tweedie_imaging::{Image, image_from_vec};
use tweedie_operators::{
    Boundary, Determined, Downsampling, Kernel, LinearOperator, Resampling, UnknownBorder, centred_phase,
};
use tweedie_testing::{relative_distance, values};

fn image(rows: usize, cols: usize, f: impl Fn(f64, f64) -> f64) -> Image {
    let value = |n: usize| f((n / cols) as f64, (n % cols) as f64) as f32;
    image_from_vec(
        (0..rows * cols).map(value).collect(),
        [1, 1, rows, cols],
        &Device::flex(),
    )
    .unwrap()
}

fn centred(size: [usize; 2], factor: usize, resampling: Resampling) -> Downsampling {
    let kernel = Kernel::resampling(resampling, factor).unwrap();
    let domain = [1, size[0], size[1]];
    Downsampling::with_phase(domain, factor, &kernel, Boundary::Circular, centred_phase(factor)).unwrap()
}

/// f32 pictures; the values are of order 1.
#[test]
fn equal_to_numpy() {
    let (rows, cols) = (48, 60);
    let x = image(rows, cols, |i, j| {
        let pattern = ((i * 37.0 + j * 91.0 + i * j * 13.0) % 101.0) / 101.0 * 0.5;
        pattern + if j > 30.0 { 0.25 } else { 0.0 } + 0.25 * (i / 5.0).sin().powi(2)
    });
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/resampling.csv");
    let text = std::fs::read_to_string(path).unwrap();
    let mut compared = 0;
    for line in text.lines().skip(1) {
        let fields: Vec<&str> = line.split(',').collect();
        let number = |k: usize| fields[k].parse::<usize>().unwrap();
        let (resampling, factor) = (fields[0].parse().unwrap(), number(1));
        let y = values(&centred([rows, cols], factor, resampling).apply(x.clone()).unwrap());
        let got = y[number(2) * (cols / factor) + number(3)];
        let expected: f64 = fields[4].parse().unwrap();
        assert!((got - expected).abs() < 1e-5, "{line}: {got}");
        compared += 1;
    }
    assert_eq!(compared, 72);
}

/// A slope keeps its place: reduced, then interpolated, it is itself to 0.05 pixels.
#[test]
fn pictures_stay_where_they_are() {
    let (rows, cols) = (96, 96);
    let x = image(rows, cols, |i, j| 0.004 * i + 0.003 * j);
    for resampling in Resampling::ALL {
        for factor in [2, 3, 4] {
            let operator = centred([rows, cols], factor, resampling);
            let start = values(&operator.start(operator.apply(x.clone()).unwrap()).unwrap());
            for (i, j) in [(48, 48), (40, 55), (50, 41)] {
                let moved = start[i * cols + j] - 0.004 * i as f64 - 0.003 * j as f64;
                // Either slope alone would show a shift by this much.
                assert!(
                    moved.abs() < 0.05 * 0.003,
                    "{resampling} by {factor} at {i}, {j}: {moved}"
                );
            }
        }
    }
}

/// y of a picture with unknown borders is what the periodic operator measures away from its borders.
#[test]
fn unknown_borders_measure_what_is_determined() {
    let mut kernel: Vec<f64> = (0..5 * 4).map(|n| 0.1 + ((n * 37 + 11) % 17) as f64).collect();
    kernel[3] = 0.0;
    let skew = Kernel::new(5, 4, kernel).unwrap();
    for (factor, phase, kernel) in [
        (1, 0, skew.clone()),
        (2, 1, skew),
        (2, 0, Kernel::resampling(Resampling::Bicubic, 2).unwrap()),
        (3, 1, Kernel::resampling(Resampling::Area, 3).unwrap()),
        (4, 1, Kernel::resampling(Resampling::Lanczos, 4).unwrap()),
        (3, 2, Kernel::disc(1.0).unwrap()),
    ] {
        let size = [36, 48];
        let x = random_image(1, [1, size[0], size[1]], 3);
        let periodic = Downsampling::with_phase([1, 36, 48], factor, &kernel, Boundary::Circular, phase).unwrap();
        let replicate = Downsampling::with_phase([1, 36, 48], factor, &kernel, Boundary::Replicate, phase).unwrap();
        let [rows, cols] = UnknownBorder::determined(size, factor, &kernel, phase).unwrap();
        let cut = |image: Image, rows: std::ops::Range<usize>, cols: std::ops::Range<usize>| {
            image.slice([0..1, 0..1, rows, cols])
        };
        let y = cut(periodic.apply(x.clone()).unwrap(), rows.clone(), cols.clone());
        let other = cut(replicate.apply(x.clone()).unwrap(), rows.clone(), cols.clone());
        assert!(
            relative_distance(&y, &other) < 1e-6,
            "what is determined does not depend on the border: {factor}"
        );

        let valid = Determined::new([1, 36, 48], factor, &kernel, phase).unwrap();
        assert!(
            relative_distance(&valid.apply(x.clone()).unwrap(), &y) < 1e-7,
            "factor {factor}"
        );
        let domain = Determined::domain_of(valid.codomain(), factor, &kernel, phase).unwrap();
        assert_eq!(domain, [1, 36, 48], "factor {factor}, phase {phase}");

        // The picture's part of the larger scene, with the picture around it that determines y.
        let operator = UnknownBorder::new([1, rows.len(), cols.len()], factor, &kernel, phase).unwrap();
        let window = operator.window();
        let [_, height, width] = operator.domain();
        let source = |k: usize, first: usize, of: &std::ops::Range<usize>, size: usize| {
            (k + factor * of.start).checked_sub(first).filter(|&k| k < size)
        };
        let host = values(&x);
        let mut scene = vec![0.5_f32; height * width];
        for i in 0..height {
            for j in 0..width {
                if let (Some(a), Some(b)) = (
                    source(i, window[0].start, &rows, size[0]),
                    source(j, window[1].start, &cols, size[1]),
                ) {
                    scene[i * width + j] = host[a * size[1] + b] as f32;
                }
            }
        }
        let scene = image_from_vec(scene, [1, 1, height, width], &Device::flex()).unwrap();
        let distance = relative_distance(&operator.apply(scene).unwrap(), &y);
        assert!(distance < 1e-6, "factor {factor}, phase {phase}: {distance:e}");
    }
    let kernel = Kernel::uniform(9).unwrap();
    assert!(UnknownBorder::determined([8, 20], 1, &kernel, 0).is_err());
    assert!(UnknownBorder::determined([20, 20], 2, &kernel, 2).is_err());
    assert!(UnknownBorder::new([1, 8, 8], 0, &kernel, 0).is_err());
}
