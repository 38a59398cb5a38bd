//! Blur and downsampling against sums written out.

mod common;

use common::{image, random_values};
use tweedie_operators::{Blur, Boundary, Downsampling, Kernel, LinearOperator, Mask};
use tweedie_testing::{Tolerance, assert_close, values};

fn naive(x: &[f32], rows: usize, cols: usize, kernel: &Kernel, boundary: Boundary) -> Vec<f64> {
    let [kr, kc] = kernel.dims();
    let index = |i: isize, n: usize| match boundary {
        Boundary::Circular => i.rem_euclid(n as isize) as usize,
        Boundary::Replicate => i.clamp(0, n as isize - 1) as usize,
    };
    let mut y = vec![0.0; rows * cols];
    for i in 0..rows {
        for j in 0..cols {
            for u in 0..kr {
                for v in 0..kc {
                    let row = index(i as isize - (u as isize - (kr / 2) as isize), rows);
                    let col = index(j as isize - (v as isize - (kc / 2) as isize), cols);
                    y[i * cols + j] += kernel.values()[u * kc + v] * f64::from(x[row * cols + col]);
                }
            }
        }
    }
    y
}

#[test]
fn blur_and_downsampling_are_the_written_sums() {
    for (rows, cols, kr, kc) in [
        (12, 12, 3, 3),
        (11, 8, 5, 4),
        (9, 14, 2, 7),
        (1, 10, 1, 3),
        (6, 3, 13, 8),
        (4, 4, 1, 1),
    ] {
        let kernel = Kernel::new(
            kr,
            kc,
            random_values(kr * kc, 1).iter().map(|&k| f64::from(k) + 1.1).collect(),
        )
        .unwrap();
        for boundary in [Boundary::Circular, Boundary::Replicate] {
            let x = random_values(rows * cols, 2);
            let expected = naive(&x, rows, cols, &kernel, boundary);
            let blur = Blur::new([1, rows, cols], &kernel, boundary).unwrap();
            let got = values(&blur.apply(image(x.clone(), [1, 1, rows, cols])).unwrap());
            // f32 rounding of values up to 1.
            let what = format!("{rows}x{cols}, kernel {kr}x{kc}, {boundary:?}");
            assert_close(&what, &got, &expected, Tolerance::absolute(2e-7));
            if rows % 2 == 0 && cols % 2 == 0 {
                let sr = Downsampling::new([1, rows, cols], 2, &kernel, boundary).unwrap();
                let got = values(&sr.apply(image(x, [1, 1, rows, cols])).unwrap());
                let every_second = |n: usize| expected[2 * (n / (cols / 2)) * cols + 2 * (n % (cols / 2))];
                let expected: Vec<f64> = (0..got.len()).map(every_second).collect();
                assert_close(&what, &got, &expected, Tolerance::absolute(2e-7));
            }
        }
    }
}

/// `scipy.ndimage.convolve(x, k, mode='wrap')` (SciPy 1.17.1) of x = arange(16).reshape(4, 4) ** 2 and an even kernel.
#[test]
fn blur_agrees_with_scipy() {
    let x: Vec<f32> = (0..16).map(|n| (n * n) as f32 / 225.0).collect();
    let kernel = Kernel::new(2, 3, vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0]).unwrap();
    let blur = Blur::new([1, 4, 4], &kernel, Boundary::Circular).unwrap();
    let got = values(&blur.apply(image(x, [1, 1, 4, 4])).unwrap());
    let got: Vec<f64> = got.iter().map(|got| got * 225.0 * 21.0).collect();
    assert_close("scipy", &got, &SCIPY, Tolerance::absolute(1e-3));
}

#[rustfmt::skip]
const SCIPY: [f64; 16] = [
    262.0, 155.0, 258.0, 291.0, 1046.0, 819.0, 1090.0, 1131.0,
    2502.0, 2155.0, 2594.0, 2643.0, 2774.0, 2499.0, 2914.0, 2907.0,
];

#[test]
fn nonsense_parameters_are_refused() {
    let kernel = Kernel::uniform(3).unwrap();
    assert!(Blur::new([1, 0, 4], &kernel, Boundary::Circular).is_err());
    for factor in [0, 3, 16] {
        assert!(
            Downsampling::new([1, 8, 8], factor, &kernel, Boundary::Circular).is_err(),
            "{factor}"
        );
    }
    for keep in [0.0, -0.1, 1.1, f64::NAN, 1e-9] {
        assert!(Mask::random([1, 8, 8], keep, 1).is_err(), "{keep}");
    }
    for wrong in [vec![0.0; 4], vec![1.0, 0.5, 0.0, 0.0], vec![1.0; 5], vec![f32::NAN; 4]] {
        assert!(Mask::new([2, 2, 2], &wrong).is_err(), "{wrong:?}");
    }
}

#[test]
fn random_masks_keep_the_share_and_follow_the_seed() {
    let kept = |mask: &Mask| mask.values().iter().filter(|&&m| m == 1.0).count();
    let mask = Mask::random([3, 20, 30], 0.3, 7).unwrap();
    assert_eq!(kept(&mask), 3 * 180);
    assert_eq!(
        mask.values()[..600],
        mask.values()[600..1200],
        "channels share the mask"
    );
    assert_eq!(mask.values(), Mask::random([3, 20, 30], 0.3, 7).unwrap().values());
    assert_ne!(mask.values(), Mask::random([3, 20, 30], 0.3, 8).unwrap().values());
}
