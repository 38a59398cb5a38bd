//! Compressed sensing with a fast random transform.

use tweedie_imaging::Image;
use tweedie_imaging::random::{Rng as _, choose, generator};

use crate::fft::{RealFft2, at_frequency};
use crate::host::{map_blocks, parameter, require_batch, require_domain, require_positive};
use crate::{Error, LinearOperator, NormalSolve};

/// y = S H D x: random signs D, the orthonormal 2-D Hartley transform H, and a random choice S of its coefficients.
///
/// H x = (Re F x - Im F x) / sqrt(H W) is real, orthonormal, its own inverse, and exists for any size at the cost of one real
/// FFT; the signs spread every image evenly over its coefficients, so that a random choice of them is incoherent with natural
/// images (structurally random matrices: Do, Gan, Nguyen and Tran, *Fast and efficient compressive sensing using structurally random
/// matrices*, 2012). Signs and choice are the same for all channels and on every machine for one seed.
///
/// # Shapes
/// Domain `[C, H, W]`, codomain `[C, 1, m]` with m = round(ratio H W).
///
/// A A^T = I, ||A||^2 = 1, closed form (A^T A + rho I)^-1 b = \[b - A^T A b / (1 + rho)\] / rho.
#[derive(Clone, Debug)]
pub struct CompressedSensing {
    domain: [usize; 3],
    fft: RealFft2,
    /// -1 or 1 for each pixel.
    signs: Vec<f64>,
    /// The coefficients that are kept, ascending, as ky * W + kx.
    chosen: Vec<usize>,
}

impl CompressedSensing {
    /// Measures round(`ratio` H W) values of each channel.
    ///
    /// # Errors
    /// If a size is zero, or unless 0 < `ratio` <= 1 and at least one value is measured.
    pub fn new(domain: [usize; 3], ratio: f64, seed: u64) -> Result<Self, Error> {
        require_domain("compressed sensing", domain)?;
        let [_, rows, cols] = domain;
        let pixels = rows * cols;
        let count = (ratio * pixels as f64).round();
        if !(ratio > 0.0 && ratio <= 1.0 && count >= 1.0) {
            let expected = format!("a ratio in (0, 1] that measures at least one of {pixels} coefficients");
            return Err(parameter("compressed sensing", expected, ratio.to_string()));
        }
        let mut rng = generator(seed);
        let signs = (0..pixels)
            .map(|_| if rng.next_u32() & 1 == 0 { 1.0 } else { -1.0 })
            .collect();
        let mut chosen = choose(count as usize, pixels, &mut rng);
        chosen.sort_unstable();
        Ok(Self {
            domain,
            fft: RealFft2::new(rows, cols),
            signs,
            chosen,
        })
    }

    /// The signs D, -1 or 1 for each pixel, row by row.
    pub fn signs(&self) -> &[f64] {
        &self.signs
    }

    /// The coefficients that are measured, ascending: ky W + kx, with the zero frequency at 0.
    pub fn chosen(&self) -> &[usize] {
        &self.chosen
    }

    /// Calls `emit` with the coefficients of H v at `indices`, in their order; `fill` writes the rows of v.
    fn hartley(
        &self,
        fill: impl FnMut(usize, &mut [f64]),
        indices: impl Iterator<Item = usize>,
        mut emit: impl FnMut(f64),
    ) {
        let (rows, cols) = (self.fft.rows(), self.fft.cols());
        let scale = 1.0 / ((rows * cols) as f64).sqrt();
        let spectrum = self.fft.forward(fill);
        for index in indices {
            let value = at_frequency(&spectrum, rows, cols, index / cols, index % cols);
            emit((value.re - value.im) * scale);
        }
    }

    fn apply_plane(&self, x: &[f32], y: &mut [f32]) {
        let cols = self.fft.cols();
        let signed = |row: usize, values: &mut [f64]| {
            for (j, value) in values.iter_mut().enumerate() {
                *value = f64::from(x[row * cols + j]) * self.signs[row * cols + j];
            }
        };
        let mut measured = y.iter_mut();
        self.hartley(signed, self.chosen.iter().copied(), |value| {
            if let Some(y) = measured.next() {
                *y = value as f32;
            }
        });
    }

    fn adjoint_plane(&self, y: &[f32], x: &mut [f32]) {
        let cols = self.fft.cols();
        let mut coefficients = vec![0.0; x.len()];
        for (&index, &value) in self.chosen.iter().zip(y) {
            coefficients[index] = f64::from(value);
        }
        let mut pixels = x.iter_mut().zip(&self.signs);
        let fill = |row: usize, values: &mut [f64]| values.copy_from_slice(&coefficients[row * cols..][..cols]);
        self.hartley(fill, 0..self.signs.len(), |value| {
            if let Some((x, sign)) = pixels.next() {
                *x = (value * sign) as f32;
            }
        });
    }
}

impl LinearOperator for CompressedSensing {
    fn domain(&self) -> [usize; 3] {
        self.domain
    }

    fn codomain(&self) -> [usize; 3] {
        [self.domain[0], 1, self.chosen.len()]
    }

    fn apply(&self, x: Image) -> Result<Image, Error> {
        let (from, to) = (self.domain, self.codomain());
        map_blocks("compressed sensing", [(&x, from)], to, from[0], |[x], y| {
            self.apply_plane(x, y)
        })
    }

    fn adjoint(&self, y: Image) -> Result<Image, Error> {
        let (from, to) = (self.domain, self.codomain());
        map_blocks("compressed sensing: adjoint", [(&y, to)], from, from[0], |[y], x| {
            self.adjoint_plane(y, x)
        })
    }

    fn norm_sq(&self) -> f64 {
        1.0
    }

    fn has_orthonormal_rows(&self) -> bool {
        true
    }

    fn normal_solve(&self) -> Option<&dyn NormalSolve> {
        Some(self)
    }
}

impl NormalSolve for CompressedSensing {
    fn solve(&self, b: Image, rho: f64) -> Result<Image, Error> {
        require_positive("compressed sensing: normal solve", "rho", rho)?;
        let projected = self.normal(b.clone())?;
        Ok((b - projected / (1.0 + rho)) / rho)
    }

    /// z + A^T (y - A z) / (1 + rho), which does not divide by rho.
    fn tikhonov(&self, y: Image, z: Image, rho: f64) -> Result<Image, Error> {
        require_positive("compressed sensing: tikhonov", "rho", rho)?;
        tweedie_imaging::require_dims("compressed sensing: tikhonov", &y, self.codomain())?;
        require_batch("compressed sensing: tikhonov", &y, &z)?;
        let residual = y - self.apply(z.clone())?;
        Ok(z + self.adjoint(residual)? / (1.0 + rho))
    }
}
