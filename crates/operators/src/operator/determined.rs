//! Blur and decimation of a picture, kept where nothing beyond its border is needed.

use std::ops::Range;

use burn::tensor::Tensor;
use tweedie_imaging::Image;

use super::downsampling::Downsampling;
use super::unknown_border::UnknownBorder;
use crate::host::require_domain;
use crate::operator::Boundary;
use crate::{Error, Kernel, LinearOperator};

/// y = M S K x: blur K and decimation S ([`Downsampling`]) of a picture x, of which M keeps the values that x determines without
/// its surroundings: "valid" convolution.
///
/// This is how a camera's picture is simulated from a larger one. [`UnknownBorder`] is the same map on a scene of another size, by
/// which such a picture is restored.
///
/// # Shapes
/// Domain `[C, H, W]` with H and W multiples of the factor s; codomain `[C, h, w]`, where s h is smaller than H by what the kernel
/// reads beyond the picture, in whole steps of s.
#[derive(Clone, Debug)]
pub struct Determined {
    /// S K; any border will do.
    periodic: Downsampling,
    /// What is kept.
    kept: [Range<usize>; 2],
}

impl Determined {
    /// The operator on pictures `[C, H, W]`.
    ///
    /// # Errors
    /// As [`Downsampling::with_phase`], and if nothing is kept.
    pub fn new(domain: [usize; 3], factor: usize, kernel: &Kernel, phase: usize) -> Result<Self, Error> {
        let [_, rows, cols] = domain;
        let periodic = Downsampling::with_phase(domain, factor, kernel, Boundary::Circular, phase)?;
        Ok(Self {
            kept: UnknownBorder::determined([rows, cols], factor, kernel, phase)?,
            periodic,
        })
    }

    /// `[C, H, W]` of the picture that determines a measurement of `[C, h, w]`.
    ///
    /// # Errors
    /// If a size or the factor is zero, or the phase is not below the factor.
    pub fn domain_of(measured: [usize; 3], factor: usize, kernel: &Kernel, phase: usize) -> Result<[usize; 3], Error> {
        require_domain("determined", measured)?;
        let [rows, cols] = UnknownBorder::rims(factor, kernel, phase)?;
        Ok([
            measured[0],
            factor * (measured[1] + rows),
            factor * (measured[2] + cols),
        ])
    }
}

impl LinearOperator for Determined {
    fn domain(&self) -> [usize; 3] {
        self.periodic.domain()
    }

    fn codomain(&self) -> [usize; 3] {
        let [rows, cols] = &self.kept;
        [self.domain()[0], rows.len(), cols.len()]
    }

    fn apply(&self, x: Image) -> Result<Image, Error> {
        let y = self.periodic.apply(x)?;
        let [n, c, ..] = y.dims();
        let [rows, cols] = self.kept.clone();
        Ok(y.slice([0..n, 0..c, rows, cols]))
    }

    fn adjoint(&self, y: Image) -> Result<Image, Error> {
        tweedie_imaging::require_dims("determined: adjoint", &y, self.codomain())?;
        let [n, c, ..] = y.dims();
        let [_, height, width] = self.periodic.codomain();
        let [rows, cols] = self.kept.clone();
        let all = Tensor::zeros([n, c, height, width], &y.device());
        self.periodic.adjoint(all.slice_assign([0..n, 0..c, rows, cols], y))
    }

    /// That of the periodic operator, which measures more.
    fn norm_sq(&self) -> f64 {
        self.periodic.norm_sq()
    }
}
