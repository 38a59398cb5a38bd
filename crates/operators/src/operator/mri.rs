//! Magnetic resonance imaging with Fourier samples.

mod masks;
mod multi_coil;

use rustfft::num_complex::Complex;
use tweedie_imaging::Image;

pub use masks::{cartesian_mask, centered_mask, random_mask};
pub use multi_coil::{MultiCoilMri, synthetic_sensitivities};

use crate::fft::{ComplexFft2, transposed};
use crate::host::{map_blocks, parameter, require_domain, require_positive};
use crate::{Error, LinearOperator, NormalSolve};

/// Whether images are real or complex.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// One channel.
    Real,
    /// Two channels: real and imaginary part.
    Complex,
}

impl Field {
    fn channels(self) -> usize {
        match self {
            Self::Real => 1,
            Self::Complex => 2,
        }
    }
}

/// Single-coil MRI: y = M F x, with the orthonormal 2-D Fourier transform F and a sampling mask M of 0 and 1.
///
/// # Shapes
/// Domain `[1, H, W]` (real images) or `[2, H, W]` (real and imaginary part); codomain `[2, H, W]`, real and imaginary part of the
/// samples, zero where nothing is sampled. The zero frequency is at \[0, 0\] in mask and data, as `fft2` gives it.
///
/// F divides by sqrt(H W); data of an unnormalised `fft2` have to be divided by it.
///
/// For complex images A A^T = diag(M), ||A||^2 = 1 and (A^T A + rho I)^-1 b = F^-1 \[F b / (M + rho)\]. For real images the
/// adjoint takes the real part, which averages the mask over k and -k: A^T A = F^-1 S F with S(k) = (M(k) + M(-k)) / 2, since the
/// spectrum of a real image is Hermitian. So ||A||^2 = max S, which is 1/2 where no frequency is sampled together with its
/// mirror image, and the closed form has S in place of M.
#[derive(Clone, Debug)]
pub struct Mri {
    field: Field,
    rows: usize,
    cols: usize,
    fft: ComplexFft2,
    /// M in the layout of a spectrum (transposed).
    mask: Vec<f32>,
    /// M or S in the layout of a spectrum.
    gain: Vec<f64>,
}

impl Mri {
    /// Single-coil MRI of `rows` x `cols` images, `mask` in row order with the zero frequency first.
    ///
    /// # Errors
    /// If a size is zero, the mask has another number of values, or it holds anything but 0 and 1 or no 1.
    pub fn new(field: Field, [rows, cols]: [usize; 2], mask: &[f32]) -> Result<Self, Error> {
        let mask = spectrum_mask("mri", [rows, cols], mask)?;
        let gain = match field {
            Field::Complex => mask.iter().map(|&m| f64::from(m)).collect(),
            Field::Real => (0..rows * cols)
                .map(|index| {
                    let (kx, ky) = (index / rows, index % rows);
                    let mirror = (cols - kx) % cols * rows + (rows - ky) % rows;
                    f64::from(mask[index] + mask[mirror]) / 2.0
                })
                .collect(),
        };
        Ok(Self {
            field,
            rows,
            cols,
            fft: ComplexFft2::new(rows, cols),
            mask,
            gain,
        })
    }

    /// F x for an image in host order.
    fn spectrum(&self, x: &[f32]) -> Vec<Complex<f64>> {
        self.fft.forward(complex_plane(x, self.field))
    }

    fn write_inverse(&self, spectrum: Vec<Complex<f64>>, x: &mut [f32]) {
        write_plane(&self.fft.inverse(spectrum), self.field, x);
    }
}

/// A mask in the layout of a spectrum.
fn spectrum_mask(operation: &'static str, [rows, cols]: [usize; 2], mask: &[f32]) -> Result<Vec<f32>, Error> {
    require_domain(operation, [1, rows, cols])?;
    if mask.len() != rows * cols {
        return Err(parameter(
            operation,
            format!("{rows} x {cols} mask values"),
            mask.len().to_string(),
        ));
    }
    if let Some(value) = mask.iter().find(|&&value| value != 0.0 && value != 1.0) {
        return Err(parameter(operation, "mask values 0 and 1".into(), value.to_string()));
    }
    if !mask.contains(&1.0) {
        return Err(parameter(
            operation,
            "at least one sampled frequency".into(),
            "none".into(),
        ));
    }
    Ok(transposed(mask, rows, cols))
}

/// An image in host order, one or two channels, as complex values.
fn complex_plane(x: &[f32], field: Field) -> Vec<Complex<f64>> {
    match field {
        Field::Real => x.iter().map(|&re| Complex::from(f64::from(re))).collect(),
        Field::Complex => {
            let (re, im) = x.split_at(x.len() / 2);
            re.iter()
                .zip(im)
                .map(|(&re, &im)| Complex::new(f64::from(re), f64::from(im)))
                .collect()
        }
    }
}

/// The adjoint of [`complex_plane`]: real images take the real part.
fn write_plane(plane: &[Complex<f64>], field: Field, x: &mut [f32]) {
    let (re, im) = x.split_at_mut(plane.len());
    for (re, value) in re.iter_mut().zip(plane) {
        *re = value.re as f32;
    }
    if field == Field::Complex {
        for (im, value) in im.iter_mut().zip(plane) {
            *im = value.im as f32;
        }
    }
}

/// Writes M times a spectrum as two channels in row order.
fn write_samples(spectrum: &[Complex<f64>], mask: &[f32], [rows, cols]: [usize; 2], y: &mut [f32]) {
    let masked = |(value, &m): (&Complex<f64>, &f32)| value * f64::from(m);
    let samples: Vec<_> = spectrum.iter().zip(mask).map(masked).collect();
    write_plane(&transposed(&samples, cols, rows), Field::Complex, y);
}

/// M times samples that are stored as two channels in row order, as a spectrum.
fn read_samples(y: &[f32], mask: &[f32], [rows, cols]: [usize; 2]) -> Vec<Complex<f64>> {
    let mut spectrum = transposed(&complex_plane(y, Field::Complex), rows, cols);
    for (value, &m) in spectrum.iter_mut().zip(mask) {
        *value *= f64::from(m);
    }
    spectrum
}

impl LinearOperator for Mri {
    fn domain(&self) -> [usize; 3] {
        [self.field.channels(), self.rows, self.cols]
    }

    fn codomain(&self) -> [usize; 3] {
        [2, self.rows, self.cols]
    }

    fn apply(&self, x: Image) -> Result<Image, Error> {
        map_blocks("mri", [(&x, self.domain())], self.codomain(), 1, |[x], y| {
            write_samples(&self.spectrum(x), &self.mask, [self.rows, self.cols], y);
        })
    }

    fn adjoint(&self, y: Image) -> Result<Image, Error> {
        map_blocks("mri: adjoint", [(&y, self.codomain())], self.domain(), 1, |[y], x| {
            self.write_inverse(read_samples(y, &self.mask, [self.rows, self.cols]), x);
        })
    }

    fn normal(&self, x: Image) -> Result<Image, Error> {
        map_blocks("mri: A^T A", [(&x, self.domain())], self.domain(), 1, |[x], out| {
            let mut spectrum = self.spectrum(x);
            spectrum
                .iter_mut()
                .zip(&self.gain)
                .for_each(|(value, gain)| *value *= gain);
            self.write_inverse(spectrum, out);
        })
    }

    fn norm_sq(&self) -> f64 {
        self.gain.iter().copied().fold(0.0, f64::max)
    }

    fn has_orthonormal_rows(&self) -> bool {
        self.field == Field::Complex
    }

    fn normal_solve(&self) -> Option<&dyn NormalSolve> {
        Some(self)
    }
}

impl NormalSolve for Mri {
    fn solve(&self, b: Image, rho: f64) -> Result<Image, Error> {
        require_positive("mri: normal solve", "rho", rho)?;
        map_blocks(
            "mri: normal solve",
            [(&b, self.domain())],
            self.domain(),
            1,
            |[b], x| {
                let mut spectrum = self.spectrum(b);
                spectrum
                    .iter_mut()
                    .zip(&self.gain)
                    .for_each(|(value, gain)| *value /= gain + rho);
                self.write_inverse(spectrum, x);
            },
        )
    }

    fn tikhonov(&self, y: Image, z: Image, rho: f64) -> Result<Image, Error> {
        require_positive("mri: tikhonov", "rho", rho)?;
        let inputs = [(&y, self.codomain()), (&z, self.domain())];
        map_blocks("mri: tikhonov", inputs, self.domain(), 1, |[y, z], x| {
            let samples = read_samples(y, &self.mask, [self.rows, self.cols]);
            let mut spectrum = self.spectrum(z);
            // The gain is symmetric, so for real images the real part that is taken at the end makes the samples Hermitian.
            for ((value, sample), gain) in spectrum.iter_mut().zip(&samples).zip(&self.gain) {
                *value = (*value * rho + sample) / (gain + rho);
            }
            self.write_inverse(spectrum, x);
        })
    }
}
