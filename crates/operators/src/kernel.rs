//! Blur kernels.

mod estimate;
mod parse;
mod resampling;
mod shapes;

pub use estimate::{KernelEstimate, KernelShape, estimate_kernel};
pub use resampling::Resampling;

use rustfft::num_complex::Complex;

use crate::Error;
use crate::fft::RealFft2;
use crate::host::{parameter, require_positive};

/// A blur kernel: `r` x `c` finite weights that sum to 1; negative weights are legal.
#[derive(Clone, Debug, PartialEq)]
pub struct Kernel {
    rows: usize,
    cols: usize,
    values: Vec<f64>,
}

impl Kernel {
    /// A kernel from its values in row order, divided by their sum, so that blur keeps the mean brightness.
    ///
    /// A kernel in 8-bit grey levels is thus as good as its normalised form.
    ///
    /// # Errors
    /// If the number of values is not `rows * cols` or zero, a value is NaN or infinite, or the sum is not positive (less than
    /// 1e-6 of the sum of magnitudes): such a kernel is no blur.
    pub fn new(rows: usize, cols: usize, values: Vec<f64>) -> Result<Self, Error> {
        if values.is_empty() || rows.checked_mul(cols) != Some(values.len()) {
            return Err(parameter(
                "kernel",
                format!("{rows} x {cols} values"),
                format!("{} values", values.len()),
            ));
        }
        if let Some(value) = values.iter().find(|value| !value.is_finite()) {
            return Err(parameter("kernel", "finite values".into(), value.to_string()));
        }
        let sum: f64 = values.iter().sum();
        let magnitude: f64 = values.iter().map(|value| value.abs()).sum();
        // Negated, so that a sum that overflows to NaN is refused too.
        if !(sum > 1e-6 * magnitude && sum.is_finite()) {
            return Err(parameter(
                "kernel",
                "values with a positive sum".into(),
                format!("a sum of {sum}"),
            ));
        }
        // A sum of 1 up to rounding is left alone: a kernel that was normalised and stored comes back bit for bit.
        let divisor = if (sum - 1.0).abs() <= 1e-12 { 1.0 } else { sum };
        Ok(Self {
            rows,
            cols,
            values: values.iter().map(|value| value / divisor).collect(),
        })
    }

    /// Gaussian exp(-((i - m)^2 + (j - m)^2) / (2 sigma^2)), m = (size - 1)/2, normalised: MATLAB's `fspecial('gaussian')`.
    ///
    /// `sigma` is in pixels, > 0. An even size has its middle between two pixels, so that it moves the image by half a pixel.
    ///
    /// # Errors
    /// If `sigma` is not positive and finite, or `size` is zero.
    pub fn gaussian(sigma: f64, size: usize) -> Result<Self, Error> {
        require_positive("gaussian kernel", "sigma", sigma)?;
        require_size("gaussian kernel", size)?;
        let middle = (size as f64 - 1.0) / 2.0;
        let weight = |i: usize| (-(i as f64 - middle).powi(2) / (2.0 * sigma * sigma)).exp();
        let values: Vec<f64> = (0..size * size).map(|n| weight(n / size) * weight(n % size)).collect();
        Self::new(size, size, values)
    }

    /// The size that a Gaussian gets when none is named: 2 ceil(4 sigma) + 1, beyond which less than 1e-4 of its mass lies.
    ///
    /// # Errors
    /// If `sigma` is not positive, or so large that the kernel would exceed [`MAX_SIZE`].
    pub fn gaussian_size(sigma: f64) -> Result<usize, Error> {
        require_positive("gaussian kernel", "sigma", sigma)?;
        let size = 2.0 * (4.0 * sigma).ceil() + 1.0;
        if size > MAX_SIZE as f64 {
            return Err(parameter(
                "gaussian kernel",
                format!("a size up to {MAX_SIZE}"),
                size.to_string(),
            ));
        }
        Ok(size as usize)
    }

    /// The mean over `size` x `size` pixels.
    ///
    /// # Errors
    /// If `size` is zero or exceeds [`MAX_SIZE`].
    pub fn uniform(size: usize) -> Result<Self, Error> {
        require_size("uniform kernel", size)?;
        Self::new(size, size, vec![1.0; size * size])
    }

    /// Rows and columns.
    pub fn dims(&self) -> [usize; 2] {
        [self.rows, self.cols]
    }

    /// The weights in row order; their sum is 1.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// How far the blurred picture lies from the picture, in rows and columns: the centre of mass of x around a measured pixel,
    /// floor(size/2) - sum_u u k\[u\]. Half a pixel for symmetric kernels of even size.
    pub(crate) fn displacement(&self) -> [f64; 2] {
        let mut centre = [0.0; 2];
        for (index, value) in self.values.iter().enumerate() {
            centre[0] += (index / self.cols) as f64 * value;
            centre[1] += (index % self.cols) as f64 * value;
        }
        [(self.rows / 2) as f64 - centre[0], (self.cols / 2) as f64 - centre[1]]
    }

    /// |k| without normalisation, for bounds.
    pub(crate) fn absolute(&self) -> Self {
        Self {
            values: self.values.iter().map(|value| value.abs()).collect(),
            ..self.clone()
        }
    }

    /// The spectrum of the kernel on a grid, where the value \[u, v\] lies at (u, v) - `shift`, wrapped around.
    pub(crate) fn transfer(&self, fft: &RealFft2, shift: [usize; 2]) -> Vec<Complex<f64>> {
        let (rows, cols) = (fft.rows(), fft.cols());
        let wrap = |index: usize, shift: usize, size: usize| (index + size - shift % size) % size;
        let mut grid = vec![0.0; rows * cols];
        for (index, value) in self.values.iter().enumerate() {
            let (u, v) = (index / self.cols, index % self.cols);
            // A kernel larger than the grid wraps around and adds up, as the periodic image demands.
            grid[wrap(u, shift[0], rows) * cols + wrap(v, shift[1], cols)] += value;
        }
        fft.forward(|row, values| values.copy_from_slice(&grid[row * cols..][..cols]))
    }
}

/// Largest side of a kernel that is made from parameters; beyond it a typing error is likelier than a wish.
pub const MAX_SIZE: usize = 4095;

fn require_size(operation: &'static str, size: usize) -> Result<(), Error> {
    if (1..=MAX_SIZE).contains(&size) {
        return Ok(());
    }
    Err(parameter(
        operation,
        format!("a size from 1 to {MAX_SIZE}"),
        size.to_string(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaussian_is_fspecial() {
        // fspecial('gaussian', 3, 0.5), as printed by MATLAB's documentation of its default.
        let kernel = Kernel::gaussian(0.5, 3).unwrap();
        let expected = [
            0.011344, 0.083820, 0.011344, 0.083820, 0.619347, 0.083820, 0.011344, 0.083820, 0.011344,
        ];
        for (got, expected) in kernel.values().iter().zip(expected) {
            assert!((got - expected).abs() < 1e-6, "{got} {expected}");
        }
    }

    #[test]
    fn values_are_divided_by_their_sum() {
        let kernel = Kernel::new(1, 3, vec![0.0, 64.0, 192.0]).unwrap();
        assert_eq!(kernel.values(), [0.0, 0.25, 0.75]);
        assert_eq!(Kernel::uniform(2).unwrap().values(), [0.25; 4]);
        // 25 times 0.04 is not 1 in floating point.
        let uniform = Kernel::uniform(5).unwrap();
        assert_eq!(Kernel::new(5, 5, uniform.values().to_vec()).unwrap(), uniform);
    }

    #[test]
    fn refuses_what_is_no_blur() {
        for values in [
            vec![],
            vec![1.0, -1.0],
            vec![f64::NAN, 1.0],
            vec![0.0, 0.0],
            vec![1.0],
            vec![f64::MAX; 2],
        ] {
            assert!(Kernel::new(1, 2, values.clone()).is_err(), "{values:?}");
        }
        assert!(Kernel::gaussian(0.0, 3).is_err());
        assert!(Kernel::gaussian(1.0, 0).is_err());
        assert!(Kernel::uniform(0).is_err());
        assert!(Kernel::gaussian_size(1e9).is_err());
    }
}
