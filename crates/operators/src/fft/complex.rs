//! The complex 2-D FFT.

use std::fmt;
use std::sync::Arc;

use rustfft::num_complex::Complex;
use rustfft::{Fft, FftPlanner};

/// The plan of an orthonormal complex 2-D FFT: both directions divide by sqrt(rows cols), so that each is the other's adjoint.
///
/// A spectrum is transposed like that of [`super::RealFft2`]: frequency (ky, kx) has the index `kx * rows + ky`.
#[derive(Clone)]
pub(crate) struct ComplexFft2 {
    rows: usize,
    cols: usize,
    row: [Arc<dyn Fft<f64>>; 2],
    col: [Arc<dyn Fft<f64>>; 2],
}

impl fmt::Debug for ComplexFft2 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ComplexFft2({}x{})", self.rows, self.cols)
    }
}

impl ComplexFft2 {
    /// Plans transforms of `rows` x `cols` values; both at least 1.
    pub(crate) fn new(rows: usize, cols: usize) -> Self {
        let mut planner = FftPlanner::new();
        let row = [planner.plan_fft_forward(cols), planner.plan_fft_inverse(cols)];
        let col = [planner.plan_fft_forward(rows), planner.plan_fft_inverse(rows)];
        Self { rows, cols, row, col }
    }

    /// The spectrum of a plane.
    pub(crate) fn forward(&self, mut plane: Vec<Complex<f64>>) -> Vec<Complex<f64>> {
        process(&self.row[0], &mut plane);
        let mut spectrum = transposed(&plane, self.rows, self.cols);
        process(&self.col[0], &mut spectrum);
        self.scale(&mut spectrum);
        spectrum
    }

    /// The plane of a spectrum.
    pub(crate) fn inverse(&self, mut spectrum: Vec<Complex<f64>>) -> Vec<Complex<f64>> {
        process(&self.col[1], &mut spectrum);
        let mut plane = transposed(&spectrum, self.cols, self.rows);
        process(&self.row[1], &mut plane);
        self.scale(&mut plane);
        plane
    }

    fn scale(&self, values: &mut [Complex<f64>]) {
        let scale = 1.0 / ((self.rows * self.cols) as f64).sqrt();
        values.iter_mut().for_each(|value| *value *= scale);
    }
}

fn process(plan: &Arc<dyn Fft<f64>>, values: &mut [Complex<f64>]) {
    let mut scratch = vec![Complex::default(); plan.get_inplace_scratch_len()];
    plan.process_with_scratch(values, &mut scratch);
}

/// The transpose of a `rows` x `cols` matrix.
pub(crate) fn transposed<T: Copy + Default>(values: &[T], rows: usize, cols: usize) -> Vec<T> {
    // Rows in tiles, so that a cache line of the output is filled while it is at hand.
    const TILE: usize = 16;
    let mut out = vec![T::default(); values.len()];
    for first in (0..rows).step_by(TILE) {
        for j in 0..cols {
            for i in first..(first + TILE).min(rows) {
                out[j * rows + i] = values[i * cols + j];
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fft::{RealFft2, at_frequency};

    #[test]
    fn agrees_with_the_real_transform_and_inverts() {
        for (rows, cols) in [(1, 1), (5, 7), (12, 8), (33, 18)] {
            let x: Vec<f32> = (0..rows * cols)
                .map(|i| ((i * 7919 + 13) % 101) as f32 / 101.0)
                .collect();
            let real = RealFft2::new(rows, cols).forward_plane(&x);
            let fft = ComplexFft2::new(rows, cols);
            let spectrum = fft.forward(x.iter().map(|&x| Complex::from(f64::from(x))).collect());
            let scale = 1.0 / ((rows * cols) as f64).sqrt();
            for kx in 0..cols {
                for ky in 0..rows {
                    let expected = at_frequency(&real, rows, cols, ky, kx) * scale;
                    assert!(
                        (spectrum[kx * rows + ky] - expected).norm() < 1e-12,
                        "{rows}x{cols} at {ky},{kx}"
                    );
                }
            }
            for (back, &x) in fft.inverse(spectrum).iter().zip(&x) {
                assert!((back - f64::from(x)).norm() < 1e-12, "{rows}x{cols}");
            }
        }
    }
}
