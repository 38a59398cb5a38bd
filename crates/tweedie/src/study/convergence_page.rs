//! The page of a study of convergence.

use std::path::Path;

use tweedie_report::{Plot, Report, Section, Series, Table};
use tweedie_solver::StopReason;
use tweedie_solver::study::{ConvergenceRow, RateFit, RateModel};

use super::convergence::{ConvergenceRun, settings};
use super::studied::{Studied, deviation_text, known_text};
use crate::Result;
use crate::provenance::Provenance;
use crate::scores::stop_text;

const READING: &str = "Limit known to: ||x_L - x_(L/2)|| / ||x_L||, L the length of the run to the limit; distances below it mean \
    nothing. Residual: root mean square of what one more iteration would change, 1 = white. Distance: \
    ||x_k - x*|| / ||x*||, x* the end of the run to the limit. Fitted are the last two thirds of what lies above rounding \
    and above the uncertainty of the limit: the first iterations still show faster modes. The better of q^k and k^-p, by \
    adjusted R^2, is in the table; both are in results.json.";

const KNOWN: &str = "Known: the spectral radius r of the affine iteration, by power iteration; sqrt(r) with Nesterov's \
    momentum (Sinha and Chaudhury 2024). Off: ln(fitted q) / ln(known q) - 1.";

/// Writes the page.
///
/// # Errors
/// If the file cannot be written.
pub fn write(path: &Path, run: &ConvergenceRun, results: &[Studied], provenance: &Provenance) -> Result<()> {
    let (manifest, denoiser) = (&run.study, &run.checkpoint);
    let task = manifest.task.task.name();
    let mut report = Report::new(format!("Convergence on {task} with {}", denoiser.name));
    let mut images: Vec<&str> = results.iter().map(|studied| studied.image.as_str()).collect();
    images.dedup();
    report.summary = summary(results, images.len());
    let mut rates = Section::new("Rates").table(table(results)).text(READING);
    if results.iter().any(|studied| studied.theory.is_some()) {
        rates = rates.text(KNOWN);
    }
    report.sections.push(rates);
    for image in images {
        let of_image: Vec<&Studied> = results.iter().filter(|studied| studied.image == image).collect();
        report.sections.push(curves(image, &of_image));
    }
    report
        .sections
        .extend(provenance.sections(settings(manifest, denoiser)));
    Ok(report.write(path)?)
}

fn summary(results: &[Studied], images: usize) -> String {
    let linear = results
        .iter()
        .filter(|studied| {
            matches!(
                studied.distance.map(|fit| fit.chosen.model),
                Some(RateModel::Linear { .. })
            )
        })
        .count();
    let diverged = results
        .iter()
        .filter(|studied| studied.limit.stop == StopReason::Diverged)
        .count();
    let worst = results
        .iter()
        .filter_map(|studied| studied.distance_deviation)
        .map(f64::abs)
        .reduce(f64::max);
    let images = match images {
        1 => "1 image".to_owned(),
        n => format!("{n} images"),
    };
    let known = worst.map_or(String::new(), |worst| {
        format!(" · known rates met within {:.1} %", 100.0 * worst)
    });
    format!(
        "{} runs on {images} · {linear} linear, {diverged} diverged{known}",
        results.len()
    )
}

fn table(results: &[Studied]) -> Table {
    // Columns that would be empty are left out.
    let with_gap = results.iter().any(|studied| studied.objective_gap.is_some());
    let with_theory = results.iter().any(|studied| studied.theory.is_some());
    let mut table = Table::new([
        "image",
        "algorithm",
        "run to the limit",
        "limit known to",
        "residual",
        "R²",
    ]);
    let mut add = |heads: &[&str]| table.columns.extend(heads.iter().map(|&head| head.to_owned()));
    if with_gap {
        add(&["objective gap", "R²"]);
    }
    add(&["distance", "R²", "fitted iterations"]);
    if with_theory {
        add(&["known", "off"]);
    }
    for studied in results {
        let mut row = vec![
            studied.image.clone(),
            studied.algorithm.clone(),
            stop_text(studied.limit.stop).to_owned(),
            studied
                .limit
                .uncertainty
                .map_or(String::new(), |value| format!("{value:.1e}")),
        ];
        row.extend(cells(studied.residual));
        if with_gap {
            row.extend(cells(studied.objective_gap));
        }
        row.extend(cells(studied.distance));
        row.push(
            studied
                .distance
                .or(studied.residual)
                .map_or(String::new(), |fit| format!("{} to {}", fit.from, fit.to)),
        );
        if with_theory {
            row.push(known_text(studied));
            row.push(deviation_text(studied.distance_deviation));
        }
        table.row(row);
    }
    table
}

fn cells(fit: Option<RateFit>) -> [String; 2] {
    let Some(fit) = fit else { return Default::default() };
    let model = match fit.chosen.model {
        RateModel::Linear { factor } => format!("{factor:.4}^k"),
        RateModel::Power { exponent } => format!("k^\u{2212}{exponent:.2}"),
    };
    [model, format!("{:.4}", fit.chosen.r_squared)]
}

fn curves(image: &str, results: &[&Studied]) -> Section {
    let plot = |title: &str, label: &str, value: fn(&ConvergenceRow) -> Option<f64>| {
        let mut plot = Plot::new(title, "iteration", label).log_y();
        for studied in results {
            let points = studied.rows.iter().map(|row| (f64::from(row.iteration), value(row)));
            plot.series.push(Series::new(&studied.algorithm, points));
        }
        plot
    };
    let residual = plot("Fixed-point residual", "residual (image units)", |row| {
        Some(row.residual)
    });
    let distance = plot("Distance to the limit", "relative distance", |row| row.distance);
    let section = Section::new(image).plot(residual).plot(distance);
    if results.iter().any(|studied| studied.objective_gap.is_some()) {
        // Runs without an objective have no curve, and no place in the legend.
        let mut gap = plot("Objective minus its limit", "objective gap", |row| row.objective_gap);
        gap.series
            .retain(|series| series.points.iter().any(|(_, y)| y.is_some()));
        return section.plot(gap);
    }
    section
}
