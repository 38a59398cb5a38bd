//! What a study of convergence measures.

use std::fmt;
use std::io::Write as _;
use std::path::Path;

use serde::Serialize;
use serde_json::{Map, Value};
use tweedie_imaging::write_atomic;
use tweedie_solver::study::{ConvergenceRow, Limit, RateFit, RateModel, Theory};

use super::csv;
use crate::Result;
use crate::scores::stop_text;
use crate::task::Task;

/// A solver on an image, as the JSON has it.
#[derive(Clone, Debug, Serialize)]
pub struct Studied {
    /// Name of the image.
    pub image: String,
    /// What the manifest calls the solver.
    pub algorithm: String,
    /// Name of the solver.
    pub solver: &'static str,
    /// All parameters, defaults included.
    pub parameters: Map<String, Value>,
    /// Iterations that were measured.
    pub iterations: usize,
    /// The first iteration, from 0, from which the level and the step stay; at least the number of iterations of the run
    /// to the limit if there is none.
    pub settled_from: u32,
    /// Where the run to the limit ended.
    pub limit: Limit,
    /// Fits of the three curves.
    pub residual: Option<RateFit>,
    /// Of the objective minus its limit.
    pub objective_gap: Option<RateFit>,
    /// Of the distance to the limit.
    pub distance: Option<RateFit>,
    /// The known factor, where the iteration is affine.
    pub theory: Option<Theory>,
    /// ln(fitted factor) / ln(known factor) - 1 of the residual and of the distance: the relative error of the digits
    /// per iteration.
    pub residual_deviation: Option<f64>,
    /// Of the distance.
    pub distance_deviation: Option<f64>,
    /// The last measured iteration.
    pub last: Option<ConvergenceRow>,
    /// Every iteration, for the CSV and the plots.
    #[serde(skip)]
    pub rows: Vec<ConvergenceRow>,
    /// `[C, H, W]` of the image.
    #[serde(skip)]
    pub size: [usize; 3],
}

impl Studied {
    /// The first lines of a table of an image's solvers.
    pub fn header(&self, task: &Task) -> String {
        let [channels, rows, cols] = self.size;
        let (kind, noise) = (task.degradation.kind().name(), task.noise_grey_levels);
        let first = format!("{}: {kind}, noise {noise}, {channels}x{rows}x{cols}", self.image);
        let [solver, limit, residual, gap] = ["algorithm", "limit", "residual", "objective gap"];
        let [distance, known, off] = ["distance", "known", "off"];
        format!("{first}\n{solver:<18}  {limit:<15}  {residual:<26}  {gap:<26}  {distance:<26}  {known:>8}  {off:>7}")
    }
}

impl fmt::Display for Studied {
    /// A line of that table.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let off = deviation_text(self.distance_deviation.or(self.residual_deviation));
        let (limit, known) = (limit_text(self), known_text(self));
        let [residual, gap, distance] = [self.residual, self.objective_gap, self.distance].map(rate_text);
        let solver = &self.algorithm;
        write!(
            f,
            "{solver:<18}  {limit:<15}  {residual:<26}  {gap:<26}  {distance:<26}  {known:>8}  {off:>7}"
        )
    }
}

/// Writes every iteration as CSV, atomically; a missing value is an empty cell.
///
/// # Errors
/// If the file cannot be written.
pub fn write_rows(path: &Path, results: &[Studied]) -> Result<()> {
    write_atomic(path, |file| {
        writeln!(
            file,
            "image,algorithm,iteration,residual,objective,objective_gap,distance"
        )?;
        for studied in results {
            let (image, algorithm) = (csv::text(&studied.image), csv::text(&studied.algorithm));
            for row in &studied.rows {
                writeln!(
                    file,
                    "{image},{algorithm},{},{},{},{},{}",
                    row.iteration,
                    row.residual,
                    csv::number(row.objective),
                    csv::number(row.objective_gap),
                    csv::number(row.distance)
                )?;
            }
        }
        Ok(())
    })?;
    Ok(())
}

/// How the run to the limit ended, and how well the limit is known.
pub fn limit_text(studied: &Studied) -> String {
    let stop = stop_text(studied.limit.stop);
    match studied.limit.uncertainty {
        Some(uncertainty) => format!("{stop} {uncertainty:.0e}"),
        None => stop.to_owned(),
    }
}

/// The chosen model with its range and its R^2.
pub fn rate_text(fit: Option<RateFit>) -> String {
    let Some(fit) = fit else { return "-".to_owned() };
    let model = match fit.chosen.model {
        RateModel::Linear { factor } => format!("{factor:.4}^k"),
        RateModel::Power { exponent } => format!("k^{:.2}", -exponent),
    };
    format!("{model} {}-{} R2 {:.3}", fit.from, fit.to, fit.chosen.r_squared)
}

/// The known factor.
pub fn known_text(studied: &Studied) -> String {
    match studied.theory {
        Some(theory) if theory.spectral_radius.converged => format!("{:.4}", theory.factor),
        Some(theory) => format!(">{:.4}", theory.factor),
        None => String::new(),
    }
}

/// A deviation in percent.
pub fn deviation_text(deviation: Option<f64>) -> String {
    deviation.map_or(String::new(), |value| format!("{:+.1} %", 100.0 * value))
}
