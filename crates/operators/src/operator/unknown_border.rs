//! Blur and decimation of a picture whose surroundings are unknown.

use std::ops::Range;
use std::sync::Mutex;

use tweedie_imaging::Image;

use super::downsampling::{Downsampling, decimate_spectrum, for_each_alias};
use crate::fft::{RealFft2, fast_length};
use crate::host::{map_blocks, parameter, require_domain, require_positive};
use crate::operator::{Boundary, TikhonovSolve};
use crate::{CgOptions, Error, InnerSolve, Kernel, LinearOperator};

/// y = M S K x: blur K and decimation S ([`Downsampling`]) of a scene x that is larger than the picture, of which only the values
/// M that need nothing from beyond x are measured. Nothing is assumed about what lies around the picture: it is estimated too.
///
/// This is the model of a camera's picture. The estimate is wanted on [`LinearOperator::window`], the part of x that y shows; the rim
/// around it, as wide as the kernel reaches, is found on the way and thrown away. A factor of 1 is deblurring.
///
/// # Shapes
/// Codomain `[C, h, w]`, the picture. Domain `[C, H, W]` with H >= s h plus what the kernel reads beyond the picture, rounded up to a
/// length with a fast transform.
///
/// # Solving
/// On the larger grid B = S K with periodic borders has a closed form, and M only leaves out the rim R of B x. With t the eigenvalues
/// of B B^T and G = rho/(t + rho), the minimiser of 1/2 ||M B x - y||^2 + rho/2 ||x - z||^2 is
///
/// x = z + B^T (B B^T + rho I)^-1 v, v = M^T (y - M B z) + R^T u, where (R G R^T) u = -R G M^T (y - M B z):
///
/// u is what the rim's unknown values must be beyond B z for their residual to vanish. So only the rim is iterated on: conjugate
/// gradients from u = 0, preconditioned by R G^-1 R^T. The residual of the normal equations of x is B^T of the rim's residual.
///
/// The model is that of Almeida and Figueiredo, *Deconvolving images with unknown boundaries using the alternating direction method of
/// multipliers*, 2013, and Reeves, *Fast image restoration without boundary artifacts*, 2005 (who also iterates on the rim).
#[derive(Clone, Debug)]
pub struct UnknownBorder {
    /// B.
    periodic: Downsampling,
    /// `[C, h, w]`.
    measured: [usize; 3],
    /// First measured row and column on the small grid.
    first: [usize; 2],
}

impl UnknownBorder {
    /// The operator behind a picture `[C, h, w]` that was blurred and decimated by `factor` at `phase` (see [`Downsampling`]).
    ///
    /// # Errors
    /// If a size or the factor is zero, or the phase is not below the factor.
    pub fn new(measured: [usize; 3], factor: usize, kernel: &Kernel, phase: usize) -> Result<Self, Error> {
        require_domain("unknown border", measured)?;
        if phase >= factor {
            let expected = "a factor above 0 and a phase below it".to_owned();
            return Err(parameter("unknown border", expected, format!("{factor} and {phase}")));
        }
        let reach = kernel.dims().map(|size| Reach::new(size, factor, phase));
        let small = |axis: usize| {
            let Reach { before, after } = reach[axis];
            fast_length(before + measured[1 + axis] + after)
        };
        let domain = [measured[0], factor * small(0), factor * small(1)];
        Ok(Self {
            periodic: Downsampling::with_phase(domain, factor, kernel, Boundary::Circular, phase)?,
            measured,
            first: reach.map(|reach| reach.before),
        })
    }

    /// The rows and columns of the small grid on which a picture of `size` determines y without its surroundings: what a simulation
    /// of a camera may keep.
    ///
    /// # Errors
    /// If there are none, or the factor is zero or the phase not below it.
    pub fn determined(
        size: [usize; 2],
        factor: usize,
        kernel: &Kernel,
        phase: usize,
    ) -> Result<[Range<usize>; 2], Error> {
        if phase >= factor {
            let expected = "a factor above 0 and a phase below it".to_owned();
            return Err(parameter("unknown border", expected, format!("{factor} and {phase}")));
        }
        let dims = kernel.dims();
        let ranges = [0, 1].map(|axis| {
            let first = Reach::new(dims[axis], factor, phase).before;
            // The last value reads up to s i + p + floor(r/2).
            let end = (size[axis] + factor).saturating_sub(phase + dims[axis] / 2 + 1) / factor;
            first..end.min(size[axis] / factor).max(first)
        });
        if ranges.iter().any(Range::is_empty) {
            let expected = format!("a picture larger than the kernel of {}x{}", dims[0], dims[1]);
            return Err(parameter(
                "unknown border",
                expected,
                format!("{}x{}", size[0], size[1]),
            ));
        }
        Ok(ranges)
    }

    /// By how many rows and columns the small grid of a picture exceeds what the picture determines.
    pub(super) fn rims(factor: usize, kernel: &Kernel, phase: usize) -> Result<[usize; 2], Error> {
        if phase >= factor {
            let expected = "a factor above 0 and a phase below it".to_owned();
            return Err(parameter("unknown border", expected, format!("{factor} and {phase}")));
        }
        Ok(kernel.dims().map(|size| {
            let Reach { before, after } = Reach::new(size, factor, phase);
            before + after
        }))
    }

    fn small(&self) -> (&RealFft2, &[f64]) {
        self.periodic
            .small_circulant()
            .expect("the periodic operator has a closed form")
    }

    /// The measured values of a plane of the small grid, row by row.
    fn rows(&self, small_cols: usize) -> impl Iterator<Item = Range<usize>> + use<> {
        let [top, left] = self.first;
        let [_, rows, cols] = self.measured;
        (top..top + rows).map(move |row| row * small_cols + left..row * small_cols + left + cols)
    }

    /// F^-1 [g F v] with the measured values set to 0: R^T R G R^T for a `v` that is 0 there.
    fn on_rim(&self, v: &[f64], g: impl Fn(f64) -> f64) -> Vec<f64> {
        let (fft, gain) = self.small();
        let cols = fft.cols();
        let mut spectrum = fft.forward(|row, values| values.copy_from_slice(&v[row * cols..][..cols]));
        for (value, &t) in spectrum.iter_mut().zip(gain) {
            *value *= g(t);
        }
        let mut out = vec![0.0; v.len()];
        fft.inverse(spectrum, |row, values| {
            out[row * cols..][..cols].copy_from_slice(values)
        });
        for range in self.rows(cols) {
            out[range].fill(0.0);
        }
        out
    }

    /// The minimiser for one plane.
    fn solve_plane(&self, y: &[f32], z: &[f32], rho: f64, options: CgOptions, x: &mut [f32]) -> Inner {
        let (small, gain) = self.small();
        let (fft, transfer) = self
            .periodic
            .circulant()
            .expect("the periodic operator has a closed form");
        let (cols, factor, full_rows) = (small.cols(), self.periodic.factor(), fft.rows());
        let mut spectrum = fft.forward_plane(z);
        let blurred: Vec<_> = spectrum.iter().zip(transfer).map(|(z, k)| z * k).collect();
        let mut v = vec![0.0; small.rows() * cols];
        let mut bz = vec![0.0; v.len()];
        small.inverse(decimate_spectrum(&blurred, small, factor), |row, values| {
            bz[row * cols..][..cols].copy_from_slice(values);
        });
        for (line, range) in y.chunks_exact(self.measured[2]).zip(self.rows(cols)) {
            for ((v, &y), &bz) in v[range.clone()].iter_mut().zip(line).zip(&bz[range]) {
                *v = f64::from(y) - bz;
            }
        }
        let scale = norm(y.iter().map(|&y| f64::from(y))) + rho * norm(z.iter().map(|&z| f64::from(z)));
        let inner = self.solve_rim(&mut v, rho, scale, options);

        let mut low = small.forward(|row, values| values.copy_from_slice(&v[row * cols..][..cols]));
        for (low, t) in low.iter_mut().zip(gain) {
            *low /= t + rho;
        }
        for_each_alias(&low, small, full_rows, factor, &mut spectrum, transfer, |z, k, low| {
            *z += k.conj() * low;
        });
        fft.inverse_plane(spectrum, x);
        inner
    }

    /// Finds the rim of `v`, which holds M^T (y - M B z): preconditioned conjugate gradients until the rim's residual is `scale` times
    /// the tolerance.
    fn solve_rim(&self, v: &mut [f64], rho: f64, scale: f64, options: CgOptions) -> Inner {
        let filter = |t: f64| rho / (t + rho);
        let inverse = |t: f64| (t + rho) / rho;
        let mut residual = self.on_rim(v, filter);
        for value in &mut residual {
            *value = -*value;
        }
        let target = options.tolerance * scale;
        let mut inner = Inner {
            iterations: 0,
            relative_residual: 0.0,
            converged: true,
        };
        let mut direction: Vec<f64> = Vec::new();
        let mut previous = 0.0;
        loop {
            let size = norm(residual.iter().copied());
            inner.relative_residual = if size == 0.0 { 0.0 } else { size / scale };
            inner.converged = size <= target;
            if inner.converged || inner.iterations >= options.max_iterations {
                return inner;
            }
            let preconditioned = self.on_rim(&residual, inverse);
            let product = dot(&residual, &preconditioned);
            if direction.is_empty() {
                direction = preconditioned;
            } else {
                let beta = product / previous;
                for (d, p) in direction.iter_mut().zip(&preconditioned) {
                    *d = p + beta * *d;
                }
            }
            previous = product;
            let image = self.on_rim(&direction, filter);
            let alpha = product / dot(&direction, &image);
            if !alpha.is_finite() {
                return inner;
            }
            for (v, d) in v.iter_mut().zip(&direction) {
                *v += alpha * d;
            }
            for (r, i) in residual.iter_mut().zip(&image) {
                *r -= alpha * i;
            }
            inner.iterations += 1;
        }
    }
}

/// How many values of the small grid lie before and after the picture.
#[derive(Clone, Copy, Debug)]
struct Reach {
    before: usize,
    after: usize,
}

impl Reach {
    /// The value i reads x from s i + p - floor((r - 1)/2) to s i + p + floor(r/2).
    fn new(size: usize, factor: usize, phase: usize) -> Self {
        Self {
            before: ((size - 1) / 2).saturating_sub(phase).div_ceil(factor),
            after: (phase + size / 2).saturating_sub(factor - 1).div_ceil(factor),
        }
    }
}

/// How an iteration on one plane ended.
#[derive(Clone, Copy, Debug)]
struct Inner {
    iterations: u32,
    relative_residual: f64,
    converged: bool,
}

fn norm(values: impl Iterator<Item = f64>) -> f64 {
    values.map(|value| value * value).sum::<f64>().sqrt()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

impl LinearOperator for UnknownBorder {
    fn domain(&self) -> [usize; 3] {
        self.periodic.domain()
    }

    fn codomain(&self) -> [usize; 3] {
        self.measured
    }

    fn window(&self) -> [Range<usize>; 2] {
        let factor = self.periodic.factor();
        [0, 1].map(|axis| {
            let first = factor * self.first[axis];
            first..first + factor * self.measured[1 + axis]
        })
    }

    fn apply(&self, x: Image) -> Result<Image, Error> {
        let all = self.periodic.apply(x)?;
        let [top, left] = self.first;
        let [channels, rows, cols] = self.measured;
        let batch = all.dims()[0];
        Ok(all.slice([0..batch, 0..channels, top..top + rows, left..left + cols]))
    }

    fn adjoint(&self, y: Image) -> Result<Image, Error> {
        let (dims, to) = (self.measured, self.periodic.codomain());
        let embedded = map_blocks("unknown border: adjoint", [(&y, dims)], to, dims[0], |[y], out| {
            for (line, range) in y.chunks_exact(dims[2]).zip(self.rows(to[2])) {
                out[range].copy_from_slice(line);
            }
        })?;
        self.periodic.adjoint(embedded)
    }

    /// That of the periodic operator, which leaves out nothing.
    fn norm_sq(&self) -> f64 {
        self.periodic.norm_sq()
    }

    /// y continued by its border pixels; interpolated for a factor above 1.
    fn start(&self, y: Image) -> Result<Image, Error> {
        let (dims, small) = (self.measured, self.periodic.codomain());
        let [top, left] = self.first;
        let continued = map_blocks("unknown border: start", [(&y, dims)], small, dims[0], |[y], out| {
            for (i, line) in out.chunks_exact_mut(small[2]).enumerate() {
                let row = &y[i.saturating_sub(top).min(dims[1] - 1) * dims[2]..][..dims[2]];
                for (j, value) in line.iter_mut().enumerate() {
                    *value = row[j.saturating_sub(left).min(dims[2] - 1)];
                }
            }
        })?;
        if self.periodic.factor() == 1 {
            return Ok(continued);
        }
        self.periodic.start(continued)
    }

    fn tikhonov_solve(&self) -> Option<&dyn TikhonovSolve> {
        Some(self)
    }
}

impl TikhonovSolve for UnknownBorder {
    fn tikhonov(&self, y: Image, z: Image, rho: f64, options: CgOptions) -> Result<(Image, InnerSolve), Error> {
        require_positive("unknown border: tikhonov", "rho", rho)?;
        require_positive("unknown border: tikhonov", "tolerance", options.tolerance)?;
        let (from, to) = (self.measured, self.domain());
        let worst = Mutex::new(Inner {
            iterations: 0,
            relative_residual: 0.0,
            converged: true,
        });
        let x = map_blocks(
            "unknown border: tikhonov",
            [(&y, from), (&z, to)],
            to,
            to[0],
            |[y, z], x| {
                let inner = self.solve_plane(y, z, rho, options, x);
                let mut worst = worst.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                worst.iterations = worst.iterations.max(inner.iterations);
                worst.relative_residual = worst.relative_residual.max(inner.relative_residual);
                worst.converged &= inner.converged;
            },
        )?;
        let Inner {
            iterations,
            relative_residual,
            converged,
        } = worst.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        Ok((
            x,
            InnerSolve::Iterative {
                iterations,
                relative_residual,
                converged,
            },
        ))
    }
}
