//! The measures of one noise level.

use serde::Serialize;
use tweedie_imaging::Sigma;

use super::estimate::Estimate;
use super::subject::Derivatives;

/// The measures of one noise level; in JSON these are the keys of a result.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LevelMeasures {
    /// Noise level in `[0, 1]` units.
    pub sigma: Sigma,
    /// Patches that were measured.
    pub samples: usize,
    /// How the Jacobians were computed.
    pub derivatives: Derivatives,
    /// ||J - J^T||_F^2 / ||J||_F^2.
    pub jacobian_asymmetry: Estimate,
    /// ||(1 + e) D(x) - D((1 + e) x)||^2 / ||(1 + e) D(x)||^2, e = 1e-3.
    pub homogeneity_1: Estimate,
    /// ||J x - D(x)||^2 / ||D(x)||^2.
    pub homogeneity_2: Estimate,
    /// ||J||, the largest singular value.
    pub spectral_norm_j: Estimate,
    /// ||J - I||.
    pub spectral_norm_residual: Estimate,
    /// ||2 J - I||: at most 1 where D is firmly nonexpansive.
    pub spectral_norm_reflection: Estimate,
    /// The largest eigenvalue of (J + J^T)/2: at most 1 where I - D is monotone.
    pub symmetric_part_max: Estimate,
    /// ||D(x)|| / ||x||: at most 1 where D is passive.
    pub passivity: Estimate,
    /// ||J - K||_F / ||J||_F with K by central differences, of a step four times as long where J itself is by
    /// differences: zero where D is differentiable, up to rounding and curvature.
    pub differentiability: Estimate,
    /// ||D(x) - D(z)|| / ||x - z|| over pairs: at most 1 where D is nonexpansive.
    pub expansion: Estimate,
    /// (||D(x) - p||^2 - ||x - p||^2) / ||x - D(x)||^2 over near fixed points p: at most d < 1 where D is
    /// demicontractive.
    pub demicontractivity: Estimate,
    /// ||D(p) - p|| / ||p|| of these p; `demicontractivity` means what it says as far as this is small.
    pub fixed_point_error: Estimate,
    /// Whether all iterations for eigenvalues and norms reached their tolerance.
    pub converged: bool,
}
