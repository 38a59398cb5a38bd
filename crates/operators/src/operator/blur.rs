//! Blur: convolution with a kernel.

use std::sync::OnceLock;

use rustfft::num_complex::Complex;
use tweedie_imaging::Image;

use crate::fft::{RealFft2, fast_length};
use crate::host::{map_blocks, require_domain, require_positive};
use crate::norm::nonnegative_norm_sq;
use crate::{Error, Kernel, LinearOperator, NormalSolve};

/// How an image continues beyond its border.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Boundary {
    /// Periodically; the field's usual choice in simulations, with a closed form.
    Circular,
    /// By its nearest border pixel; closer to photographs, no closed form.
    Replicate,
}

/// Convolution of each channel with one kernel k of `r` x `c` values:
///
/// y\[i, j\] = sum_{u, v} k\[u, v\] x\[i - (u - floor(r/2)), j - (v - floor(c/2))\],
///
/// a true convolution (the kernel is flipped), centred at floor(size/2) for odd and even sizes alike. With
/// [`Boundary::Circular`] this is `scipy.ndimage.convolve(x, k, mode='wrap')` and the operator of DPIR and GS-PnP, whose
/// `p2o` shifts the kernel by the same amount. The kernel may be larger than the image: both continuations are defined at any
/// distance.
///
/// # Shapes
/// Domain and codomain are `[C, H, W]`.
///
/// ||A||^2 is max |F k|^2 exactly for the circular border. The replicate border repeats border pixels, so ||A|| may exceed
/// sum |k|; its bound is that of the matrix with |k| (see [`LinearOperator::norm_sq`]), computed when first asked for.
///
/// Closed form (circular): (A^T A + rho I)^-1 b = F^-1 [F b / (|F k|^2 + rho)].
#[derive(Clone, Debug)]
pub struct Blur {
    domain: [usize; 3],
    kernel: Kernel,
    phase: usize,
    convolution: Convolution,
}

/// The convolution by its border: one of them has a closed form.
#[derive(Clone, Debug)]
enum Convolution {
    Circular(Circulant),
    Replicate { plane: Plane, norm_sq: OnceLock<f64> },
}

impl Blur {
    /// Blur of images `[C, H, W]`.
    ///
    /// # Errors
    /// If a size is zero.
    pub fn new(domain: [usize; 3], kernel: &Kernel, boundary: Boundary) -> Result<Self, Error> {
        Self::displaced(domain, kernel, boundary, 0)
    }

    /// The blur whose value \[i, j\] is that of [`Self::new`] at \[i + phase, j + phase\].
    pub(crate) fn displaced(
        domain: [usize; 3],
        kernel: &Kernel,
        boundary: Boundary,
        phase: usize,
    ) -> Result<Self, Error> {
        require_domain("blur", domain)?;
        let plane = Plane::new(domain, kernel, boundary, phase);
        Ok(Self {
            domain,
            kernel: kernel.clone(),
            phase,
            convolution: match boundary {
                Boundary::Circular => Convolution::Circular(Circulant { domain, plane }),
                Boundary::Replicate => Convolution::Replicate {
                    plane,
                    norm_sq: OnceLock::new(),
                },
            },
        })
    }

    /// How images continue beyond their border.
    pub fn boundary(&self) -> Boundary {
        match self.convolution {
            Convolution::Circular(_) => Boundary::Circular,
            Convolution::Replicate { .. } => Boundary::Replicate,
        }
    }

    fn plane(&self) -> &Plane {
        match &self.convolution {
            Convolution::Circular(Circulant { plane, .. }) | Convolution::Replicate { plane, .. } => plane,
        }
    }

    /// The transform of the image grid and the spectrum of the kernel on it, for the circular border only.
    pub(crate) fn circulant(&self) -> Option<(&RealFft2, &[Complex<f64>])> {
        match &self.convolution {
            Convolution::Circular(Circulant { plane, .. }) => Some((&plane.fft, &plane.transfer)),
            Convolution::Replicate { .. } => None,
        }
    }

    /// The same blur of one plane with the kernel |k|, for norm bounds.
    pub(crate) fn absolute_plane(&self) -> Plane {
        Plane::new(self.domain, &self.kernel.absolute(), self.boundary(), self.phase)
    }

    /// The kernel.
    pub(crate) fn kernel(&self) -> &Kernel {
        &self.kernel
    }
}

/// The convolution of one plane.
#[derive(Clone, Debug)]
pub(crate) struct Plane {
    rows: usize,
    cols: usize,
    /// Rows above and columns to the left that the continuation adds (negative: leaves out); zero for the circular border.
    before: [isize; 2],
    /// Rows and columns that hold data, at most those of the transform.
    padded: [usize; 2],
    fft: RealFft2,
    transfer: Vec<Complex<f64>>,
}

impl Plane {
    fn new([_, rows, cols]: [usize; 3], kernel: &Kernel, boundary: Boundary, phase: usize) -> Self {
        let [kernel_rows, kernel_cols] = kernel.dims();
        // Replicate: the image is continued by what the kernel reads, so that a circular convolution of the larger plane
        // gives the wanted values on its last rows and columns; the shift moves them to the origin.
        let (before, padded, fft, shift) = match boundary {
            Boundary::Circular => (
                [0, 0],
                [rows, cols],
                RealFft2::new(rows, cols),
                [kernel_rows / 2 + phase, kernel_cols / 2 + phase],
            ),
            Boundary::Replicate => {
                let last = [kernel_rows - 1, kernel_cols - 1];
                let padded = [rows + last[0], cols + last[1]];
                let before = [kernel_rows, kernel_cols].map(|size| ((size - 1) / 2) as isize - phase as isize);
                (
                    before,
                    padded,
                    RealFft2::new(fast_length(padded[0]), fast_length(padded[1])),
                    last,
                )
            }
        };
        let transfer = kernel.transfer(&fft, shift);
        Self {
            rows,
            cols,
            before,
            padded,
            fft,
            transfer,
        }
    }

    fn continued(&self, index: usize, axis: usize) -> usize {
        let size = if axis == 0 { self.rows } else { self.cols };
        (index as isize - self.before[axis]).clamp(0, size as isize - 1) as usize
    }

    pub(crate) fn apply(&self, x: &[f32], y: &mut [f32]) {
        let mut spectrum = self.fft.forward(|row, values| {
            values.fill(0.0);
            if row < self.padded[0] {
                let line = &x[self.continued(row, 0) * self.cols..][..self.cols];
                for (j, value) in values[..self.padded[1]].iter_mut().enumerate() {
                    *value = f64::from(line[self.continued(j, 1)]);
                }
            }
        });
        for (value, transfer) in spectrum.iter_mut().zip(&self.transfer) {
            *value *= transfer;
        }
        self.fft.inverse(spectrum, |row, values| {
            if row < self.rows {
                for (pixel, &value) in y[row * self.cols..][..self.cols].iter_mut().zip(values) {
                    *pixel = value as f32;
                }
            }
        });
    }

    pub(crate) fn adjoint(&self, y: &[f32], x: &mut [f32]) {
        let mut spectrum = self.fft.forward(|row, values| {
            values.fill(0.0);
            if row < self.rows {
                for (value, &pixel) in values.iter_mut().zip(&y[row * self.cols..][..self.cols]) {
                    *value = f64::from(pixel);
                }
            }
        });
        for (value, transfer) in spectrum.iter_mut().zip(&self.transfer) {
            *value *= transfer.conj();
        }
        // The adjoint of the continuation adds each copy to the pixel that it was made from.
        let mut sums = vec![0.0f64; x.len()];
        self.fft.inverse(spectrum, |row, values| {
            if row < self.padded[0] {
                let line = &mut sums[self.continued(row, 0) * self.cols..][..self.cols];
                for (j, &value) in values[..self.padded[1]].iter().enumerate() {
                    line[self.continued(j, 1)] += value;
                }
            }
        });
        for (pixel, &sum) in x.iter_mut().zip(&sums) {
            *pixel = sum as f32;
        }
    }

    /// F^-1 [g(F k, F x_1, ..)] on the image grid, for the circular border.
    fn filter<const K: usize>(
        &self,
        inputs: [&[f32]; K],
        out: &mut [f32],
        g: impl Fn(Complex<f64>, [Complex<f64>; K]) -> Complex<f64>,
    ) {
        let mut spectra = inputs.map(|x| self.fft.forward_plane(x));
        for (index, &transfer) in self.transfer.iter().enumerate() {
            let values = std::array::from_fn(|k| spectra[k][index]);
            spectra[0][index] = g(transfer, values);
        }
        let [first, ..] = &mut spectra[..] else { return };
        self.fft.inverse_plane(std::mem::take(first), out);
    }
}

impl LinearOperator for Blur {
    fn domain(&self) -> [usize; 3] {
        self.domain
    }

    fn codomain(&self) -> [usize; 3] {
        self.domain
    }

    fn apply(&self, x: Image) -> Result<Image, Error> {
        let (dims, plane) = (self.domain, self.plane());
        map_blocks("blur", [(&x, dims)], dims, dims[0], |[x], y| plane.apply(x, y))
    }

    fn adjoint(&self, y: Image) -> Result<Image, Error> {
        let (dims, plane) = (self.domain, self.plane());
        map_blocks("blur: adjoint", [(&y, dims)], dims, dims[0], |[y], x| {
            plane.adjoint(y, x)
        })
    }

    fn normal(&self, x: Image) -> Result<Image, Error> {
        match &self.convolution {
            Convolution::Circular(circulant) => circulant.normal(x),
            Convolution::Replicate { .. } => self.adjoint(self.apply(x)?),
        }
    }

    fn norm_sq(&self) -> f64 {
        match &self.convolution {
            Convolution::Circular(circulant) => circulant.norm_sq(),
            Convolution::Replicate { norm_sq, .. } => *norm_sq.get_or_init(|| {
                let plane = self.absolute_plane();
                let mut blurred = vec![0.0; plane.rows * plane.cols];
                nonnegative_norm_sq(blurred.len(), |p, out| {
                    plane.apply(p, &mut blurred);
                    plane.adjoint(&blurred, out);
                })
            }),
        }
    }

    fn normal_solve(&self) -> Option<&dyn NormalSolve> {
        match &self.convolution {
            Convolution::Circular(circulant) => Some(circulant),
            Convolution::Replicate { .. } => None,
        }
    }
}

/// The blur with the circular border: diagonal in the Fourier basis.
#[derive(Clone, Debug)]
struct Circulant {
    domain: [usize; 3],
    plane: Plane,
}

impl LinearOperator for Circulant {
    fn domain(&self) -> [usize; 3] {
        self.domain
    }

    fn codomain(&self) -> [usize; 3] {
        self.domain
    }

    fn apply(&self, x: Image) -> Result<Image, Error> {
        let dims = self.domain;
        map_blocks("blur", [(&x, dims)], dims, dims[0], |[x], y| self.plane.apply(x, y))
    }

    fn adjoint(&self, y: Image) -> Result<Image, Error> {
        let dims = self.domain;
        map_blocks("blur: adjoint", [(&y, dims)], dims, dims[0], |[y], x| {
            self.plane.adjoint(y, x)
        })
    }

    fn normal(&self, x: Image) -> Result<Image, Error> {
        let dims = self.domain;
        map_blocks("blur: A^T A", [(&x, dims)], dims, dims[0], |x, out| {
            self.plane.filter(x, out, |k, [x]| x * k.norm_sqr());
        })
    }

    fn norm_sq(&self) -> f64 {
        self.plane.transfer.iter().map(Complex::norm_sqr).fold(0.0, f64::max)
    }
}

impl NormalSolve for Circulant {
    fn solve(&self, b: Image, rho: f64) -> Result<Image, Error> {
        require_positive("blur: normal solve", "rho", rho)?;
        let dims = self.domain;
        map_blocks("blur: normal solve", [(&b, dims)], dims, dims[0], |b, x| {
            self.plane.filter(b, x, |k, [b]| b / (k.norm_sqr() + rho));
        })
    }

    fn tikhonov(&self, y: Image, z: Image, rho: f64) -> Result<Image, Error> {
        require_positive("blur: tikhonov", "rho", rho)?;
        let dims = self.domain;
        let inputs = [(&y, dims), (&z, dims)];
        map_blocks("blur: tikhonov", inputs, dims, dims[0], |inputs, x| {
            self.plane
                .filter(inputs, x, |k, [y, z]| (k.conj() * y + z * rho) / (k.norm_sqr() + rho));
        })
    }
}
