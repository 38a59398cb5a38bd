//! Blur and decimation: super-resolution.

use std::sync::OnceLock;

use rustfft::num_complex::Complex;
use tweedie_imaging::Image;

use crate::fft::{RealFft2, at_frequency};
use crate::host::{map_blocks, parameter, require_positive};
use crate::interpolate::upsample_cubic;
use crate::norm::nonnegative_norm_sq;
use crate::operator::{Blur, Boundary};
use crate::{Error, Kernel, LinearOperator, NormalSolve};

/// y = S K x: blur K, then every s-th pixel, y\[i, j\] = (K x)\[s i + p, s j + p\].
///
/// The phase p is 0 with [`Downsampling::new`], as in DPIR: the small picture is registered to the top-left pixel of each block.
/// [`centred_phase`] registers it to the middle of the blocks, as programs that resize pictures do.
///
/// # Shapes
/// Domain `[C, H, W]` with H and W multiples of s; codomain `[C, H/s, W/s]`.
///
/// With the circular border, A A^T is a circular convolution on the small grid whose transfer function is
/// t = 1/s^2 sum |F k|^2 over the s^2 frequencies that alias onto each other. So ||A||^2 = max t, and by the Woodbury identity
///
/// (A^T A + rho I)^-1 b = 1/rho \[b - A^T F^-1 (F A b / (rho + t))\]
///
/// (Zhao et al., *Fast single image super-resolution using a new analytical solution for l2-l2 problems*, 2016; used by DPIR).
/// With the replicate border there is no closed form. [`LinearOperator::start`] is cubic interpolation of y at the phase of S.
#[derive(Clone, Debug)]
pub struct Downsampling {
    blur: Blur,
    factor: usize,
    phase: usize,
    small: RealFft2,
    /// t above, in the layout of `small`'s spectra; empty for the replicate border.
    aliased_gain: Vec<f64>,
    norm_sq: OnceLock<f64>,
}

impl Downsampling {
    /// Downsampling by `factor` of images `[C, H, W]` after a blur with `kernel`.
    ///
    /// # Errors
    /// If a size or the factor is zero, or H or W is no multiple of the factor.
    pub fn new(domain: [usize; 3], factor: usize, kernel: &Kernel, boundary: Boundary) -> Result<Self, Error> {
        Self::with_phase(domain, factor, kernel, boundary, 0)
    }

    /// The same with the phase p, below the factor.
    ///
    /// # Errors
    /// As [`Self::new`], and if the phase is not below the factor.
    pub fn with_phase(
        domain: [usize; 3],
        factor: usize,
        kernel: &Kernel,
        boundary: Boundary,
        phase: usize,
    ) -> Result<Self, Error> {
        // The phase is part of the blur, so that decimation starts at the first pixel.
        let blur = Blur::displaced(domain, kernel, boundary, phase)?;
        let [_, rows, cols] = domain;
        if phase >= factor.max(1) {
            return Err(parameter(
                "downsampling",
                format!("a phase below {factor}"),
                phase.to_string(),
            ));
        }
        if factor == 0 || !rows.is_multiple_of(factor) || !cols.is_multiple_of(factor) {
            let expected = format!("a factor that divides {rows}x{cols}");
            return Err(parameter("downsampling", expected, factor.to_string()));
        }
        let small = RealFft2::new(rows / factor, cols / factor);
        let aliased_gain = match blur.circulant() {
            Some((_, transfer)) => {
                let gain: Vec<_> = transfer.iter().map(|k| Complex::from(k.norm_sqr())).collect();
                decimate_spectrum(&gain, &small, factor).iter().map(|t| t.re).collect()
            }
            None => Vec::new(),
        };
        Ok(Self {
            blur,
            factor,
            phase,
            small,
            aliased_gain,
            norm_sq: OnceLock::new(),
        })
    }

    /// The kernel that `--scale` stands for when no other is named: Gaussian, standard deviation 1.6 pixels, 7x7, the
    /// super-resolution setting of Romano, Elad and Milanfar, *The little engine that could: regularization by denoising*, 2017.
    ///
    /// # Errors
    /// Never in practice; the kernel's parameters are valid.
    pub fn default_kernel() -> Result<Kernel, Error> {
        Kernel::gaussian(1.6, 7)
    }

    /// The decimation factor s.
    pub fn factor(&self) -> usize {
        self.factor
    }

    /// Where the first measured value lies in x, in pixels: its phase and the kernel's centre of mass.
    pub(crate) fn first_sample(&self) -> [f64; 2] {
        self.blur.kernel().displacement().map(|d| self.phase as f64 + d)
    }

    /// The transform of the small grid and t, the eigenvalues of A A^T, for the circular border only.
    pub(crate) fn small_circulant(&self) -> Option<(&RealFft2, &[f64])> {
        self.blur
            .circulant()
            .is_some()
            .then_some((&self.small, &self.aliased_gain))
    }

    /// The transform of the large grid and the spectrum of the kernel on it, for the circular border only.
    pub(super) fn circulant(&self) -> Option<(&RealFft2, &[Complex<f64>])> {
        self.blur.circulant()
    }

    fn decimate(&self, plane: &[f32], small: &mut [f32]) {
        let (cols, s) = (self.blur.domain()[2], self.factor);
        for (i, row) in small.chunks_exact_mut(self.small.cols()).enumerate() {
            for (j, value) in row.iter_mut().enumerate() {
                *value = plane[i * s * cols + j * s];
            }
        }
    }

    fn insert_zeros(&self, small: &[f32], plane: &mut [f32]) {
        let (cols, s) = (self.blur.domain()[2], self.factor);
        plane.fill(0.0);
        for (i, row) in small.chunks_exact(self.small.cols()).enumerate() {
            for (j, &value) in row.iter().enumerate() {
                plane[i * s * cols + j * s] = value;
            }
        }
    }

    /// Solves with the spectrum of b in place: B <- [B - conj(K) (L / (rho + t))] / rho, L the spectrum of A b.
    fn solve_spectrum(&self, b: &mut [Complex<f64>], transfer: &[Complex<f64>], rho: f64) {
        let blurred: Vec<_> = b.iter().zip(transfer).map(|(b, k)| b * k).collect();
        let mut low = decimate_spectrum(&blurred, &self.small, self.factor);
        for (low, t) in low.iter_mut().zip(&self.aliased_gain) {
            *low /= rho + t;
        }
        let (rows, factor) = (self.blur.domain()[1], self.factor);
        for_each_alias(&low, &self.small, rows, factor, b, transfer, |b, k, low| {
            *b = (*b - k.conj() * low) / rho
        });
    }
}

/// The phase at which `factor` registers small pixels to the middle of their blocks, as far as whole pixels can: floor((s - 1)/2).
///
/// The registration is exact for kernels that are symmetric about their middle and as even or odd in size as the factor.
pub fn centred_phase(factor: usize) -> usize {
    factor.saturating_sub(1) / 2
}

/// The spectrum of a decimated plane, the mean over aliases, from the half spectrum of the full plane.
pub(super) fn decimate_spectrum(full: &[Complex<f64>], small: &RealFft2, s: usize) -> Vec<Complex<f64>> {
    let (rows, cols) = (small.rows() * s, small.cols() * s);
    let mut low = vec![Complex::default(); small.half_cols() * small.rows()];
    for kx in 0..small.half_cols() {
        for ky in 0..small.rows() {
            let mut sum = Complex::default();
            for a in 0..s {
                for b in 0..s {
                    sum += at_frequency(full, rows, cols, ky + a * small.rows(), kx + b * small.cols());
                }
            }
            low[kx * small.rows() + ky] = sum / (s * s) as f64;
        }
    }
    low
}

/// Calls `f` with each value of a half spectrum of the full grid, its transfer, and the value of `low` that it aliases to.
pub(super) fn for_each_alias(
    low: &[Complex<f64>],
    small: &RealFft2,
    rows: usize,
    s: usize,
    full: &mut [Complex<f64>],
    transfer: &[Complex<f64>],
    f: impl Fn(&mut Complex<f64>, Complex<f64>, Complex<f64>),
) {
    debug_assert_eq!(rows, small.rows() * s);
    for (kx, (column, transfer)) in full.chunks_exact_mut(rows).zip(transfer.chunks_exact(rows)).enumerate() {
        for (ky, (value, &transfer)) in column.iter_mut().zip(transfer).enumerate() {
            let low = at_frequency(low, small.rows(), small.cols(), ky % small.rows(), kx % small.cols());
            f(value, transfer, low);
        }
    }
}

impl LinearOperator for Downsampling {
    fn domain(&self) -> [usize; 3] {
        self.blur.domain()
    }

    fn codomain(&self) -> [usize; 3] {
        [self.blur.domain()[0], self.small.rows(), self.small.cols()]
    }

    fn apply(&self, x: Image) -> Result<Image, Error> {
        let (from, to) = (self.domain(), self.codomain());
        let blurred = self.blur.apply(x)?;
        map_blocks("downsampling", [(&blurred, from)], to, from[0], |[x], y| {
            self.decimate(x, y)
        })
    }

    fn adjoint(&self, y: Image) -> Result<Image, Error> {
        let (from, to) = (self.domain(), self.codomain());
        let raised = map_blocks("downsampling: adjoint", [(&y, to)], from, from[0], |[y], x| {
            self.insert_zeros(y, x)
        })?;
        self.blur.adjoint(raised)
    }

    fn norm_sq(&self) -> f64 {
        *self.norm_sq.get_or_init(|| {
            if self.blur.circulant().is_some() {
                return self.aliased_gain.iter().copied().fold(0.0, f64::max);
            }
            let plane = self.blur.absolute_plane();
            let [_, rows, cols] = self.domain();
            let mut blurred = vec![0.0; rows * cols];
            let mut small = vec![0.0; self.small.rows() * self.small.cols()];
            nonnegative_norm_sq(rows * cols, |p, out| {
                plane.apply(p, &mut blurred);
                self.decimate(&blurred, &mut small);
                self.insert_zeros(&small, &mut blurred);
                plane.adjoint(&blurred, out);
            })
        })
    }

    fn start(&self, y: Image) -> Result<Image, Error> {
        let (from, to) = (self.domain(), self.codomain());
        map_blocks("downsampling: start", [(&y, to)], from, from[0], |[y], x| {
            upsample_cubic(y, [to[1], to[2]], self.factor, self.first_sample(), x);
        })
    }

    fn normal_solve(&self) -> Option<&dyn NormalSolve> {
        self.blur.circulant().is_some().then_some(self)
    }
}

const NO_CLOSED_FORM: Error = Error::Unavailable {
    operation: "downsampling: normal solve",
    reason: "the replicate border has no closed form; use conjugate_gradient",
};

impl NormalSolve for Downsampling {
    fn solve(&self, b: Image, rho: f64) -> Result<Image, Error> {
        let (fft, transfer) = self.blur.circulant().ok_or(NO_CLOSED_FORM)?;
        require_positive("downsampling: normal solve", "rho", rho)?;
        let dims = self.domain();
        map_blocks("downsampling: normal solve", [(&b, dims)], dims, dims[0], |[b], x| {
            let mut spectrum = fft.forward_plane(b);
            self.solve_spectrum(&mut spectrum, transfer, rho);
            fft.inverse_plane(spectrum, x);
        })
    }

    fn tikhonov(&self, y: Image, z: Image, rho: f64) -> Result<Image, Error> {
        let (fft, transfer) = self.blur.circulant().ok_or(NO_CLOSED_FORM)?;
        require_positive("downsampling: tikhonov", "rho", rho)?;
        let (dims, small_dims) = (self.domain(), self.codomain());
        map_blocks(
            "downsampling: tikhonov",
            [(&y, small_dims), (&z, dims)],
            dims,
            dims[0],
            |[y, z], x| {
                let low = self.small.forward_plane(y);
                let mut spectrum = fft.forward_plane(z);
                // The spectrum of a plane with zeros inserted is the small one, repeated.
                for_each_alias(
                    &low,
                    &self.small,
                    dims[1],
                    self.factor,
                    &mut spectrum,
                    transfer,
                    |z, k, low| {
                        *z = *z * rho + k.conj() * low;
                    },
                );
                self.solve_spectrum(&mut spectrum, transfer, rho);
                fft.inverse_plane(spectrum, x);
            },
        )
    }
}
