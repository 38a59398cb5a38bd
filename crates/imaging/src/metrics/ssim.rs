//! Structural similarity.

use super::Pairs;
use crate::{Error, Image};

/// Side of the window in pixels.
const WINDOW: usize = 11;
/// Standard deviation of the window's Gaussian weights, in pixels.
const WINDOW_SIGMA: f64 = 1.5;
/// (K1 L)^2 with K1 = 0.01 and the range L = 1.
const C1: f64 = 0.01 * 0.01;
/// (K2 L)^2 with K2 = 0.03 and the range L = 1.
const C2: f64 = 0.03 * 0.03;

/// SSIM of each image of a batch, for the range [0, 1], the estimate clipped to [0, 1], in f64.
///
/// With means mu, variances and covariance taken under an 11x11 Gaussian window of standard deviation 1.5 whose weights
/// sum to 1,
///
/// ((2 mu_x mu_y + C1) (2 cov_xy + C2)) / ((mu_x^2 + mu_y^2 + C1) (var_x + var_y + C2)),  C1 = 0.01^2, C2 = 0.03^2,
///
/// averaged over all positions where the whole window lies in the image, and over channels. This is what scikit-image's
/// `structural_similarity` computes with `gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=1`.
///
/// Wang, Bovik, Sheikh and Simoncelli, *Image quality assessment: from error visibility to structural similarity*, 2004.
///
/// # Shapes
/// `[N, C, H, W]` both, H and W at least 11; N values.
///
/// # Errors
/// [`Error::Shape`] if the shapes differ or an image is smaller than the window; [`Error::Device`].
pub fn ssim(estimate: &Image, clean: &Image) -> Result<Vec<f64>, Error> {
    let pairs = Pairs::new("ssim", estimate, clean)?;
    let [channels, height, width] = pairs.dims;
    if height.min(width) < WINDOW {
        return Err(Error::Shape {
            operation: "ssim",
            expected: format!("images of at least {WINDOW}x{WINDOW} pixels"),
            got: format!("{height}x{width}"),
        });
    }
    let weights = window();
    let plane = height * width;
    let one = |(a, b): (&[f32], &[f32])| {
        let channel = |(a, b)| mean_ssim(a, b, width, &weights);
        a.chunks_exact(plane)
            .zip(b.chunks_exact(plane))
            .map(channel)
            .sum::<f64>()
            / channels as f64
    };
    Ok(pairs.iter().map(one).collect())
}

/// The one-dimensional factor of the window, normalised.
fn window() -> [f64; WINDOW] {
    let centre = (WINDOW / 2) as f64;
    let weights: [f64; WINDOW] =
        std::array::from_fn(|i| (-(i as f64 - centre).powi(2) / (2.0 * WINDOW_SIGMA.powi(2))).exp());
    let sum: f64 = weights.iter().sum();
    weights.map(|weight| weight / sum)
}

fn mean_ssim(estimate: &[f32], clean: &[f32], width: usize, weights: &[f64; WINDOW]) -> f64 {
    let x: Vec<f64> = estimate.iter().map(|&v| f64::from(v.clamp(0.0, 1.0))).collect();
    let y: Vec<f64> = clean.iter().map(|&v| f64::from(v)).collect();
    let products = |a: &[f64], b: &[f64]| -> Vec<f64> { a.iter().zip(b).map(|(a, b)| a * b).collect() };
    let [mx, my, xx, yy, xy] =
        [&x, &y, &products(&x, &x), &products(&y, &y), &products(&x, &y)].map(|plane| smooth(plane, width, weights));
    let total: f64 = (0..mx.len())
        .map(|i| {
            let (mx, my) = (mx[i], my[i]);
            let (var_x, var_y, cov) = (xx[i] - mx * mx, yy[i] - my * my, xy[i] - mx * my);
            ((2.0 * mx * my + C1) * (2.0 * cov + C2)) / ((mx * mx + my * my + C1) * (var_x + var_y + C2))
        })
        .sum();
    total / mx.len() as f64
}

/// The plane filtered by the window, at the positions where the window lies inside.
fn smooth(plane: &[f64], width: usize, weights: &[f64; WINDOW]) -> Vec<f64> {
    let inner = width + 1 - WINDOW;
    let rows: Vec<f64> = plane
        .chunks_exact(width)
        .flat_map(|row| {
            row.windows(WINDOW)
                .map(|part| part.iter().zip(weights).map(|(v, w)| v * w).sum::<f64>())
        })
        .collect();
    let mut out = vec![0.0; rows.len() - (WINDOW - 1) * inner];
    for (i, line) in out.chunks_exact_mut(inner).enumerate() {
        for (weight, row) in weights.iter().zip(rows[i * inner..].chunks_exact(inner)) {
            line.iter_mut().zip(row).for_each(|(sum, value)| *sum += weight * value);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;
    use crate::image_from_vec;

    #[test]
    fn an_image_is_like_itself() {
        let values: Vec<f32> = (0..11 * 13).map(|i| (i * 7 % 10) as f32 / 10.0).collect();
        let x = image_from_vec(values, [1, 1, 11, 13], &Device::default()).unwrap();
        assert!((ssim(&x, &x).unwrap()[0] - 1.0).abs() < 1e-14);
    }

    #[test]
    fn constant_images_compare_by_their_means() {
        let constant = |v: f32| Image::full([1, 1, 12, 12], v, &Device::default());
        // Variances vanish: (2 a b + C1) / (a^2 + b^2 + C1) with a = 0.5, b = 0.25, up to the cancellation in E x^2 - mu^2,
        // 1e-16 against C2 = 9e-4.
        let expected = (0.25 + C1) / (0.3125 + C1);
        assert!((ssim(&constant(0.5), &constant(0.25)).unwrap()[0] - expected).abs() < 1e-12);
    }

    #[test]
    fn images_smaller_than_the_window_are_refused() {
        let small = Image::zeros([1, 1, 10, 40], &Device::default());
        let message = ssim(&small, &small).unwrap_err().to_string();
        assert_eq!(message, "ssim: expected images of at least 11x11 pixels, got 10x40");
    }
}
