//! Gray and colour.

use serde::{Deserialize, Serialize};

/// Which channels an image is read with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ColorMode {
    /// As many channels as the file has.
    #[default]
    AsStored,
    /// One channel; colour becomes luma by [`luma_from_rgb`].
    Gray,
    /// Three channels; gray is repeated.
    Rgb,
}

/// Luma of (gamma-encoded) red, green and blue: 0.298936 R + 0.587043 G + 0.114021 B.
///
/// The weights are those of MATLAB's `rgb2gray` (ITU-R BT.601, with one digit more), with which the gray test set BSD68
/// was made from CBSD68. The result is not rounded to grey levels.
pub fn luma_from_rgb([r, g, b]: [f32; 3]) -> f32 {
    (0.298936 * f64::from(r) + 0.587043 * f64::from(g) + 0.114021 * f64::from(b)) as f32
}

/// `values` of `dims` = `[N, C, H, W]` with the channels that `mode` asks for, or `None` if C is neither 1 nor 3 and
/// `mode` is not [`ColorMode::AsStored`].
pub(crate) fn convert(values: Vec<f32>, dims: [usize; 4], mode: ColorMode) -> Option<(Vec<f32>, [usize; 4])> {
    let [n, channels, h, w] = dims;
    let plane = h * w;
    match (mode, channels) {
        (ColorMode::AsStored, _) | (ColorMode::Gray, 1) | (ColorMode::Rgb, 3) => Some((values, dims)),
        (ColorMode::Gray, 3) => {
            let gray = |image: &[f32]| -> Vec<f32> {
                (0..plane)
                    .map(|i| luma_from_rgb([image[i], image[plane + i], image[2 * plane + i]]))
                    .collect()
            };
            Some((values.chunks_exact(3 * plane).flat_map(gray).collect(), [n, 1, h, w]))
        }
        (ColorMode::Rgb, 1) => Some((
            values.chunks_exact(plane).flat_map(|gray| gray.repeat(3)).collect(),
            [n, 3, h, w],
        )),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_stays_white_and_gray_stays_gray() {
        // The weights sum to 1 within an ulp of f64.
        for gray in [0.0, 0.3, 1.0] {
            assert_eq!(luma_from_rgb([gray; 3]), gray);
        }
    }

    #[test]
    fn channels_are_converted_image_by_image() {
        let rgb: Vec<f32> = vec![1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 1.0, 0.5, 0.5, 0.5, 0.5];
        let (gray, dims) = convert(rgb, [2, 3, 1, 2], ColorMode::Gray).unwrap();
        assert_eq!(dims, [2, 1, 1, 2]);
        // Image 0: pixels (1, 0, 0) and (0, 0, 1); image 1: (0, .5, .5) and (1, .5, .5).
        assert_eq!(gray, [0.298936, 0.114021, 0.350532, 0.649468]);
        let (back, dims) = convert(gray.clone(), dims, ColorMode::Rgb).unwrap();
        assert_eq!(dims, [2, 3, 1, 2]);
        assert_eq!(back[..6], [gray[0], gray[1]].repeat(3));
    }

    #[test]
    fn other_channel_counts_stay_or_are_refused() {
        let values = vec![0.0; 8];
        assert!(convert(values.clone(), [1, 2, 2, 2], ColorMode::AsStored).is_some());
        assert!(convert(values.clone(), [1, 2, 2, 2], ColorMode::Gray).is_none());
        assert!(convert(values, [1, 2, 2, 2], ColorMode::Rgb).is_none());
    }
}
