//! Noise as a camera's own denoising leaves it.

use rand_chacha::ChaCha8Rng;

use super::color::{rgb_from_ycc, ycc_from_rgb};
use super::draw::{between, log_between};

/// Standard deviation in pixels of the Gaussian by which the luma noise is smoothed. Noise of 0.67 pixels has the
/// correlation of 0.57 between neighbours that was found in JPEG files of one camera.
const LUMA: [f64; 2] = [0.2, 1.0];
/// The same for chroma, which cameras smooth much more.
const CHROMA: [f64; 2] = [0.5, 4.0];
/// What is left of the chroma noise.
const CHROMA_GAIN: [f64; 2] = [0.3, 1.0];

/// Smooths noise, `[3, H, W]`, with its strength kept: the kernels have unit sum of squares.
pub(super) fn smooth(noise: &mut [f32], size: [usize; 2], rng: &mut ChaCha8Rng) {
    let (luma, chroma) = (between(LUMA, rng), log_between(CHROMA, rng));
    let gain = between(CHROMA_GAIN, rng) as f32;
    ycc_from_rgb(noise);
    for (index, plane) in noise.chunks_exact_mut(size[0] * size[1]).enumerate() {
        if index == 0 {
            blur(plane, size, &kernel(luma, 1.0));
        } else {
            blur(plane, size, &kernel(chroma, gain.sqrt()));
        }
    }
    rgb_from_ycc(noise);
}

/// One half of a symmetric Gaussian kernel, from its centre; `norm` is the root of the sum of squares of the whole.
fn kernel(std: f64, norm: f32) -> Vec<f32> {
    let radius = libm::ceil(3.0 * std) as usize;
    let half: Vec<f32> = (0..=radius)
        .map(|k| libm::exp(-((k * k) as f64) / (2.0 * std * std)) as f32)
        .collect();
    let square: f32 = half.iter().map(|v| v * v).sum::<f32>() * 2.0 - half[0] * half[0];
    half.iter().map(|v| v * norm / square.sqrt()).collect()
}

/// Along rows, then along columns; the plane is mirrored at its border.
fn blur(plane: &mut [f32], [h, w]: [usize; 2], half: &[f32]) {
    let rows = filtered(plane, [h, w], half);
    let columns = filtered(&transposed(&rows, [h, w]), [w, h], half);
    plane.copy_from_slice(&transposed(&columns, [w, h]));
}

fn filtered(plane: &[f32], [h, w]: [usize; 2], half: &[f32]) -> Vec<f32> {
    let radius = half.len() - 1;
    let mut out = vec![0.0; h * w];
    let mut padded = vec![0.0; w + 2 * radius];
    for (row, out) in plane.chunks_exact(w).zip(out.chunks_exact_mut(w)) {
        for (k, value) in padded.iter_mut().enumerate() {
            // Half-sample mirror, repeated for planes that are narrower than the kernel.
            let position = (k + 2 * w * radius - radius) % (2 * w);
            *value = row[position.min(2 * w - 1 - position)];
        }
        let mut add = |weight: f32, start: usize| {
            for (out, value) in out.iter_mut().zip(&padded[start..]) {
                *out += weight * value;
            }
        };
        add(half[0], radius);
        for (k, weight) in half.iter().enumerate().skip(1) {
            add(*weight, radius - k);
            add(*weight, radius + k);
        }
    }
    out
}

fn transposed(plane: &[f32], [h, w]: [usize; 2]) -> Vec<f32> {
    (0..h * w).map(|k| plane[k % h * w + k / h]).collect()
}

#[cfg(test)]
mod tests {
    use rand_chacha::rand_core::SeedableRng;
    use tweedie_imaging::noise::gaussian_values;

    use super::*;

    #[test]
    fn white_noise_keeps_its_luma_variance_and_becomes_related() {
        let size = [96, 128];
        let mut noise = gaussian_values(3 * 96 * 128, 0.1, 1, 2);
        let before: f32 = {
            let mut ycc = noise.clone();
            ycc_from_rgb(&mut ycc);
            ycc[..96 * 128].iter().map(|v| v * v).sum()
        };
        smooth(&mut noise, size, &mut ChaCha8Rng::seed_from_u64(1));
        ycc_from_rgb(&mut noise);
        let energy = |plane: &[f32]| -> f32 { plane.iter().map(|v| v * v).sum() };
        let neighbours =
            |plane: &[f32]| -> f32 { plane.windows(2).map(|pair| pair[0] * pair[1]).sum::<f32>() / energy(plane) };
        let [luma, cb, _] = [0, 1, 2].map(|c| &noise[c * 96 * 128..(c + 1) * 96 * 128]);
        assert!((energy(luma) / before - 1.0).abs() < 0.1, "{}", energy(luma) / before);
        assert!(neighbours(luma) > 0.05 && neighbours(cb) > neighbours(luma));
    }

    #[test]
    fn a_kernel_is_a_separable_gaussian() {
        let half = kernel(0.67, 1.0);
        let size = [9, 11];
        let mut plane = vec![0.0; 99];
        plane[4 * 11 + 5] = 1.0;
        blur(&mut plane, size, &half);
        assert!((plane.iter().map(|v| v * v).sum::<f32>() - 1.0).abs() < 1e-5);
        assert!((plane[4 * 11 + 6] / plane[4 * 11 + 5] - libm::expf(-1.0 / (2.0 * 0.67 * 0.67))).abs() < 1e-4);
        assert_eq!(plane[3 * 11 + 5], plane[5 * 11 + 5]);
        // Narrower than the kernel.
        let mut small = vec![1.0; 6];
        blur(&mut small, [2, 3], &kernel(3.0, 1.0));
        assert!(small.iter().all(|v| (v - small[0]).abs() < 1e-5));
    }
}
