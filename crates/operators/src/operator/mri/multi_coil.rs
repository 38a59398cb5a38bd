//! Multi-coil MRI.

use std::f64::consts::PI;

use rustfft::num_complex::Complex;
use tweedie_imaging::Image;

use super::{Field, complex_plane, read_samples, spectrum_mask, write_plane, write_samples};
use crate::fft::ComplexFft2;
use crate::host::{map_blocks, parameter, require_domain};
use crate::{Error, LinearOperator};

/// Multi-coil MRI (SENSE): coil c measures y_c = M F (s_c x), with F and M as for [`super::Mri`] and complex sensitivities s_c.
///
/// # Shapes
/// Domain `[1, H, W]` (real) or `[2, H, W]` (complex); codomain `[2 coils, H, W]`, real and imaginary part of one coil after the other.
///
/// ||A||^2 <= max over pixels of sum_c |s_c|^2, reached where every frequency is sampled. No closed form: the coils couple
/// frequencies, and L2's prox runs conjugate gradients.
///
/// Pruessmann et al., *SENSE: sensitivity encoding for fast MRI*, 1999.
#[derive(Clone, Debug)]
pub struct MultiCoilMri {
    field: Field,
    rows: usize,
    cols: usize,
    fft: ComplexFft2,
    mask: Vec<f32>,
    sensitivities: Vec<Complex<f32>>,
    norm_sq: f64,
}

impl MultiCoilMri {
    /// Multi-coil MRI of `rows` x `cols` images; `sensitivities` hold coil after coil in row order, `mask` as for [`super::Mri::new`].
    ///
    /// # Errors
    /// If a size is zero, the mask is none, or the number of sensitivities is no positive multiple of `rows * cols`, or one is NaN or
    /// infinite.
    pub fn new(
        field: Field,
        [rows, cols]: [usize; 2],
        mask: &[f32],
        sensitivities: &[Complex<f32>],
    ) -> Result<Self, Error> {
        let mask = spectrum_mask("multi-coil mri", [rows, cols], mask)?;
        let pixels = rows * cols;
        if sensitivities.is_empty() || !sensitivities.len().is_multiple_of(pixels) {
            let expected = format!("{pixels} sensitivities for each coil");
            return Err(parameter("multi-coil mri", expected, sensitivities.len().to_string()));
        }
        if let Some(value) = sensitivities.iter().find(|value| !value.is_finite()) {
            return Err(parameter(
                "multi-coil mri",
                "finite sensitivities".into(),
                value.to_string(),
            ));
        }
        let total = |pixel: usize| -> f64 {
            sensitivities
                .iter()
                .skip(pixel)
                .step_by(pixels)
                .map(|s| f64::from(s.re).powi(2) + f64::from(s.im).powi(2))
                .sum()
        };
        let norm_sq = (0..pixels).map(total).fold(0.0, f64::max);
        let fft = ComplexFft2::new(rows, cols);
        Ok(Self {
            field,
            rows,
            cols,
            fft,
            mask,
            sensitivities: sensitivities.to_vec(),
            norm_sq,
        })
    }

    /// Number of coils.
    pub fn coils(&self) -> usize {
        self.sensitivities.len() / (self.rows * self.cols)
    }

    fn maps(&self) -> impl Iterator<Item = &[Complex<f32>]> {
        self.sensitivities.chunks_exact(self.rows * self.cols)
    }
}

fn wide(s: Complex<f32>) -> Complex<f64> {
    Complex::new(f64::from(s.re), f64::from(s.im))
}

impl LinearOperator for MultiCoilMri {
    fn domain(&self) -> [usize; 3] {
        [self.field.channels(), self.rows, self.cols]
    }

    fn codomain(&self) -> [usize; 3] {
        [2 * self.coils(), self.rows, self.cols]
    }

    fn apply(&self, x: Image) -> Result<Image, Error> {
        map_blocks("multi-coil mri", [(&x, self.domain())], self.codomain(), 1, |[x], y| {
            let x = complex_plane(x, self.field);
            for (map, y) in self.maps().zip(y.chunks_exact_mut(2 * x.len())) {
                let weighted = x.iter().zip(map).map(|(x, &s)| x * wide(s)).collect();
                write_samples(&self.fft.forward(weighted), &self.mask, [self.rows, self.cols], y);
            }
        })
    }

    fn adjoint(&self, y: Image) -> Result<Image, Error> {
        map_blocks(
            "multi-coil mri: adjoint",
            [(&y, self.codomain())],
            self.domain(),
            1,
            |[y], x| {
                let mut sum = vec![Complex::default(); self.rows * self.cols];
                for (map, y) in self.maps().zip(y.chunks_exact(2 * sum.len())) {
                    let coil = self.fft.inverse(read_samples(y, &self.mask, [self.rows, self.cols]));
                    for ((sum, value), &s) in sum.iter_mut().zip(coil).zip(map) {
                        *sum += wide(s).conj() * value;
                    }
                }
                write_plane(&sum, self.field, x);
            },
        )
    }

    fn norm_sq(&self) -> f64 {
        self.norm_sq
    }
}

/// Smooth synthetic sensitivities for simulations: coils on a circle around the image, Gaussian in the distance, with a linear phase,
/// scaled so that sum_c |s_c|^2 = 1 at every pixel. Coil after coil in row order.
///
/// # Errors
/// If a size is zero.
pub fn synthetic_sensitivities(coils: usize, [rows, cols]: [usize; 2]) -> Result<Vec<Complex<f32>>, Error> {
    require_domain("coil sensitivities", [coils, rows, cols])?;
    // In units of half the image's side: the coils' circle lies outside the image's edges but not its corners.
    const RADIUS: f64 = 1.2;
    const WIDTH: f64 = 0.9;
    let position = |index: usize, size: usize| (2 * index + 1) as f64 / size as f64 - 1.0;
    let mut maps = Vec::with_capacity(coils * rows * cols);
    for coil in 0..coils {
        let angle = 2.0 * PI * coil as f64 / coils as f64;
        let (cy, cx) = (RADIUS * angle.sin(), RADIUS * angle.cos());
        for n in 0..rows * cols {
            let (y, x) = (position(n / cols, rows), position(n % cols, cols));
            let distance_sq = (y - cy).powi(2) + (x - cx).powi(2);
            maps.push(Complex::from_polar(
                (-distance_sq / (2.0 * WIDTH * WIDTH)).exp(),
                0.5 * PI * (x * cx + y * cy) + angle,
            ));
        }
    }
    let pixels = rows * cols;
    let norms: Vec<f64> = (0..pixels)
        .map(|pixel| {
            maps.iter()
                .skip(pixel)
                .step_by(pixels)
                .map(Complex::norm_sqr)
                .sum::<f64>()
                .sqrt()
        })
        .collect();
    let scaled = maps.iter().enumerate().map(|(n, s)| s / norms[n % pixels]);
    Ok(scaled.map(|s| Complex::new(s.re as f32, s.im as f32)).collect())
}
