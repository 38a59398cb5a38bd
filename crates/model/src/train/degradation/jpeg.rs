//! What JPEG compression does to a picture, without the entropy coding, which loses nothing.

use std::f32::consts::{FRAC_1_SQRT_2, PI};

use super::color::{rgb_from_ycc, ycc_from_rgb};

/// Side length of the blocks of the transform.
const SIDE: usize = 8;

/// Quantisation steps at quality 50, row by row (ITU-T T.81, tables K.1 and K.2).
#[rustfmt::skip]
const LUMA: [u16; 64] = [
    16, 11, 10, 16, 24, 40, 51, 61,
    12, 12, 14, 19, 26, 58, 60, 55,
    14, 13, 16, 24, 40, 57, 69, 56,
    14, 17, 22, 29, 51, 87, 80, 62,
    18, 22, 37, 56, 68, 109, 103, 77,
    24, 35, 55, 64, 81, 104, 113, 92,
    49, 64, 78, 87, 103, 121, 120, 101,
    72, 92, 95, 98, 112, 100, 103, 99,
];
#[rustfmt::skip]
const CHROMA: [u16; 64] = [
    17, 18, 24, 47, 99, 99, 99, 99,
    18, 21, 26, 66, 99, 99, 99, 99,
    24, 26, 56, 99, 99, 99, 99, 99,
    47, 66, 99, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99,
];

/// A compression.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Jpeg {
    /// 1 to 100, as the Independent JPEG Group's programs understand it.
    pub quality: u8,
    /// Whether chroma is stored at half resolution (4:2:0).
    pub subsampled: bool,
}

impl Jpeg {
    /// Compresses and decompresses an RGB picture, `[3, H, W]` in [0, 1]: the result has 8 bits.
    pub(super) fn apply(self, rgb: &mut [f32], [h, w]: [usize; 2]) {
        for value in rgb.iter_mut() {
            *value = grey_level(*value * 255.0);
        }
        ycc_from_rgb(rgb);
        let (luma, chroma) = rgb.split_at_mut(h * w);
        let (luma_steps, chroma_steps) = (steps(&LUMA, self.quality), steps(&CHROMA, self.quality));
        let basis = basis();
        compress(luma, [h, w], 128.0, &luma_steps, &basis);
        for plane in chroma.chunks_exact_mut(h * w) {
            if self.subsampled {
                let (mut small, size) = halved(plane, [h, w]);
                compress(&mut small, size, 0.0, &chroma_steps, &basis);
                doubled(&small, size, plane, [h, w]);
            } else {
                compress(plane, [h, w], 0.0, &chroma_steps, &basis);
            }
        }
        rgb_from_ycc(rgb);
        for value in rgb {
            *value = grey_level(*value) / 255.0;
        }
    }
}

fn grey_level(value: f32) -> f32 {
    value.round().clamp(0.0, 255.0)
}

/// The quantisation steps of a quality, by the Independent JPEG Group's rule.
fn steps(at_50: &[u16; 64], quality: u8) -> [f32; 64] {
    let quality = u32::from(quality);
    let percent = if quality < 50 {
        5000 / quality
    } else {
        200 - 2 * quality
    };
    at_50.map(|step| ((u32::from(step) * percent + 50) / 100).clamp(1, 255) as f32)
}

/// Rows of the orthonormal discrete cosine transform.
fn basis() -> [[f32; SIDE]; SIDE] {
    std::array::from_fn(|k| {
        let gain = if k == 0 { FRAC_1_SQRT_2 } else { 1.0 } / 2.0;
        std::array::from_fn(|i| gain * libm::cosf(PI * (2 * i + 1) as f32 * k as f32 / 16.0))
    })
}

/// Quantises the transform of every block of a plane with values about `middle`; the last row and column are repeated up
/// to whole blocks.
fn compress(plane: &mut [f32], [h, w]: [usize; 2], middle: f32, steps: &[f32; 64], basis: &[[f32; SIDE]; SIDE]) {
    let mut transposed = *basis;
    for (i, row) in transposed.iter_mut().enumerate() {
        *row = std::array::from_fn(|j| basis[j][i]);
    }
    for top in (0..h).step_by(SIDE) {
        for left in (0..w).step_by(SIDE) {
            let mut block: [[f32; SIDE]; SIDE] = std::array::from_fn(|i| {
                std::array::from_fn(|j| {
                    let pixel = plane[(top + i).min(h - 1) * w + (left + j).min(w - 1)];
                    pixel.round() - middle
                })
            });
            block = product(&product(basis, &block), &transposed);
            for (row, steps) in block.iter_mut().zip(steps.chunks_exact(SIDE)) {
                for (value, step) in row.iter_mut().zip(steps) {
                    *value = (*value / step).round() * step;
                }
            }
            block = product(&product(&transposed, &block), basis);
            for (i, row) in block.iter().enumerate().take(h - top) {
                for (j, value) in row.iter().enumerate().take(w - left) {
                    plane[(top + i) * w + left + j] = (value + middle).round();
                }
            }
        }
    }
}

fn product(a: &[[f32; SIDE]; SIDE], b: &[[f32; SIDE]; SIDE]) -> [[f32; SIDE]; SIDE] {
    let mut c = [[0.0; SIDE]; SIDE];
    for (c, a) in c.iter_mut().zip(a) {
        for (a, b) in a.iter().zip(b) {
            for (c, b) in c.iter_mut().zip(b) {
                *c += a * b;
            }
        }
    }
    c
}

/// Means of 2x2 pixels; the last row and column count twice where their number is odd.
fn halved(plane: &[f32], [h, w]: [usize; 2]) -> (Vec<f32>, [usize; 2]) {
    let size = [h.div_ceil(2), w.div_ceil(2)];
    let mut small = Vec::with_capacity(size[0] * size[1]);
    for i in 0..size[0] {
        for j in 0..size[1] {
            let at = |i: usize, j: usize| plane[i.min(h - 1) * w + j.min(w - 1)];
            let (i, j) = (2 * i, 2 * j);
            small.push((at(i, j) + at(i, j + 1) + at(i + 1, j) + at(i + 1, j + 1)) / 4.0);
        }
    }
    (small, size)
}

/// Twice the resolution, each pixel from its nearest (3/4) and second nearest (1/4) along each axis, as decoders do.
fn doubled(small: &[f32], [sh, sw]: [usize; 2], plane: &mut [f32], [h, w]: [usize; 2]) {
    let neighbours = |i: usize, size: usize| {
        let other = if i.is_multiple_of(2) {
            (i / 2).saturating_sub(1)
        } else {
            (i / 2 + 1).min(size - 1)
        };
        (i / 2, other)
    };
    for i in 0..h {
        let (near, far) = neighbours(i, sh);
        for j in 0..w {
            let (left, right) = neighbours(j, sw);
            let row = |i: usize| 0.75 * small[i * sw + left] + 0.25 * small[i * sw + right];
            plane[i * w + j] = 0.75 * row(near) + 0.25 * row(far);
        }
    }
}

#[cfg(test)]
mod tests {
    use image::codecs::jpeg::JpegEncoder;
    use image::{ExtendedColorType, ImageFormat};
    use tweedie_imaging::noise::gaussian_values;

    use super::*;

    /// Colours that change slowly, with some texture.
    fn picture([h, w]: [usize; 2]) -> Vec<f32> {
        let noise = gaussian_values(3 * h * w, 0.03, 1, 2);
        let pixel = |k: usize| {
            let (c, i, j) = (k / (h * w), k / w % h, k % w);
            0.5 + 0.3 * libm::sinf((i + 2 * j) as f32 / (9.0 + 4.0 * c as f32)) + noise[k]
        };
        (0..3 * h * w).map(pixel).collect()
    }

    fn root_mean_square(a: &[f32], b: &[f32]) -> f32 {
        let sum: f32 = a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum();
        255.0 * (sum / a.len() as f32).sqrt()
    }

    /// Another program's encoder and decoder, whose transforms are in integers and chroma is cut off to whole numbers: some
    /// coefficients are rounded to the other side.
    #[test]
    fn a_picture_is_the_one_that_a_codec_gives() {
        let [h, w] = [37, 50];
        let picture = picture([h, w]);
        for quality in [50, 75, 95] {
            let mut own = picture.clone();
            Jpeg {
                quality,
                subsampled: false,
            }
            .apply(&mut own, [h, w]);
            let bytes: Vec<u8> = (0..h * w)
                .flat_map(|k| [0, 1, 2].map(|c| grey_level(255.0 * picture[c * h * w + k]) as u8))
                .collect();
            let mut file = Vec::new();
            JpegEncoder::new_with_quality(&mut file, quality)
                .encode(&bytes, w as u32, h as u32, ExtendedColorType::Rgb8)
                .unwrap();
            let decoded = image::load_from_memory_with_format(&file, ImageFormat::Jpeg)
                .unwrap()
                .to_rgb8();
            let decoded: Vec<f32> = (0..3 * h * w)
                .map(|k| f32::from(decoded.as_raw()[3 * (k % (h * w)) + k / (h * w)]) / 255.0)
                .collect();
            let (difference, loss) = (root_mean_square(&own, &decoded), root_mean_square(&own, &picture));
            assert!(difference < loss / 2.0, "{quality}: {difference}, loss {loss}");
        }
    }

    #[test]
    fn half_resolution_loses_chroma_alone() {
        let size = [32, 48];
        let picture = picture(size);
        let mut gray = picture[..32 * 48].repeat(3);
        let mut same = gray.clone();
        Jpeg {
            quality: 80,
            subsampled: true,
        }
        .apply(&mut gray, size);
        Jpeg {
            quality: 80,
            subsampled: false,
        }
        .apply(&mut same, size);
        assert!(root_mean_square(&gray, &same) < 0.1);
        let (mut half, mut whole) = (picture.clone(), picture.clone());
        Jpeg {
            quality: 100,
            subsampled: true,
        }
        .apply(&mut half, size);
        Jpeg {
            quality: 100,
            subsampled: false,
        }
        .apply(&mut whole, size);
        let (half, whole) = (root_mean_square(&half, &picture), root_mean_square(&whole, &picture));
        assert!(half > 2.0 * whole && half < 12.0, "{half} and {whole}");
    }

    #[test]
    fn smooth_planes_keep_their_place() {
        let size = [9, 14];
        let ramp: Vec<f32> = (0..9 * 14).map(|k| (k % 14) as f32).collect();
        let (small, half) = halved(&ramp, size);
        let mut back = vec![0.0; ramp.len()];
        doubled(&small, half, &mut back, size);
        // But for the columns at the border, whose neighbours repeat.
        for (k, (value, expected)) in back
            .iter()
            .zip(&ramp)
            .enumerate()
            .filter(|(k, _)| (1..13).contains(&(k % 14)))
        {
            assert!((value - expected).abs() < 1e-5, "{k}: {value} and {expected}");
        }
    }
}
