//! What a restoration is scored by, and its files.

use std::borrow::Cow;
use std::fmt;
use std::path::Path;

use serde::{Deserialize, Serialize};
use tweedie_imaging::Image;
use tweedie_solver::{StopReason, TraceRow};

use crate::Result;
use crate::fidelity::Fidelity;
use crate::noise_level::NoiseUsed;
use crate::strength::{Found, Tried, strength_text};

/// One result, as the JSON has it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Scores {
    /// Name of the image.
    pub name: String,
    /// Name of the task.
    pub task: Cow<'static, str>,
    /// Name of the solver.
    pub solver: Cow<'static, str>,
    /// Range 1, the estimate clipped; absent without the truth.
    pub psnr_db: Option<f64>,
    /// Gaussian window of 11 pixels; absent without the truth.
    pub ssim: Option<f64>,
    /// PSNR of the first estimate: the measurement, or where that is no picture of the scene what the operator makes
    /// of it (filled holes, cubic interpolation, ...).
    pub psnr_input_db: Option<f64>,
    /// Iterations that were done.
    pub iterations: usize,
    /// Why the run ended.
    pub stop: StopReason,
    /// Solver time.
    pub seconds: f64,
    /// Calls of the denoiser.
    pub denoiser_calls: u32,
    /// Root mean square of what the last iteration changed, 1 = white.
    pub fixed_point_residual: Option<f64>,
    /// How the strength was found, with --strength auto.
    pub strength: Option<Found>,
    /// What looks wrong about the result, and what to try; empty if nothing does.
    pub warnings: Vec<String>,
    /// The noise that the measurement was taken to have.
    pub noise: NoiseUsed,
    /// The data term.
    pub fidelity: Fidelity,
}

impl fmt::Display for Scores {
    /// One line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.name)?;
        if let (Some(before), Some(after)) = (self.psnr_input_db, self.psnr_db) {
            write!(f, "{before:.2} -> {after:.2} dB, ")?;
        }
        let (iterations, seconds, stop) = (self.iterations, self.seconds, stop_text(self.stop));
        write!(f, "{iterations} iterations, {seconds:.2} s, {stop}")?;
        match &self.strength {
            Some(found) => write!(f, ", strength {} by {}", strength_text(found), found.rule),
            None => Ok(()),
        }
    }
}

/// What a restoration leaves.
pub struct Restored {
    /// The restored image.
    pub image: Image,
    /// What each iteration did.
    pub trace: Vec<TraceRow>,
    /// Why the run ended.
    pub stop: StopReason,
    /// The result in numbers.
    pub scores: Scores,
    /// What was tried to find the strength, if a rule was to find it.
    pub sweep: Vec<Tried>,
}

/// Writes a trace as CSV, atomically; a missing value is an empty cell.
pub fn write_trace(path: &Path, trace: &[TraceRow]) -> Result<()> {
    use std::io::Write as _;
    tweedie_imaging::write_atomic(path, |file| {
        writeln!(
            file,
            "iteration,solver_s,sigma_grey_levels,fixed_point_residual,rel_change,objective,data_value,psnr_db,\
             denoiser_calls,inner_iterations"
        )?;
        let cell = |value: Option<f64>| value.map_or(String::new(), |value| value.to_string());
        for row in trace {
            writeln!(
                file,
                "{},{:.6},{},{},{},{},{},{},{},{}",
                row.iter,
                row.solver_s,
                row.sigma.grey_levels(),
                row.fixed_point_residual,
                cell(row.rel_change),
                cell(row.objective),
                cell(row.data_value),
                cell(row.psnr_db),
                row.work.denoiser_calls,
                row.work.inner_iterations
            )?;
        }
        Ok(())
    })?;
    Ok(())
}

/// A stop reason in words, as the JSON has it.
pub fn stop_text(stop: StopReason) -> &'static str {
    match stop {
        StopReason::MaxIters => "max-iters",
        StopReason::Converged => "converged",
        StopReason::Discrepancy => "discrepancy",
        StopReason::Budget => "budget",
        StopReason::Diverged => "diverged",
        StopReason::Stalled => "stalled",
        StopReason::Interrupted => "interrupted",
    }
}

/// Writes what was tried as CSV, atomically.
pub fn write_sweep(path: &Path, sweep: &[Tried]) -> Result<()> {
    use std::io::Write as _;
    tweedie_imaging::write_atomic(path, |file| {
        writeln!(file, "strength,residual_norm,psnr_db")?;
        for tried in sweep {
            let psnr = tried.psnr_db.map_or(String::new(), |psnr| psnr.to_string());
            writeln!(file, "{},{},{psnr}", tried.strength, tried.residual_norm)?;
        }
        Ok(())
    })?;
    Ok(())
}
