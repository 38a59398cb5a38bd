//! The page of a study of the approximation error.

use std::path::Path;

use tweedie_report::{Plot, Report, Section, Series, Table};
use tweedie_solver::study::Rule;

use super::approximation::{ApproximationRun, settings};
use super::points::Point;
use super::rules::{AtLevel, OfRule};
use crate::Result;
use crate::provenance::Provenance;

const FITTED: &str = "Fitted is error ~ noise^exponent, the error being the geometric mean over the images of \
    ||x_delta - x|| / sqrt(n), with the standard error from the scatter about the line.";

const LOSS: &str = "Loss: PSNR of the oracle's choice \
    minus that of the rule's, over all images and noise levels; the oracle sees the truth. All rules choose from the same \
    restorations.";

/// Writes the page.
///
/// # Errors
/// If the file cannot be written.
pub fn write(
    path: &Path,
    run: &ApproximationRun,
    points: &[Point],
    fits: &[OfRule],
    provenance: &Provenance,
) -> Result<()> {
    let (manifest, denoiser) = (&run.study, &run.checkpoint);
    let task = manifest.task.task.name();
    let mut report = Report::new(format!("Error against noise on {task} with {}", denoiser.name));
    report.summary = summary(points, fits);
    let mut section = Section::new("Rules").table(table(fits));
    if fits.iter().any(|fit| fit.fit.is_some()) {
        section = section.text(FITTED);
    }
    section = section.text(LOSS);
    // A single level has no curves.
    if fits.iter().any(|fit| fit.levels.len() > 1) {
        let plot = |mut plot: Plot, value: fn(&AtLevel) -> Option<f64>| {
            for fit in fits {
                let points = fit.levels.iter().map(|at| (at.noise_grey_levels, value(at)));
                plot.series.push(Series::new(fit.rule.name(), points));
            }
            plot
        };
        let noise = "noise (grey levels)";
        let error = Plot::new("Error", noise, "root mean square error").log_x().log_y();
        let strength = Plot::new("Chosen strength", noise, "strength").log_x().log_y();
        let mut loss = plot(Plot::new("Loss against the oracle", noise, "loss (dB)").log_x(), |at| {
            at.loss_db
        });
        loss.series.retain(|series| series.name != Rule::Oracle.name());
        section = section
            .plot(plot(error, |at| at.error_rms))
            .plot(loss)
            .plot(plot(strength, |at| at.strength));
    }
    report.sections.push(section);
    report
        .sections
        .push(Section::new("Choices").table(choices(points)).text(
        "PSNR in decibels (range [0, 1], the estimate clipped), and the strength that each rule chose; empty where it \
         found none.",
    ));
    report
        .sections
        .extend(provenance.sections(settings(manifest, denoiser)));
    Ok(report.write(path)?)
}

fn summary(points: &[Point], fits: &[OfRule]) -> String {
    let mut images: Vec<&str> = points.iter().map(|point| point.image.as_str()).collect();
    images.dedup();
    let count = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
    let levels = fits.first().map_or(0, |fit| fit.levels.len());
    let best = fits
        .iter()
        .filter(|fit| fit.rule != Rule::Oracle && fit.none_found == 0)
        .filter_map(|fit| Some((fit.rule, fit.mean_loss_db?)))
        .min_by(|a, b| a.1.total_cmp(&b.1));
    let best = best.map_or(String::new(), |(rule, loss)| {
        format!(" · {rule} comes closest to the oracle, {loss:.2} dB on average")
    });
    format!(
        "{}, {}{best}",
        count(images.len(), "image"),
        count(levels, "noise level")
    )
}

fn table(fits: &[OfRule]) -> Table {
    // With fewer than three levels there is no fit, and no column for it.
    let with_fit = fits.iter().any(|fit| fit.fit.is_some());
    let mut table = Table::new(["rule"]);
    let mut add = |heads: &[&str]| table.columns.extend(heads.iter().map(|&head| head.to_owned()));
    if with_fit {
        add(&["exponent", "standard error", "R²", "images of the fit"]);
    }
    add(&[
        "mean loss (dB)",
        "largest loss (dB)",
        "none found",
        "at the grid's edge",
    ]);
    let number = |value: Option<f64>, digits: usize| value.map_or(String::new(), |value| format!("{value:.digits$}"));
    for fit in fits {
        let mut row = vec![fit.rule.to_string()];
        if with_fit {
            row.extend([
                number(fit.fit.map(|fit| fit.exponent), 3),
                number(fit.fit.map(|fit| fit.exponent_stderr), 3),
                number(fit.fit.map(|fit| fit.r_squared), 4),
                fit.images.to_string(),
            ]);
        }
        row.extend([
            number(fit.mean_loss_db, 3),
            number(fit.max_loss_db, 3),
            fit.none_found.to_string(),
            fit.at_edge.to_string(),
        ]);
        table.row(row);
    }
    table
}

fn choices(points: &[Point]) -> Table {
    let rules = points.first().map_or(&[][..], |point| &point.choices);
    let heads = rules.iter().map(|chosen| chosen.rule.to_string());
    let mut table = Table::new(["image".to_owned(), "noise".to_owned()].into_iter().chain(heads));
    for point in points {
        let cells = point
            .choices
            .iter()
            .map(|chosen| match (chosen.psnr_db, chosen.strength) {
                (Some(psnr), Some(strength)) => format!("{psnr:.2} ({strength:.3})"),
                _ => String::new(),
            });
        let first = [point.image.clone(), format!("{:.3}", point.noise_grey_levels)];
        table.row(first.into_iter().chain(cells));
    }
    table
}
