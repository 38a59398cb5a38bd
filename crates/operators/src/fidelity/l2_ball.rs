//! The constraint that the residual is as small as the noise.

use std::sync::Arc;

use tweedie_imaging::Image;

use super::measurement::Measurement;
use crate::host::{norm_sq_per_image, parameter, require_positive};
use crate::root::increasing_root;
use crate::{DataFidelity, Error, InnerSolve, LinearOperator, NormalSolve};

/// A residual that exceeds the radius by this share still counts as inside: ten times what the projection leaves.
const SLACK: f64 = 1e-3;

/// The projection's root search stops when the residual is this close to the radius, relative to it.
const TOLERANCE: f64 = 1e-4;

/// Most evaluations of the residual in one projection; bracketing takes ten at most, the Illinois method about ten more.
const MAX_EVALUATIONS: u32 = 60;

/// The smallest multiplier that is tried, relative to ||A||^2; below it the residual is that of least squares in f32.
const SMALLEST_RHO: f64 = 1e-8;

/// The indicator of {x: ||A x - y|| <= radius}: 0 inside (to a relative 1e-3), +infinity outside.
///
/// For Gaussian noise of standard deviation sigma in m measured values, the radius is about sigma sqrt(m).
///
/// The prox is the projection onto the set, whatever gamma. If the rows of A are orthonormal or zero, it moves A z along the
/// residual (values of y that A cannot reach are dropped from the residual). Otherwise the projection is
/// x(rho) = (A^T A + rho I)^-1 (A^T y + rho z) for the rho at which ||A x(rho) - y|| = radius, found by the Illinois method in log rho for each
/// image, with the operator's closed form; without one the projection is computed by its dual.
#[derive(Clone, Debug)]
pub struct L2Ball {
    measurement: Measurement,
    radius: f64,
}

impl L2Ball {
    /// The constraint for a measurement `y`, `[N, C', H', W']` of the operator's codomain, the same radius for each image.
    ///
    /// # Errors
    /// If the shape of `y` does not fit, it holds NaN or an infinity, or the radius is not positive and finite.
    pub fn new(operator: Arc<dyn LinearOperator>, y: Image, radius: f64) -> Result<Self, Error> {
        require_positive("l2 ball", "radius", radius)?;
        let mut measurement = Measurement::new("l2 ball: measurement", operator, y)?;
        if measurement.operator.has_orthonormal_rows() {
            let reachable = measurement.operator.adjoint(measurement.y)?;
            measurement.y = measurement.operator.apply(reachable)?;
        }
        Ok(Self { measurement, radius })
    }

    fn residual_norms(&self, x: Image) -> Result<Vec<f64>, Error> {
        let residual = self.measurement.residual("l2 ball", x)?;
        Ok(norm_sq_per_image(&residual)?.into_iter().map(f64::sqrt).collect())
    }

    /// Shortens v - y to the radius.
    fn shortened(&self, v: Image) -> Result<Image, Error> {
        let y = self.measurement.y.clone();
        let residual = v - y.clone();
        let norms = norm_sq_per_image(&residual)?;
        let factor = |norm_sq: &f64| (self.radius / norm_sq.sqrt()).min(1.0) as f32;
        let factors: Vec<f32> = norms.iter().map(factor).collect();
        let factors = tweedie_imaging::image_from_vec(factors, [norms.len(), 1, 1, 1], &residual.device())?;
        Ok(residual * factors + y)
    }

    /// Projects one image by a search for the multiplier; returns the evaluations and the relative miss of the radius.
    fn project_one(&self, solver: &dyn NormalSolve, y: Image, z: Image) -> Result<(Image, u32, f64), Error> {
        // ln(||A x - y|| / radius).
        let miss = |x: &Image| -> Result<f64, Error> {
            let residual = self.measurement.operator.apply(x.clone())? - y.clone();
            Ok((norm_sq_per_image(&residual)?[0].sqrt() / self.radius).ln())
        };
        let mut x = z.clone();
        if miss(&x)? <= 0.0 {
            return Ok((x, 0, 0.0));
        }
        let norm_sq = self.measurement.operator.norm_sq();
        let search = increasing_root(
            |s| {
                x = solver.tikhonov(y.clone(), z.clone(), s.exp())?;
                miss(&x)
            },
            norm_sq.ln(),
            10f64.ln(),
            [(SMALLEST_RHO * norm_sq).ln(), (norm_sq / SMALLEST_RHO).ln()],
            TOLERANCE,
            MAX_EVALUATIONS,
        )?;
        if search.value > SLACK && search.evaluations < MAX_EVALUATIONS {
            let least = self.radius * search.value.exp();
            let expected = format!("a radius that least squares can reach, here {least:.3e}");
            return Err(parameter("l2 ball: projection", expected, self.radius.to_string()));
        }
        Ok((x, search.evaluations, search.value.exp_m1().abs()))
    }
}

impl DataFidelity for L2Ball {
    fn domain(&self) -> [usize; 3] {
        self.measurement.operator.domain()
    }

    fn value(&self, x: Image) -> Result<Vec<f64>, Error> {
        let inside = |norm: f64| {
            if norm <= self.radius * (1.0 + SLACK) {
                0.0
            } else {
                f64::INFINITY
            }
        };
        Ok(self.residual_norms(x)?.into_iter().map(inside).collect())
    }

    fn grad(&self, _: Image) -> Result<Image, Error> {
        Err(Error::Unavailable {
            operation: "l2 ball: gradient",
            reason: "a constraint has none; use its projection",
        })
    }

    fn lipschitz(&self) -> Option<f64> {
        None
    }

    fn prox(&self, z: Image, gamma: f64) -> Result<(Image, InnerSolve), Error> {
        self.measurement.require_prox("l2 ball: projection", &z, gamma)?;
        let solver = match self.measurement.operator.normal_solve() {
            Some(solver) if !self.measurement.operator.has_orthonormal_rows() => solver,
            _ => return self.measurement.prox_of(z, gamma, |v, _| self.shortened(v)),
        };
        let mut images = Vec::new();
        let (mut iterations, mut relative_residual) = (0, 0f64);
        for n in 0..z.dims()[0] {
            let (x, evaluations, miss) = self.project_one(
                solver,
                self.measurement.y.clone().narrow(0, n, 1),
                z.clone().narrow(0, n, 1),
            )?;
            images.push(x);
            iterations = iterations.max(evaluations);
            relative_residual = relative_residual.max(miss);
        }
        let converged = relative_residual <= 2.0 * TOLERANCE;
        Ok((
            Image::cat(images, 0),
            InnerSolve::Iterative {
                iterations,
                relative_residual,
                converged,
            },
        ))
    }
}
