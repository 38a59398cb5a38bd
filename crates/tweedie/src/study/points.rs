//! What a study of the approximation error measures.

use std::fmt;
use std::io::Write as _;
use std::path::Path;

use serde::Serialize;
use tweedie_imaging::write_atomic;
use tweedie_solver::study::Rule;

use super::csv;
use crate::Result;

/// An image at a noise level, as the JSON has it.
#[derive(Clone, Debug, Serialize)]
pub struct Point {
    /// Name of the image.
    pub image: String,
    /// Noise level of the measurement.
    pub noise_grey_levels: f64,
    /// Strengths that were tried and did not diverge.
    pub tried: usize,
    /// What each rule chose, the oracle last.
    pub choices: Vec<Chosen>,
}

impl Point {
    /// The first line of a table of points.
    pub fn header(rules: &[Rule]) -> String {
        let names: String = rules.iter().map(|rule| format!("{:>18}", rule.name())).collect();
        let [image, noise] = ["image", "noise"];
        format!("{image:<20}  {noise:>7}{names}   (PSNR, dB)")
    }
}

impl fmt::Display for Point {
    /// A line of that table.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<20}  {:>7.3}", self.image, self.noise_grey_levels)?;
        self.choices.iter().try_for_each(|chosen| match chosen.psnr_db {
            Some(psnr) => write!(f, "{psnr:>18.2}"),
            None => write!(f, "{:>18}", "none found"),
        })
    }
}

/// What a rule chose.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Chosen {
    /// The rule.
    pub rule: Rule,
    /// Null where the rule finds none in the grid; then the others are null too.
    pub strength: Option<f64>,
    /// Whether it is the first or last of the grid.
    pub at_edge: Option<bool>,
    /// ||x_delta - x|| / sqrt(n), in image units.
    pub error_rms: Option<f64>,
    /// Range 1, the estimate clipped.
    pub psnr_db: Option<f64>,
    /// PSNR of the oracle's choice minus this one.
    pub loss_db: Option<f64>,
}

/// Writes every choice as CSV, atomically; a missing value is an empty cell.
///
/// # Errors
/// If the file cannot be written.
pub fn write_points(path: &Path, points: &[Point]) -> Result<()> {
    write_atomic(path, |file| {
        writeln!(
            file,
            "image,noise_grey_levels,rule,strength,at_edge,error_rms,psnr_db,loss_db"
        )?;
        for point in points {
            let image = csv::text(&point.image);
            for chosen in &point.choices {
                writeln!(
                    file,
                    "{image},{},{},{},{},{},{},{}",
                    point.noise_grey_levels,
                    chosen.rule,
                    csv::number(chosen.strength),
                    chosen.at_edge.map_or(String::new(), |at_edge| at_edge.to_string()),
                    csv::number(chosen.error_rms),
                    csv::number(chosen.psnr_db),
                    csv::number(chosen.loss_db)
                )?;
            }
        }
        Ok(())
    })?;
    Ok(())
}
