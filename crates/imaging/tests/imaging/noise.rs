//! Known answers of the seeded noise.

use tweedie_imaging::noise::gaussian_values;
use tweedie_imaging::read_array;
use tweedie_testing::{Tolerance, assert_close};

use crate::support::golden;

#[test]
fn samples_follow_the_published_algorithm() {
    // The cases of tests/golden/make_noise.py, an implementation from the description.
    let cases = [(0, 0), (1, 0), (0, 1), (0x0123_4567_89ab_cdef, 0xfedc_ba98_7654_3210)];
    let expected = read_array(&golden("noise.npy")).unwrap();
    assert_eq!(expected.shape, [cases.len(), 16]);
    for ((seed, stream), expected) in cases.into_iter().zip(expected.values.chunks(16)) {
        let actual = gaussian_values(16, 1.0, seed, stream);
        // Half an ulp of f32 by the rounding; the elementary functions differ by 1e-16.
        let tolerance = Tolerance::relative(f64::from(f32::EPSILON) / 2.0 * 1.001);
        assert_close(&format!("seed {seed}, stream {stream}"), &actual, expected, tolerance);
    }
}

/// These bits must never change: they are in every published measurement.
#[test]
fn first_samples_are_pinned_to_the_bit() {
    let bits = |seed, stream| {
        gaussian_values(4, 1.0, seed, stream)
            .into_iter()
            .map(f32::to_bits)
            .collect::<Vec<_>>()
    };
    assert_eq!(bits(0, 0), [0xbfa5_46dd, 0xbfb3_306f, 0x3f09_a54e, 0x3efa_c8ac]);
    assert_eq!(bits(1, 2), [0x3f3f_c619, 0x3f1e_55e5, 0xbd9b_8ef9, 0x3f82_60df]);
}
