//! Pictures at other scales.

use image::imageops::{FilterType, resize};
use image::{ImageBuffer, Luma};

/// A picture downscaled to `scale` of its size, 0 < scale <= 1, with Keys' cubic kernel (a = -1/2), widened by 1/scale against
/// aliasing.
///
/// `values` are in the order `dims` = `[C, H, W]`; the new height and width are rounded, at least 1. The result is clamped to
/// [0, 1], since the kernel overshoots at edges.
///
/// # Panics
/// If `values.len()` is not the product of `dims`.
pub fn downscaled(dims: [usize; 3], values: &[f32], scale: f64) -> ([usize; 3], Vec<f32>) {
    let [channels, height, width] = dims;
    let side = |length: usize| ((length as f64 * scale).round() as usize).max(1);
    let (h, w) = (side(height), side(width));
    ([channels, h, w], resized(dims, values, [h, w]))
}

/// A picture resized to `size` = `[H, W]`, each at least 1, with the kernel of [`downscaled`], which is widened where a side
/// shrinks; clamped to [0, 1].
///
/// # Panics
/// If `values.len()` is not the product of `dims`.
pub fn resized(dims: [usize; 3], values: &[f32], [h, w]: [usize; 2]) -> Vec<f32> {
    let [channels, height, width] = dims;
    assert_eq!(values.len(), channels * height * width, "values of {dims:?}");
    let mut out = Vec::with_capacity(channels * h * w);
    for plane in values.chunks_exact(height * width) {
        let picture: ImageBuffer<Luma<f32>, &[f32]> =
            ImageBuffer::from_raw(width as u32, height as u32, plane).expect("as many values as pixels");
        out.extend(resize(&picture, w as u32, h as u32, FilterType::CatmullRom).into_raw());
    }
    out
}

/// Keys' cubic convolution kernel with a = -1/2: what a sample at distance `t` weighs, in units of the samples' distance.
///
/// Keys, *Cubic convolution interpolation for digital image processing*, 1981.
pub fn keys_cubic(t: f64) -> f64 {
    let t = t.abs();
    if t <= 1.0 {
        (1.5 * t - 2.5) * t * t + 1.0
    } else if t < 2.0 {
        ((-0.5 * t + 2.5) * t - 4.0) * t + 2.0
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ramp_stays_a_ramp_and_a_chessboard_turns_gray() {
        let (height, width) = (40, 80);
        let ramp: Vec<f32> = (0..height * width)
            .map(|i| ((i % width) as f32 + 0.5) / width as f32)
            .collect();
        let (dims, values) = downscaled([1, height, width], &ramp, 0.75);
        assert_eq!(dims, [1, 30, 60]);
        for i in 5..55 {
            let expected = (i as f32 + 0.5) / 60.0;
            assert!(
                (values[10 * 60 + i] - expected).abs() < 1e-3,
                "{i}: {}",
                values[10 * 60 + i]
            );
        }
        let chessboard: Vec<f32> = (0..2 * height * width)
            .map(|i| ((i / width + i % width) % 2) as f32)
            .collect();
        let (dims, values) = downscaled([2, height, width], &chessboard, 0.5);
        assert_eq!(dims, [2, 20, 40]);
        assert!(values.iter().all(|value| (value - 0.5).abs() < 0.06));
    }

    #[test]
    fn an_edge_does_not_overshoot() {
        let edge: Vec<f32> = (0..20 * 40).map(|i| f32::from(i % 40 >= 20)).collect();
        let (_, values) = downscaled([1, 20, 40], &edge, 0.7);
        assert!(values.iter().all(|value| (0.0..=1.0).contains(value)));
    }

    #[test]
    fn whole_size_changes_nothing() {
        let values: Vec<f32> = (0..3 * 5 * 7).map(|i| (i % 11) as f32 / 10.0).collect();
        let (dims, same) = downscaled([3, 5, 7], &values, 1.0);
        assert_eq!(dims, [3, 5, 7]);
        assert!(values.iter().zip(&same).all(|(a, b)| (a - b).abs() < 1e-6));
    }
}
