//! Denoising of correlated noise, coarse scales first.

use tweedie_imaging::{Denoiser, Image, Sigma};

use crate::Error;

/// Smallest side of an image at the coarsest resolution.
const LEAST_SIDE: usize = 16;

/// x = D(y + U(z - M y), levels\[0\]) with z the same of M y at half the resolution, and D(M^2 y, levels\[2\]) at a quarter.
///
/// M takes means of 2x2 pixels and U interpolates linearly. Noise that is blurred at full resolution is nearly white at a coarser one,
/// where a denoiser for white noise takes it away; what a scale changed is added to the finer one, which then
/// holds high frequencies of noise alone.
///
/// # Errors
/// What the denoiser fails with.
pub fn denoise_scales(denoiser: &dyn Denoiser, y: Image, levels: [Sigma; 3]) -> Result<Image, Error> {
    denoise_from(denoiser, y, &levels)
}

fn denoise_from(denoiser: &dyn Denoiser, y: Image, levels: &[Sigma]) -> Result<Image, Error> {
    let Some((&level, coarser)) = levels.split_first() else {
        return Ok(y);
    };
    let [_, _, rows, cols] = y.dims();
    let mut x = y;
    if !coarser.is_empty() && rows.min(cols) >= 2 * LEAST_SIDE {
        let half = halved(x.clone());
        let change = denoise_from(denoiser, half.clone(), coarser)? - half;
        x = x + doubled(change, [rows, cols]);
    }
    Ok(denoiser.denoise(x, denoiser.info().sigma.nearest(level))?)
}

/// Means of 2x2 pixels; an odd last row or column is left out.
fn halved(x: Image) -> Image {
    let [batch, channels, rows, cols] = x.dims();
    let (h, w) = (rows / 2, cols / 2);
    let even = x.narrow(2, 0, 2 * h).narrow(3, 0, 2 * w);
    even.reshape([batch, channels, h, 2, w, 2])
        .mean_dim(5)
        .mean_dim(3)
        .reshape([batch, channels, h, w])
}

/// Twice the size by linear interpolation between the centres of pixels; the border is continued, also into an odd last row or column.
fn doubled(x: Image, size: [usize; 2]) -> Image {
    let along = |x: Image, dim: usize, length: usize| {
        let n = x.dims()[dim];
        let first = x.clone().narrow(dim, 0, 1);
        let last = x.clone().narrow(dim, n - 1, 1);
        let before = Image::cat(vec![first, x.clone().narrow(dim, 0, n - 1)], dim);
        let after = Image::cat(vec![x.clone().narrow(dim, 1, n - 1), last], dim);
        let mut dims = x.dims();
        dims[dim] = 2 * n;
        let even = x.clone() * 0.75 + before * 0.25;
        let odd = x * 0.75 + after * 0.25;
        // Interleaved: a new axis right after `dim`, then one axis again.
        let both: burn::tensor::Tensor<5> = burn::tensor::Tensor::stack(vec![even, odd], dim + 1);
        let both: Image = both.reshape(dims);
        match length - 2 * n {
            0 => both,
            _ => Image::cat(vec![both.clone(), both.narrow(dim, 2 * n - 1, 1)], dim),
        }
    };
    along(along(x, 2, size[0]), 3, size[1])
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;
    use tweedie_imaging::{image_from_vec, vec_from_image};

    use super::*;

    /// A ramp of odd size comes back from half its size, but for the border.
    #[test]
    fn ramps_survive() {
        let (rows, cols) = (9, 11);
        let ramp = (0..rows * cols)
            .map(|n| (n / cols) as f32 + 10.0 * (n % cols) as f32)
            .collect();
        let image = image_from_vec(ramp, [1, 1, rows, cols], &Device::flex()).unwrap();
        let half = halved(image.clone());
        assert_eq!(half.dims(), [1, 1, 4, 5]);
        let back = vec_from_image(&doubled(half, [rows, cols])).unwrap();
        for i in 1..7 {
            for j in 1..9 {
                let expected = i as f32 + 10.0 * j as f32;
                assert!((back[i * cols + j] - expected).abs() < 1e-4, "{i} {j}");
            }
        }
    }
}
