//! What a run leaves behind.

use serde::{Deserialize, Serialize};
use tweedie_imaging::{Image, Sigma};

use crate::Work;

/// One iteration of one image.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TraceRow {
    /// Number of the iteration, from 1.
    pub iter: u32,
    /// Seconds of solver time since the start, without observers and scoring.
    pub solver_s: f64,
    /// Noise level that the denoiser was given, in `[0, 1]` units.
    pub sigma: Sigma,
    /// ||x_k - x_(k-1)|| / ||x_(k-1)|| of the estimate; `None` where x_(k-1) = 0.
    pub rel_change: Option<f64>,
    /// ||T(z) - z|| / sqrt(n) of the iteration's own map, in image units; see [`crate::StepStats`].
    pub fixed_point_residual: f64,
    /// The objective at the estimate, where the algorithm minimises one.
    pub objective: Option<f64>,
    /// The data fidelity l(x, y) at the estimate, where a stop rule asked for it.
    pub data_value: Option<f64>,
    /// PSNR of the estimate in dB, where the truth is known.
    pub psnr_db: Option<f64>,
    /// Denoiser calls and inner solves since the start.
    pub work: Work,
}

/// Why a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StopReason {
    /// All iterations were done.
    MaxIters,
    /// The tolerance was reached.
    Converged,
    /// The data fidelity fell to what the noise explains.
    Discrepancy,
    /// The time was used up.
    Budget,
    /// The iterates ran away: not finite, or the residual or the norm kept growing.
    Diverged,
    /// No step lowers the objective, however short: what the denoiser gives as its gradient is none. The image is the last
    /// one that did.
    Stalled,
    /// The interrupt flag was raised.
    Interrupted,
}

/// A finished run of one image.
#[derive(Clone, Debug)]
pub struct Restoration {
    /// The last estimate, `[1, C, H, W]`; after [`StopReason::Diverged`] that of the iteration with the smallest fixed-point
    /// residual, before the iterates ran away.
    pub image: Image,
    /// One row an iteration, the diverging one included.
    pub trace: Vec<TraceRow>,
    /// Why the run ended.
    pub stop: StopReason,
}
