//! Parallel-beam tomography.

mod filtered_back_projection;

use std::f64::consts::PI;

use rayon::prelude::*;
use tweedie_imaging::Image;

use crate::host::{map_blocks, parameter, require_domain};
use crate::norm::nonnegative_norm_sq;
use crate::{Error, LinearOperator};

/// Line integrals along parallel rays, scaled to ||A|| <= 1: A = R / s with s = ||R||.
///
/// With pixel sides of 1 and the origin in the middle of the image, x to the right and y upwards, the ray of angle theta and
/// detector d is x cos(theta) + y sin(theta) = d - (D - 1)/2, so that theta = 0 sums columns (as in scikit-image). R is Joseph's method: along
/// the axis that the ray follows more closely it steps pixel by pixel, interpolating linearly across. A pixel whose centre
/// projects to p thus has the weight max(0, 1 - |d - p| / c) / c in detector d, c = max(|cos theta|, |sin theta|): at most two detectors, and the
/// adjoint is exact since it uses the same weights. Joseph, *An improved algorithm for reprojecting rays through pixel images*, 1982.
///
/// The scale makes noise levels and step sizes comparable with other operators; [`Self::scale`] is s, by which line integrals
/// measured in pixels have to be divided. It is the upper bound of ||R|| from the Collatz-Wielandt inequality, computed at construction.
///
/// # Shapes
/// Domain `[C, H, W]`, codomain `[C, angles, D]` with D the smallest number >= sqrt(H^2 + W^2) of W's parity, so that at theta = 0 detectors and
/// columns coincide.
///
/// No closed form; [`LinearOperator::start`] is filtered back-projection.
#[derive(Clone, Debug)]
pub struct Radon {
    domain: [usize; 3],
    rays: Rays,
    scale: f64,
}

/// The unscaled geometry of one plane.
#[derive(Clone, Debug)]
struct Rays {
    rows: usize,
    cols: usize,
    detectors: usize,
    /// In radians, in the order of the measurement's rows.
    angles: Vec<f64>,
}

impl Radon {
    /// `angles` directions k pi / `angles`, k = 0, 1, ..., over the half circle.
    ///
    /// # Errors
    /// If a size or the number of angles is zero.
    pub fn new(domain: [usize; 3], angles: usize) -> Result<Self, Error> {
        Self::with_angles(domain, (0..angles).map(|k| k as f64 * PI / angles as f64).collect())
    }

    /// Given directions, in radians.
    ///
    /// # Errors
    /// If a size is zero, there is no angle, or one is NaN or infinite.
    pub fn with_angles(domain: [usize; 3], angles: Vec<f64>) -> Result<Self, Error> {
        require_domain("radon", domain)?;
        if angles.is_empty() {
            return Err(parameter("radon", "at least one angle".into(), "none".into()));
        }
        if let Some(angle) = angles.iter().find(|angle| !angle.is_finite()) {
            return Err(parameter("radon", "finite angles".into(), angle.to_string()));
        }
        let [_, rows, cols] = domain;
        let diagonal = (rows as f64).hypot(cols as f64).ceil() as usize;
        let detectors = if diagonal % 2 == cols % 2 {
            diagonal
        } else {
            diagonal + 1
        };
        let rays = Rays {
            rows,
            cols,
            detectors,
            angles,
        };
        let mut sinogram = vec![0.0; rays.angles.len() * detectors];
        let bound = nonnegative_norm_sq(rows * cols, |p, out| {
            rays.project(p, &mut sinogram, 1.0);
            rays.back_project(&sinogram, out, 1.0);
        });
        Ok(Self {
            domain,
            rays,
            scale: bound.sqrt(),
        })
    }

    /// The bound s on ||R|| by which line integrals in pixels are divided.
    pub fn scale(&self) -> f64 {
        self.scale
    }

    /// The directions, in radians.
    pub fn angles(&self) -> &[f64] {
        &self.rays.angles
    }
}

/// The two detectors that see a pixel: the lower one and both weights.
#[inline]
fn weights(p: f64, inverse_width: f64) -> (isize, [f64; 2]) {
    let lower = p.floor();
    let weight = |distance: f64| (1.0 - distance * inverse_width).max(0.0) * inverse_width;
    (lower as isize, [weight(p - lower), weight(lower + 1.0 - p)])
}

impl Rays {
    /// cos, sin and the inverse width of a pixel's footprint.
    fn direction(angle: f64) -> (f64, f64, f64) {
        let (sin, cos) = angle.sin_cos();
        (cos, sin, 1.0 / cos.abs().max(sin.abs()))
    }

    /// Where the centre of pixel (i, 0) projects to, in detectors.
    fn row_start(&self, i: usize, cos: f64, sin: f64) -> f64 {
        let y = (self.rows as f64 - 1.0) / 2.0 - i as f64;
        let x = -(self.cols as f64 - 1.0) / 2.0;
        x * cos + y * sin + (self.detectors as f64 - 1.0) / 2.0
    }

    /// `factor` R x; angles run in parallel, each with its own sums.
    fn project(&self, x: &[f32], y: &mut [f32], factor: f64) {
        y.par_chunks_mut(self.detectors)
            .zip(&self.angles)
            .for_each(|(line, &angle)| {
                let (cos, sin, inverse_width) = Self::direction(angle);
                let mut sums = vec![0.0f64; self.detectors];
                for (i, row) in x.chunks_exact(self.cols).enumerate() {
                    let start = self.row_start(i, cos, sin);
                    for (j, &pixel) in row.iter().enumerate() {
                        let (lower, weights) = weights(start + j as f64 * cos, inverse_width);
                        for (d, weight) in [lower, lower + 1].into_iter().zip(weights) {
                            if let Some(sum) = usize::try_from(d).ok().and_then(|d| sums.get_mut(d)) {
                                *sum += weight * f64::from(pixel);
                            }
                        }
                    }
                }
                for (value, sum) in line.iter_mut().zip(sums) {
                    *value = (factor * sum) as f32;
                }
            });
    }

    /// `factor` R^T y; rows of the image run in parallel, each pixel sums over the angles in order.
    fn back_project(&self, y: &[f32], x: &mut [f32], factor: f64) {
        let directions: Vec<_> = self.angles.iter().map(|&angle| Self::direction(angle)).collect();
        x.par_chunks_mut(self.cols).enumerate().for_each(|(i, row)| {
            let mut sums = vec![0.0f64; self.cols];
            for (line, &(cos, sin, inverse_width)) in y.chunks_exact(self.detectors).zip(&directions) {
                let start = self.row_start(i, cos, sin);
                for (j, sum) in sums.iter_mut().enumerate() {
                    let (lower, weights) = weights(start + j as f64 * cos, inverse_width);
                    for (d, weight) in [lower, lower + 1].into_iter().zip(weights) {
                        if let Some(&value) = usize::try_from(d).ok().and_then(|d| line.get(d)) {
                            *sum += weight * f64::from(value);
                        }
                    }
                }
            }
            for (value, sum) in row.iter_mut().zip(sums) {
                *value = (factor * sum) as f32;
            }
        });
    }
}

impl LinearOperator for Radon {
    fn domain(&self) -> [usize; 3] {
        self.domain
    }

    fn codomain(&self) -> [usize; 3] {
        [self.domain[0], self.rays.angles.len(), self.rays.detectors]
    }

    fn apply(&self, x: Image) -> Result<Image, Error> {
        let (from, to) = (self.domain, self.codomain());
        map_blocks("radon", [(&x, from)], to, from[0], |[x], y| {
            self.rays.project(x, y, 1.0 / self.scale)
        })
    }

    fn adjoint(&self, y: Image) -> Result<Image, Error> {
        let (from, to) = (self.domain, self.codomain());
        map_blocks("radon: adjoint", [(&y, to)], from, from[0], |[y], x| {
            self.rays.back_project(y, x, 1.0 / self.scale);
        })
    }

    fn norm_sq(&self) -> f64 {
        1.0
    }

    fn start(&self, y: Image) -> Result<Image, Error> {
        self.filtered_back_projection(y)
    }
}
