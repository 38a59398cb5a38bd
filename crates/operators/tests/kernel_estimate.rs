//! Blurs of synthetic photographs are found again.

use burn::tensor::Device;
use tweedie_imaging::{Image, Sigma, image_from_vec, noise, vec_from_image};
use tweedie_operators::{Blur, Boundary, KernelShape, LinearOperator, estimate_kernel};

const SIZE: usize = 300;

/// Dead leaves: discs of all sizes that hide each other, whose power spectrum falls like that of photographs.
fn leaves() -> Image {
    let mut state = 7_u64;
    let mut random = move || {
        // Knuth's MMIX generator.
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f64 / (1_u64 << 24) as f64
    };
    let mut pixels = vec![0.5_f32; SIZE * SIZE];
    for _ in 0..4000 {
        // Radii with a density of 1/r^3.
        let radius = 2.0 / (random() + 0.0004).sqrt();
        let (i, j, grey) = (random() * SIZE as f64, random() * SIZE as f64, random() as f32);
        let range = |middle: f64, half: f64| {
            let end = (middle + half).clamp(0.0, SIZE as f64) as usize;
            (middle - half).clamp(0.0, SIZE as f64) as usize..end
        };
        for row in range(i, radius) {
            let half = (radius * radius - (row as f64 - i).powi(2)).max(0.0).sqrt();
            pixels[row * SIZE..][range(j, half)].fill(grey);
        }
    }
    image_from_vec(pixels, [1, 1, SIZE, SIZE], &Device::flex()).unwrap()
}

fn estimated(shape: KernelShape) -> KernelShape {
    let domain = [1, SIZE, SIZE];
    let blur = Blur::new(domain, &shape.kernel().unwrap(), Boundary::Replicate).unwrap();
    let level = Sigma::from_grey_levels(2.0).unwrap();
    let y = blur.apply(leaves()).unwrap();
    let y = y + noise::gaussian([1, 1, SIZE, SIZE], level, 1, 2, &Device::flex()).unwrap();
    estimate_kernel(&vec_from_image(&y).unwrap(), SIZE, SIZE).unwrap().shape
}

/// 5 % of a length and 3 degrees are less than what a restoration sees.
#[test]
fn lenses_and_movements_are_found() {
    for shape in [
        KernelShape::Disc(4.2),
        KernelShape::Gaussian(2.2),
        KernelShape::Motion(11.0, 40.0),
    ] {
        let near = |got: f64, expected: f64| (got / expected - 1.0).abs() < 0.05;
        let got = estimated(shape);
        let is_found = match (got, shape) {
            (KernelShape::Disc(got), KernelShape::Disc(expected)) => near(got, expected),
            (KernelShape::Gaussian(got), KernelShape::Gaussian(expected)) => near(got, expected),
            (KernelShape::Motion(got, angle), KernelShape::Motion(expected, direction)) => {
                near(got, expected) && (angle - direction).abs() < 3.0
            }
            _ => false,
        };
        assert!(is_found, "{shape}: {got}");
    }
}

#[test]
fn what_cannot_be_estimated_is_refused() {
    assert!(estimate_kernel(&[0.5; 100 * 100], 100, 100).is_err(), "no detail");
    assert!(estimate_kernel(&[0.5; 64 * 64], 64, 64).is_err(), "too small");
    assert!(estimate_kernel(&[0.5; 10], 100, 100).is_err(), "not so many values");
}
