//! What a restoration is scored by, and its files.

use std::path::Path;

use serde::Serialize;
use tweedie_solver::{StopReason, TraceRow};

use crate::strength::Found;

/// One result, as the JSON has it.
#[derive(Clone, Debug, Serialize)]
pub struct Scores {
    pub name: String,
    pub task: &'static str,
    pub solver: &'static str,
    pub psnr_db: Option<f64>,
    pub ssim: Option<f64>,
    /// PSNR of the first estimate: the measurement, or where that is no picture of the scene what the operator makes
    /// of it (filled holes, cubic interpolation, ...).
    pub psnr_input_db: Option<f64>,
    pub iterations: usize,
    pub stop: StopReason,
    /// Solver time.
    pub seconds: f64,
    pub denoiser_calls: u32,
    pub fixed_point_residual: Option<f64>,
    /// How the strength was found, with --strength auto.
    pub strength: Option<Found>,
}

/// Writes a trace as CSV, atomically; a missing value is an empty cell.
pub fn write_trace(path: &Path, trace: &[TraceRow]) -> anyhow::Result<()> {
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
        StopReason::Interrupted => "interrupted",
    }
}
