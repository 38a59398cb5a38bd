//! Two-dimensional FFTs on the host, for any lengths, in f64.
//!
//! Images are f32; the transforms run in f64 so that closed forms stay accurate for small rho, where a rounding error of
//! the spectrum is divided by rho.

mod complex;

use std::fmt;
use std::sync::Arc;

pub(crate) use complex::{ComplexFft2, transposed};

use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};
use rustfft::num_complex::Complex;
use rustfft::{Fft, FftPlanner};

/// Rows transformed together before they are written to the transposed spectrum: 16 complex values are 256 bytes,
/// four cache lines a store.
const TILE_ROWS: usize = 16;

/// The plan of a real 2-D FFT, unnormalised forward, 1/(rows cols) backward.
///
/// Only the non-redundant half of the spectrum is kept, transposed: the value at column frequency `kx` in
/// `0..=cols/2` and row frequency `ky` in `0..rows` has the index `kx * rows + ky`. A pointwise product does not see the
/// transposition, which saves two passes over memory.
#[derive(Clone)]
pub(crate) struct RealFft2 {
    rows: usize,
    cols: usize,
    row_forward: Arc<dyn RealToComplex<f64>>,
    row_inverse: Arc<dyn ComplexToReal<f64>>,
    col_forward: Arc<dyn Fft<f64>>,
    col_inverse: Arc<dyn Fft<f64>>,
}

impl fmt::Debug for RealFft2 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RealFft2({}x{})", self.rows, self.cols)
    }
}

impl RealFft2 {
    /// Plans transforms of `rows` x `cols` values; both at least 1.
    pub(crate) fn new(rows: usize, cols: usize) -> Self {
        let mut real = RealFftPlanner::new();
        let mut complex = FftPlanner::new();
        Self {
            rows,
            cols,
            row_forward: real.plan_fft_forward(cols),
            row_inverse: real.plan_fft_inverse(cols),
            col_forward: complex.plan_fft_forward(rows),
            col_inverse: complex.plan_fft_inverse(rows),
        }
    }

    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    pub(crate) fn cols(&self) -> usize {
        self.cols
    }

    /// Number of column frequencies that are kept: `cols / 2 + 1`.
    pub(crate) fn half_cols(&self) -> usize {
        self.cols / 2 + 1
    }

    /// The spectrum of the plane whose rows `fill` writes, called in order with the row's number.
    pub(crate) fn forward(&self, mut fill: impl FnMut(usize, &mut [f64])) -> Vec<Complex<f64>> {
        let (rows, half) = (self.rows, self.half_cols());
        let mut spectrum = vec![Complex::default(); rows * half];
        let mut row = vec![0.0; self.cols];
        let mut tile = vec![Complex::default(); TILE_ROWS * half];
        let mut scratch = self.row_forward.make_scratch_vec();
        for first in (0..rows).step_by(TILE_ROWS) {
            let count = TILE_ROWS.min(rows - first);
            for (r, line) in tile.chunks_exact_mut(half).take(count).enumerate() {
                fill(first + r, &mut row);
                self.row_forward
                    .process_with_scratch(&mut row, line, &mut scratch)
                    .expect("lengths are the plan's");
            }
            for kx in 0..half {
                let column = &mut spectrum[kx * rows + first..][..count];
                for (r, value) in column.iter_mut().enumerate() {
                    *value = tile[r * half + kx];
                }
            }
        }
        let mut scratch = vec![Complex::default(); self.col_forward.get_inplace_scratch_len()];
        self.col_forward.process_with_scratch(&mut spectrum, &mut scratch);
        spectrum
    }

    /// The spectrum of an f32 plane.
    pub(crate) fn forward_plane(&self, plane: &[f32]) -> Vec<Complex<f64>> {
        let cols = self.cols;
        self.forward(|row, values| {
            for (value, &pixel) in values.iter_mut().zip(&plane[row * cols..][..cols]) {
                *value = f64::from(pixel);
            }
        })
    }

    /// The plane with this spectrum; `emit` receives its rows in order.
    pub(crate) fn inverse(&self, mut spectrum: Vec<Complex<f64>>, mut emit: impl FnMut(usize, &[f64])) {
        let (rows, cols, half) = (self.rows, self.cols, self.half_cols());
        let mut scratch = vec![Complex::default(); self.col_inverse.get_inplace_scratch_len()];
        self.col_inverse.process_with_scratch(&mut spectrum, &mut scratch);
        let scale = 1.0 / (rows * cols) as f64;
        let mut row = vec![0.0; cols];
        let mut tile = vec![Complex::default(); TILE_ROWS * half];
        let mut scratch = self.row_inverse.make_scratch_vec();
        for first in (0..rows).step_by(TILE_ROWS) {
            let count = TILE_ROWS.min(rows - first);
            for kx in 0..half {
                for (r, value) in spectrum[kx * rows + first..][..count].iter().enumerate() {
                    tile[r * half + kx] = value * scale;
                }
            }
            for (r, line) in tile.chunks_exact_mut(half).take(count).enumerate() {
                // Rounding leaves an imaginary part of 1e-16 where a real row has none; the plan refuses it.
                line[0].im = 0.0;
                if cols.is_multiple_of(2) {
                    line[half - 1].im = 0.0;
                }
                self.row_inverse
                    .process_with_scratch(line, &mut row, &mut scratch)
                    .expect("lengths are the plan's");
                emit(first + r, &row);
            }
        }
    }

    /// Writes the plane with this spectrum to an f32 plane.
    pub(crate) fn inverse_plane(&self, spectrum: Vec<Complex<f64>>, plane: &mut [f32]) {
        let cols = self.cols;
        self.inverse(spectrum, |row, values| {
            for (pixel, &value) in plane[row * cols..][..cols].iter_mut().zip(values) {
                *pixel = value as f32;
            }
        });
    }
}

/// The value at any frequency of a real plane's spectrum, of which the half is stored: X(-k) = conj X(k).
pub(crate) fn at_frequency(half: &[Complex<f64>], rows: usize, cols: usize, ky: usize, kx: usize) -> Complex<f64> {
    if kx <= cols / 2 {
        half[kx * rows + ky]
    } else {
        half[(cols - kx) * rows + (rows - ky) % rows].conj()
    }
}

/// The smallest even length >= `n` without prime factors above 5, for transforms that may be padded.
pub(crate) fn fast_length(n: usize) -> usize {
    let is_fast = |mut m: usize| {
        for p in [2, 3, 5] {
            while m.is_multiple_of(p) {
                m /= p;
            }
        }
        m == 1
    };
    (n.max(2)..).find(|&m| m.is_multiple_of(2) && is_fast(m)).unwrap_or(n)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plane(rows: usize, cols: usize) -> Vec<f32> {
        (0..rows * cols)
            .map(|i| ((i * 7919 + 13) % 101) as f32 / 101.0)
            .collect()
    }

    #[test]
    fn forward_is_the_discrete_fourier_transform() {
        for (rows, cols) in [(1, 1), (1, 5), (4, 6), (7, 5), (17, 18)] {
            let x = plane(rows, cols);
            let fft = RealFft2::new(rows, cols);
            let spectrum = fft.forward_plane(&x);
            for ky in 0..rows {
                for kx in 0..cols {
                    let mut expected = Complex::new(0.0, 0.0);
                    for i in 0..rows {
                        for j in 0..cols {
                            let turns = (ky * i) as f64 / rows as f64 + (kx * j) as f64 / cols as f64;
                            let angle = -2.0 * std::f64::consts::PI * turns;
                            expected += Complex::from_polar(f64::from(x[i * cols + j]), angle);
                        }
                    }
                    let got = at_frequency(&spectrum, rows, cols, ky, kx);
                    assert!(
                        (got - expected).norm() < 1e-10,
                        "{rows}x{cols} at {ky},{kx}: {got} {expected}"
                    );
                }
            }
        }
    }

    #[test]
    fn inverse_undoes_forward_for_awkward_lengths() {
        for (rows, cols) in [(1, 1), (2, 1), (3, 481), (33, 31), (40, 16)] {
            let x = plane(rows, cols);
            let fft = RealFft2::new(rows, cols);
            let mut back = vec![0.0; x.len()];
            fft.inverse_plane(fft.forward_plane(&x), &mut back);
            // f64 transforms lose 1e-15, which can round to a neighbouring f32 at most.
            let worst = back.iter().zip(&x).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(worst < 1e-7, "{rows}x{cols}: {worst:e}");
        }
    }

    #[test]
    fn fast_lengths_are_even_and_smooth() {
        assert_eq!([1, 2, 7, 11, 257, 280].map(fast_length), [2, 2, 8, 12, 270, 288]);
    }
}
