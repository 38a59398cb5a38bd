//! Whether A^T is the adjoint of A.

use tweedie_imaging::Image;

use crate::{dot, norm};

/// The relative adjoint gap |<Ax, y> - <x, A^T y>| / (||Ax|| ||y||), with inner products in f64.
///
/// An exact adjoint in f32 gives about 1e-7; a wrong one gives 1e-2 and more for random `x` and `y` of moderate size.
/// The gap is NaN if Ax or y is zero, so that no comparison with a tolerance holds.
///
/// # Errors
/// Those of `apply` and `adjoint`.
pub fn adjoint_gap<E>(
    x: &Image,
    y: &Image,
    apply: impl Fn(Image) -> Result<Image, E>,
    adjoint: impl Fn(Image) -> Result<Image, E>,
) -> Result<f64, E> {
    let ax = apply(x.clone())?;
    let aty = adjoint(y.clone())?;
    Ok((dot(&ax, y) - dot(x, &aty)).abs() / (norm(&ax) * norm(y)))
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use burn::tensor::Device;

    use super::*;
    use crate::normal;

    fn shift(x: Image, by: i32) -> Result<Image, Infallible> {
        Ok(x.roll(&[by], &[3usize]))
    }

    #[test]
    fn tells_an_adjoint_from_another_operator() {
        let device = Device::default();
        let (x, y) = (normal([1, 1, 9, 8], 1, &device), normal([1, 1, 9, 8], 2, &device));
        let right = adjoint_gap(&x, &y, |x| shift(x, 1), |y| shift(y, -1)).unwrap();
        let wrong = adjoint_gap(&x, &y, |x| shift(x, 1), |y| shift(y, 1)).unwrap();
        assert!(right < 1e-6, "{right}");
        assert!(wrong > 1e-3, "{wrong}");
    }

    #[test]
    fn a_zero_operator_never_passes() {
        let x = normal([1, 1, 4, 4], 1, &Device::default());
        let zero = |x: Image| Ok::<_, Infallible>(x.zeros_like());
        assert!(adjoint_gap(&x, &x, zero, zero).unwrap().is_nan());
    }
}
