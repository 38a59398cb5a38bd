//! MRI, tomography, demosaicking and compressed sensing against definitions and known answers.

mod common;

use std::f64::consts::PI;

use common::{image, random_image, random_values};
use tweedie_imaging::Image;
use tweedie_operators::{
    BayerPattern, Complex, CompressedSensing, Demosaicking, Field, LinearOperator, Mri, MultiCoilMri, Radon,
    cartesian_mask, random_mask, synthetic_sensitivities,
};
use tweedie_testing::{Tolerance, assert_close, norm, relative_distance, values};

/// The definition, with the zero frequency at [0, 0].
fn naive_samples(x: &[f32], rows: usize, cols: usize, mask: &[f32]) -> Vec<f64> {
    let mut y = vec![0.0; 2 * rows * cols];
    for (k, &m) in mask.iter().enumerate() {
        let mut sum = Complex::new(0.0, 0.0);
        for (n, &x) in x.iter().enumerate() {
            let turns = ((k / cols) * (n / cols)) as f64 / rows as f64 + ((k % cols) * (n % cols)) as f64 / cols as f64;
            sum += Complex::from_polar(f64::from(x), -2.0 * PI * turns);
        }
        sum *= f64::from(m) / ((rows * cols) as f64).sqrt();
        (y[k], y[rows * cols + k]) = (sum.re, sum.im);
    }
    y
}

#[test]
fn mri_samples_the_orthonormal_transform() {
    let (rows, cols) = (5, 6);
    let mask = random_mask([rows, cols], 0.5, 1).unwrap();
    let x = random_values(rows * cols, 2);
    let mri = Mri::new(Field::Real, [rows, cols], &mask).unwrap();
    let got = values(&mri.apply(image(x.clone(), [1, 1, rows, cols])).unwrap());
    let expected = naive_samples(&x, rows, cols, &mask);
    assert_close("samples", &got, &expected, Tolerance::absolute(1e-6));
}

#[test]
fn a_real_image_measures_the_same_as_a_complex_one_without_imaginary_part() {
    let mask = cartesian_mask([6, 7], 0.5, 0.2, 1).unwrap();
    let x = random_values(42, 2);
    let mut both = x.clone();
    both.resize(84, 0.0);
    let apply = |field, x: Vec<f32>, channels| {
        Mri::new(field, [6, 7], &mask)
            .unwrap()
            .apply(image(x, [1, channels, 6, 7]))
            .unwrap()
    };
    assert_eq!(
        values(&apply(Field::Real, x, 1)),
        values(&apply(Field::Complex, both, 2))
    );
}

#[test]
fn one_uniform_coil_is_the_single_coil_operator() {
    let mask = random_mask([6, 7], 0.5, 1).unwrap();
    let maps = vec![Complex::new(1.0, 0.0); 42];
    for field in [Field::Real, Field::Complex] {
        let single = Mri::new(field, [6, 7], &mask).unwrap();
        let multi = MultiCoilMri::new(field, [6, 7], &mask, &maps).unwrap();
        let x = random_image(1, single.domain(), 3);
        assert_eq!(
            values(&single.apply(x.clone()).unwrap()),
            values(&multi.apply(x).unwrap())
        );
    }
}

#[test]
fn synthetic_sensitivities_have_unit_energy() {
    let maps = synthetic_sensitivities(4, [6, 5]).unwrap();
    for pixel in 0..30 {
        let energy: f32 = maps.iter().skip(pixel).step_by(30).map(Complex::norm_sqr).sum();
        assert_close("energy", &[energy], &[1.0], Tolerance::absolute(1e-6));
    }
    // Coils see the image differently, in magnitude too.
    let difference = |pixel: usize| (maps[pixel].norm() - maps[30 + pixel].norm()).abs();
    assert!((0..30).map(difference).fold(0.0, f32::max) > 0.1);
}

#[test]
fn mri_refuses_what_is_no_mask() {
    for mask in [vec![1.0; 3], vec![0.0; 4], vec![0.5; 4], vec![f32::NAN; 4]] {
        assert!(Mri::new(Field::Real, [2, 2], &mask).is_err(), "{mask:?}");
    }
    let maps = vec![Complex::new(1.0, 0.0); 5];
    assert!(MultiCoilMri::new(Field::Real, [2, 2], &[1.0; 4], &maps).is_err());
    assert!(MultiCoilMri::new(Field::Real, [2, 2], &[1.0; 4], &[]).is_err());
}

/// A disc of value 1, 4x4 subpixels, with its radius.
fn disc(size: usize) -> (Image, f64) {
    let radius = 0.35 * size as f64;
    let inside = |i: usize, j: usize| {
        let offset = |k: usize, s: usize| k as f64 + (s as f64 + 0.5) / 4.0 - size as f64 / 2.0;
        let hits = (0..16)
            .filter(|s| offset(i, s / 4).hypot(offset(j, s % 4)) < radius)
            .count();
        hits as f32 / 16.0
    };
    (
        image(
            (0..size * size).map(|n| inside(n / size, n % size)).collect(),
            [1, 1, size, size],
        ),
        radius,
    )
}

/// Projections of a disc are chords, 2 sqrt(r^2 - t^2); discretisation errs by less than a pixel.
#[test]
fn radon_of_a_disc_is_its_chords() {
    let size = 64;
    let (x, radius) = disc(size);
    let radon = Radon::new([1, size, size], 9).unwrap();
    let sinogram = values(&radon.apply(x).unwrap());
    let [_, angles, detectors] = radon.codomain();
    for k in 0..angles {
        for d in 0..detectors {
            let t = d as f64 - (detectors as f64 - 1.0) / 2.0;
            let chord = 2.0 * (radius * radius - t * t).max(0.0).sqrt();
            let got = sinogram[k * detectors + d] * radon.scale();
            // Next to the edge the chord grows from 0 to 2 sqrt(2 r) within a pixel.
            let tolerance = if (t.abs() - radius).abs() < 1.5 { 8.0 } else { 0.7 };
            assert!(
                (got - chord).abs() < tolerance,
                "angle {k}, detector {d}: {got} {chord}"
            );
        }
    }
}

#[test]
fn radon_at_zero_sums_columns_and_at_a_right_angle_rows_from_the_bottom() {
    let (rows, cols) = (4, 6);
    let x = random_values(rows * cols, 1);
    let radon = Radon::with_angles([1, rows, cols], vec![0.0, PI / 2.0]).unwrap();
    let y = values(&radon.apply(image(x.clone(), [1, 1, rows, cols])).unwrap());
    let [_, _, detectors] = radon.codomain();
    for j in 0..cols {
        let sum: f64 = (0..rows).map(|i| f64::from(x[i * cols + j])).sum();
        let got = y[(detectors - cols) / 2 + j] * radon.scale();
        assert_close(&format!("column {j}"), &[got], &[sum], Tolerance::absolute(1e-5));
    }
    for i in 0..rows {
        let sum: f64 = x[i * cols..][..cols].iter().map(|&x| f64::from(x)).sum();
        let got = y[detectors + (detectors - rows) / 2 + (rows - 1 - i)] * radon.scale();
        assert_close(&format!("row {i}"), &[got], &[sum], Tolerance::absolute(1e-5));
    }
}

#[test]
fn filtered_back_projection_restores_a_disc() {
    let size = 64;
    let (x, _) = disc(size);
    let radon = Radon::new([1, size, size], 100).unwrap();
    let start = radon.start(radon.apply(x.clone()).unwrap()).unwrap();
    // What remains is ringing at the edge of the disc.
    let error = relative_distance(&start, &x);
    assert!(error < 0.1, "{error}");
    let mean = values(&start)[32 * size + 24..][..16].iter().sum::<f64>() / 16.0;
    assert!((mean - 1.0).abs() < 0.01, "{mean}");
}

#[test]
fn bayer_patterns_pick_their_channels() {
    let x: Vec<f32> = (0..12).map(|n| n as f32).collect();
    for (pattern, expected) in [
        ("rggb", [0.0, 5.0, 6.0, 11.0]),
        ("bggr", [8.0, 5.0, 6.0, 3.0]),
        ("grbg", [4.0, 1.0, 10.0, 7.0]),
        ("gbrg", [4.0, 9.0, 2.0, 7.0]),
    ] {
        let pattern: BayerPattern = pattern.parse().unwrap();
        let operator = Demosaicking::new([2, 2], pattern).unwrap();
        assert_eq!(
            values(&operator.apply(image(x.clone(), [1, 3, 2, 2])).unwrap()),
            expected,
            "{pattern}"
        );
    }
    assert!("rgbg".parse::<BayerPattern>().is_err());
}

#[test]
fn demosaicking_starts_with_bilinear_interpolation() {
    // Channels that are linear in the position are reproduced inside.
    let (rows, cols) = (8, 9);
    let plane = |a: f32, b: f32| (0..rows * cols).map(move |n| a * (n / cols) as f32 + b * (n % cols) as f32);
    let x: Vec<f32> = plane(0.1, 0.02)
        .chain(plane(-0.05, 0.1))
        .chain(plane(0.0, 0.03))
        .collect();
    let operator = Demosaicking::new([rows, cols], BayerPattern::Grbg).unwrap();
    let y = operator.apply(image(x.clone(), [1, 3, rows, cols])).unwrap();
    let start = values(&operator.start(y).unwrap());
    for n in 0..x.len() {
        let (i, j) = (n % (rows * cols) / cols, n % cols);
        if (1..rows - 1).contains(&i) && (1..cols - 1).contains(&j) {
            assert_close(&format!("{i},{j}"), &[start[n]], &[x[n]], Tolerance::absolute(1e-6));
        }
    }
}

#[test]
fn compressed_sensing_spreads_an_image_evenly() {
    let domain = [1, 32, 32];
    let x = image(vec![0.5; 1024], [1, 1, 32, 32]);
    let operator = CompressedSensing::new(domain, 0.25, 1).unwrap();
    assert_eq!(operator.codomain(), [1, 1, 256]);
    let y = operator.apply(x.clone()).unwrap();
    // A quarter of the coefficients of a constant image hold about a quarter of its energy: chi-square with 256 degrees of
    // freedom deviates by sqrt(2/256) = 9 %.
    let share = (norm(&y) / norm(&x)).powi(2);
    assert!((share - 0.25).abs() < 0.25 * 0.3, "{share}");
    let other = CompressedSensing::new(domain, 0.25, 2)
        .unwrap()
        .apply(x.clone())
        .unwrap();
    assert_ne!(values(&y), values(&other));
    let again = CompressedSensing::new(domain, 0.25, 1).unwrap().apply(x).unwrap();
    assert_eq!(values(&y), values(&again));
    for ratio in [0.0, 1.5, f64::NAN, 1e-5] {
        assert!(CompressedSensing::new(domain, ratio, 1).is_err(), "{ratio}");
    }
}
