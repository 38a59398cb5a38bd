//! Image quality against a known clean image. Nothing here is averaged over images: means of a data set are means of
//! these values.

mod ssim;

pub use ssim::ssim;

use crate::{Error, Image, vec_from_image};

/// PSNR in dB of each image of a batch: 10 log10(1 / MSE) for the range [0, 1], the estimate clipped to [0, 1], in f64.
///
/// MSE is the mean over all pixels and channels of an image. Equal images have the PSNR +infinity; an estimate with NaN
/// has NaN.
///
/// # Shapes
/// `[N, C, H, W]` both; N values.
///
/// # Errors
/// [`Error::Shape`] if the shapes differ or are empty; [`Error::Device`].
pub fn psnr(estimate: &Image, clean: &Image) -> Result<Vec<f64>, Error> {
    let pairs = Pairs::new("psnr", estimate, clean)?;
    let squared = |(a, b): (&f32, &f32)| (f64::from(a.clamp(0.0, 1.0)) - f64::from(*b)).powi(2);
    let mse = |(a, b): (&[f32], &[f32])| a.iter().zip(b).map(squared).sum::<f64>() / a.len() as f64;
    Ok(pairs.iter().map(|pair| -10.0 * mse(pair).log10()).collect())
}

/// SNR in dB of each image of a batch: 10 log10(sum x^2 / sum (x - x_hat)^2) for the clean image x and its estimate
/// x_hat, in f64, nothing clipped.
///
/// Some papers on magnetic resonance imaging print this number as PSNR.
///
/// # Shapes
/// `[N, C, H, W]` both; N values.
///
/// # Errors
/// [`Error::Shape`] if the shapes differ or are empty; [`Error::Device`].
pub fn snr(estimate: &Image, clean: &Image) -> Result<Vec<f64>, Error> {
    let pairs = Pairs::new("snr", estimate, clean)?;
    let squared = |(a, b): (&f32, &f32)| (f64::from(*a) - f64::from(*b)).powi(2);
    Ok(pairs
        .iter()
        .map(|(a, b)| {
            let signal: f64 = b.iter().map(|&b| f64::from(b).powi(2)).sum();
            10.0 * (signal / a.iter().zip(b).map(squared).sum::<f64>()).log10()
        })
        .collect())
}

/// Host copies of an estimate and of the clean image.
struct Pairs {
    estimate: Vec<f32>,
    clean: Vec<f32>,
    /// `[C, H, W]`.
    dims: [usize; 3],
}

impl Pairs {
    fn new(operation: &'static str, estimate: &Image, clean: &Image) -> Result<Self, Error> {
        let [n, c, h, w] = clean.dims();
        let got = estimate.dims();
        if got != clean.dims() || n * c * h * w == 0 {
            let expected = format!("the clean image's shape {:?} without zeros", clean.dims());
            return Err(Error::Shape {
                operation,
                expected,
                got: format!("{got:?}"),
            });
        }
        Ok(Self {
            estimate: vec_from_image(estimate)?,
            clean: vec_from_image(clean)?,
            dims: [c, h, w],
        })
    }

    /// Estimate and clean image, one batch element after the other.
    fn iter(&self) -> impl Iterator<Item = (&[f32], &[f32])> {
        let length = self.dims.iter().product();
        self.estimate.chunks_exact(length).zip(self.clean.chunks_exact(length))
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;
    use crate::image_from_vec;

    fn image(values: &[f32]) -> Image {
        image_from_vec(values.to_vec(), [1, 1, 1, values.len()], &Device::default()).unwrap()
    }

    #[test]
    fn psnr_by_hand() {
        // MSE = (0.5^2 + 0^2) / 2 = 0.125 after 1.5 has been clipped to 1.
        let got = psnr(&image(&[0.5, 1.5]), &image(&[0.0, 1.0])).unwrap();
        assert!((got[0] - 10.0 * 8f64.log10()).abs() < 1e-12, "{got:?}");
    }

    #[test]
    fn snr_by_hand_does_not_clip() {
        // Signal 1, error 0.5^2 + 0.5^2.
        let got = snr(&image(&[0.5, 1.5]), &image(&[0.0, 1.0])).unwrap();
        assert!((got[0] - 10.0 * 2f64.log10()).abs() < 1e-12, "{got:?}");
    }

    #[test]
    fn images_are_measured_one_by_one() {
        let device = Device::default();
        let clean = image_from_vec(vec![0.0; 4], [2, 1, 1, 2], &device).unwrap();
        let estimate = image_from_vec(vec![0.1, 0.1, 0.01, 0.01], [2, 1, 1, 2], &device).unwrap();
        let got = psnr(&estimate, &clean).unwrap();
        // 0.1 and 0.01 are rounded to f32: relative 6e-8, 5e-7 dB.
        assert!((got[0] - 20.0).abs() < 1e-6 && (got[1] - 40.0).abs() < 1e-6, "{got:?}");
    }

    #[test]
    fn equal_images_and_nan() {
        let x = image(&[0.25, 0.75]);
        assert_eq!(psnr(&x, &x).unwrap(), [f64::INFINITY]);
        assert_eq!(snr(&x, &x).unwrap(), [f64::INFINITY]);
        assert!(psnr(&image(&[f32::NAN, 0.5]), &x).unwrap()[0].is_nan());
    }

    #[test]
    fn other_shapes_are_refused() {
        let (a, b) = (image(&[0.0; 6]), image(&[0.0; 6]).reshape([1, 2, 1, 3]));
        for metric in [psnr, snr, ssim] {
            assert!(matches!(metric(&a, &b), Err(Error::Shape { .. })));
        }
    }
}
