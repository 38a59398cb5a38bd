//! Image quality against a known clean image.

use crate::{Error, Image, vec_from_image};

/// PSNR in dB of each image of a batch: 10 log10(1 / MSE) for the range [0, 1], the estimate clipped to [0, 1], in f64.
///
/// # Errors
/// [`Error::Shape`] if the shapes differ.
pub fn psnr(estimate: &Image, clean: &Image) -> Result<Vec<f64>, Error> {
    let dims = clean.dims();
    if estimate.dims() != dims {
        return Err(Error::Shape {
            operation: "psnr",
            expected: format!("{dims:?}"),
            got: format!("{:?}", estimate.dims()),
        });
    }
    let (estimate, clean) = (vec_from_image(estimate)?, vec_from_image(clean)?);
    let size = dims[1..].iter().product::<usize>().max(1);
    let squared = |a: &f32, b: &f32| (f64::from(a.clamp(0.0, 1.0)) - f64::from(*b)).powi(2);
    Ok(estimate
        .chunks(size)
        .zip(clean.chunks(size))
        .map(|(a, b)| -10.0 * (a.iter().zip(b).map(|(a, b)| squared(a, b)).sum::<f64>() / size as f64).log10())
        .collect())
}
