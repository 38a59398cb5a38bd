//! Pictures at other scales.

use image::imageops::{FilterType, resize};
use image::{ImageBuffer, Luma};

/// A picture reduced to `scale` of its size, 0 < scale <= 1, with a bicubic filter (Catmull-Rom) that is widened by 1/scale
/// against aliasing.
///
/// `values` are in the order `dims` = `[C, H, W]`; the new height and width are rounded, at least 1. Values are clamped to
/// [0, 1], since the filter overshoots at edges.
///
/// # Panics
/// If `values.len()` is not the product of `dims`.
pub fn reduced(dims: [usize; 3], values: &[f32], scale: f64) -> ([usize; 3], Vec<f32>) {
    let [channels, height, width] = dims;
    assert_eq!(values.len(), channels * height * width, "values of {dims:?}");
    let side = |length: usize| ((length as f64 * scale).round() as usize).max(1);
    let (h, w) = (side(height), side(width));
    let mut out = Vec::with_capacity(channels * h * w);
    for plane in values.chunks_exact(height * width) {
        let picture: ImageBuffer<Luma<f32>, &[f32]> =
            ImageBuffer::from_raw(width as u32, height as u32, plane).expect("as many values as pixels");
        let small = resize(&picture, w as u32, h as u32, FilterType::CatmullRom);
        out.extend(small.into_raw().into_iter().map(|value| value.clamp(0.0, 1.0)));
    }
    ([channels, h, w], out)
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
        let (dims, values) = reduced([1, height, width], &ramp, 0.75);
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
        let (dims, values) = reduced([2, height, width], &chessboard, 0.5);
        assert_eq!(dims, [2, 20, 40]);
        assert!(values.iter().all(|value| (value - 0.5).abs() < 0.06));
    }

    #[test]
    fn whole_size_changes_nothing() {
        let values: Vec<f32> = (0..3 * 5 * 7).map(|i| (i % 11) as f32 / 10.0).collect();
        let (dims, same) = reduced([3, 5, 7], &values, 1.0);
        assert_eq!(dims, [3, 5, 7]);
        assert!(values.iter().zip(&same).all(|(a, b)| (a - b).abs() < 1e-6));
    }
}
