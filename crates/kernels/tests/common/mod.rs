//! Shared by the integration tests: named shapes, reproducible data, one tolerance.
#![allow(dead_code)] // each test file uses its part

use tweedie_kernels::naive::Shape;
use tweedie_kernels::{Conv3x3, Kernel, Layout, pack, unpack};

/// Named shapes: both tiles, every method, sizes around the tiles and blocks.
#[rustfmt::skip] // a table
pub const SHAPES: &[(&str, Shape)] = &[
    ("one pixel", Shape { n: 1, cin: 16, cout: 16, h: 1, w: 1 }),
    ("one pixel, one channel", Shape { n: 1, cin: 1, cout: 1, h: 1, w: 1 }),
    ("one row", Shape { n: 2, cin: 17, cout: 33, h: 1, w: 23 }),
    ("one column", Shape { n: 2, cin: 48, cout: 16, h: 23, w: 1 }),
    ("odd sizes, F4", Shape { n: 3, cin: 48, cout: 48, h: 7, w: 9 }),
    ("odd sizes, F6", Shape { n: 2, cin: 64, cout: 64, h: 11, w: 17 }),
    ("exact tiles, F4", Shape { n: 1, cin: 64, cout: 64, h: 8, w: 8 }),
    ("exact tiles, F6", Shape { n: 1, cin: 64, cout: 64, h: 12, w: 12 }),
    ("more chunks than one", Shape { n: 2, cin: 16, cout: 16, h: 42, w: 48 }),
    ("first layer, grey", Shape { n: 2, cin: 1, cout: 64, h: 13, w: 11 }),
    ("first layer, colour", Shape { n: 1, cin: 3, cout: 64, h: 12, w: 12 }),
    ("first layer, FFDNet grey", Shape { n: 1, cin: 5, cout: 64, h: 9, w: 5 }),
    ("first layer, FFDNet colour", Shape { n: 2, cin: 13, cout: 96, h: 12, w: 12 }),
    ("last layer, grey", Shape { n: 2, cin: 64, cout: 1, h: 13, w: 11 }),
    ("last layer, colour", Shape { n: 1, cin: 64, cout: 3, h: 12, w: 3 }),
    ("last layer, FFDNet grey", Shape { n: 1, cin: 64, cout: 4, h: 10, w: 13 }),
    ("last layer, FFDNet colour", Shape { n: 1, cin: 96, cout: 12, h: 12, w: 13 }),
    ("thin to thin", Shape { n: 2, cin: 3, cout: 8, h: 11, w: 9 }),
    ("thin to 9", Shape { n: 1, cin: 8, cout: 9, h: 6, w: 7 }),
    ("five registers", Shape { n: 1, cin: 80, cout: 80, h: 7, w: 6 }),
    ("wide", Shape { n: 1, cin: 128, cout: 96, h: 6, w: 11 }),
];

/// The kernels that this CPU supports; prints the others.
pub fn kernels() -> Vec<Kernel> {
    let supported = |name: &&str| match Kernel::from_name(name) {
        Ok(kernel) => Some(kernel),
        Err(error) => {
            println!("skipped: {error}");
            None
        }
    };
    Kernel::NAMES.iter().filter_map(supported).collect()
}

/// As [`kernels`], without the oracle: where comparing it with itself would only take time.
pub fn fast_kernels() -> Vec<Kernel> {
    kernels()
        .into_iter()
        .filter(|kernel| kernel.name() != "naive")
        .collect()
}

/// A linear congruential generator (Knuth's MMIX constants): values in `[-1, 1)`.
pub fn random(seed: u64, len: usize) -> Vec<f32> {
    let mut state = seed;
    let mut next = || {
        state = state
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (state >> 40) as f32 / (1 << 23) as f32 - 1.0
    };
    next();
    (0..len).map(|_| next()).collect()
}

/// The data of one case, on plain images.
pub struct Data {
    pub x: Vec<f32>,
    pub weight: Vec<f32>,
    pub bias: Vec<f32>,
    pub dy: Vec<f32>,
    /// What the gates are computed from.
    pub y: Vec<f32>,
}

pub fn data(shape: Shape) -> Data {
    let Shape { n, cin, cout, h, w } = shape;
    let pixels = n * h * w;
    Data {
        x: random(1, pixels * cin),
        weight: random(2, cout * cin * 9),
        bias: random(3, cout),
        dy: random(4, pixels * cout),
        y: random(5, pixels * cout),
    }
}

pub fn plan(shape: Shape, kernel: Kernel) -> Conv3x3 {
    let input = Layout::new(shape.n, shape.cin, shape.h, shape.w).unwrap();
    Conv3x3::with_kernel(input, shape.cout, kernel).unwrap()
}

pub fn packed(layout: Layout, images: &[f32]) -> Vec<f32> {
    let mut out = vec![f32::NAN; layout.len()];
    pack(&layout, images, &mut out).unwrap();
    out
}

pub fn unpacked(layout: Layout, packed: &[f32]) -> Vec<f32> {
    let mut out = vec![f32::NAN; layout.unpadded_len()];
    unpack(&layout, packed, &mut out).unwrap();
    out
}

/// Fails unless `|got - expected| <= atol + rtol |expected|` everywhere, with `atol` a fraction of the largest
/// expected value; lists the first mismatches.
#[track_caller]
pub fn assert_close(what: &str, got: &[f32], expected: &[f64], fraction: f64) {
    assert_eq!(got.len(), expected.len(), "{what}: length");
    let scale = expected.iter().fold(0.0_f64, |a, v| a.max(v.abs()));
    let is_bad = |&(_, (&got, &expected)): &(usize, (&f32, &f64))| {
        let error = (f64::from(got) - expected).abs();
        error.is_nan() || error > fraction * (scale + expected.abs())
    };
    let bad: Vec<_> = got.iter().zip(expected).enumerate().filter(is_bad).collect();
    assert!(
        bad.is_empty(),
        "{what}: {} of {} differ: {:?}",
        bad.len(),
        got.len(),
        &bad[..bad.len().min(8)]
    );
}
