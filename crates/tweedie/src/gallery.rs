//! The HTML report of restorations.

use std::path::Path;

use tweedie_imaging::Image;
use tweedie_report::{Comparison, Picture, Plot, Report, Section, Series, Table};
use tweedie_solver::TraceRow;

use crate::Result;
use crate::measurement::Measurement;
use crate::output::mean;
use crate::provenance::Provenance;
use crate::scores::{Restored, Scores, stop_text};
use crate::task::PictureKind;

/// Pictures that are embedded; the page would grow without bound otherwise.
const PICTURES: usize = 24;

/// Curves in one plot; more cannot be told apart.
const CURVES: usize = 14;

/// Collects restorations for a page.
#[derive(Default)]
pub struct Gallery {
    comparisons: Vec<Comparison>,
    scores: Vec<Scores>,
    traces: Vec<(String, Vec<TraceRow>)>,
    left_out: usize,
}

impl Gallery {
    /// Adds a restoration, with the files beside the page that belong to it.
    pub fn add(&mut self, measurement: &Measurement, restored: &Restored, files: &[String]) -> Result<()> {
        let Measurement {
            name,
            task,
            operator,
            y,
            truth,
        } = measurement;
        let scores = &restored.scores;
        if self.comparisons.len() < PICTURES {
            // What psnr_input_db was measured on: the measurement itself, or the first estimate.
            let before = decibels(scores.psnr_input_db);
            let picture = task.picture(operator.as_ref(), y.clone())?;
            let mut pictures = match task.picture_kind() {
                PictureKind::Start => vec![Picture::new("first estimate", before, &picture)?],
                PictureKind::Measurement => vec![Picture::new("measurement", before, &picture)?],
                PictureKind::Parts => vec![Picture::new("measurement", "", &displayed(picture))?],
            };
            pictures.push(Picture::new("restored", decibels(scores.psnr_db), &restored.image)?);
            if task.picture_kind() == PictureKind::Parts {
                let start = measurement.in_window(task.start(operator.as_ref(), y.clone())?);
                pictures.push(Picture::new("first estimate", decibels(scores.psnr_input_db), &start)?);
            }
            if let Some(truth) = truth {
                pictures.push(Picture::new("truth", "", truth)?);
            }
            let title = format!("{name} ({}, {})", scores.task, scores.solver);
            let mut comparison = Comparison::new(title, pictures);
            comparison.files = files.to_vec();
            self.comparisons.push(comparison);
        } else {
            self.left_out += 1;
        }
        self.scores.push(scores.clone());
        if self.traces.len() < CURVES {
            self.traces.push((name.clone(), restored.trace.clone()));
        }
        Ok(())
    }

    /// Writes the page; `settings` are names and values that a reader needs to run it again.
    pub fn write(
        self,
        path: &Path,
        title: &str,
        settings: Vec<(String, String)>,
        provenance: &Provenance,
    ) -> Result<()> {
        let mut report = Report::new(title);
        report.summary = self.summary(&provenance.device);
        let mut pictures = Section::new("Pictures");
        for Scores { name, warnings, .. } in &self.scores {
            for warning in warnings {
                pictures = pictures.text(format!("Warning: {name}: {warning}"));
            }
        }
        if self.left_out > 0 {
            let (shown, all) = (self.comparisons.len(), self.scores.len());
            pictures = pictures.text(format!(
                "The first {shown} of {all} images; the others are in the folder."
            ));
        }
        for comparison in self.comparisons {
            pictures = pictures.comparison(comparison);
        }
        report.sections.push(pictures);
        report.sections.push(Section::new("Results").table(results(&self.scores)).text(
            "PSNR for the range [0, 1], the estimate clipped, in f64; SSIM with a Gaussian window of 11 pixels. Before: \
             the measurement, or where that is no picture of the scene, what the operator makes of it. Seconds are \
             solver time.",
        ));
        report.sections.push(curves(&self.traces, self.scores.len()));
        report.sections.extend(provenance.sections(settings));
        Ok(report.write(path)?)
    }

    fn summary(&self, device: &str) -> String {
        let of = |score: fn(&Scores) -> Option<f64>| mean(self.scores.iter().filter_map(score));
        let gain = match (of(|s| s.psnr_input_db), of(|s| s.psnr_db)) {
            (Some(before), Some(after)) => format!(" · mean PSNR {before:.2} → {after:.2} dB"),
            _ => String::new(),
        };
        let seconds: f64 = self.scores.iter().map(|scores| scores.seconds).sum();
        let images = match self.scores.len() {
            1 => "1 image".to_owned(),
            n => format!("{n} images"),
        };
        format!("{images}{gain} · {seconds:.1} s of solver time on {device}")
    }
}

/// A measurement as it is shown: of two or more channels that are no colours, the first.
fn displayed(picture: Image) -> Image {
    let [n, channels, h, w] = picture.dims();
    if matches!(channels, 1 | 3) {
        picture
    } else {
        picture.slice([0..n, 0..1, 0..h, 0..w])
    }
}

fn decibels(value: Option<f64>) -> String {
    value.map_or(String::new(), |value| format!("{value:.2} dB"))
}

fn results(scores: &[Scores]) -> Table {
    let mut table = Table::new([
        "image",
        "task",
        "solver",
        "before (dB)",
        "PSNR (dB)",
        "SSIM",
        "iterations",
        "denoiser calls",
        "stop",
        "residual",
        "seconds",
    ]);
    let with_strength = scores.iter().any(|s| s.strength.is_some());
    if with_strength {
        table.columns.push("strength".to_owned());
        table.columns.push("rule".to_owned());
    }
    let number = |value: Option<f64>, digits: usize| value.map_or(String::new(), |value| format!("{value:.digits$}"));
    for s in scores {
        let mut cells = vec![
            s.name.clone(),
            s.task.to_string(),
            s.solver.to_string(),
            number(s.psnr_input_db, 2),
            number(s.psnr_db, 2),
            number(s.ssim, 4),
            s.iterations.to_string(),
            s.denoiser_calls.to_string(),
            stop_text(s.stop).to_owned(),
            s.fixed_point_residual
                .map_or(String::new(), |value| format!("{value:.1e}")),
            format!("{:.2}", s.seconds),
        ];
        if with_strength {
            let found = s.strength.as_ref();
            cells.push(number(found.and_then(|found| found.value), 4));
            cells.push(found.map_or(String::new(), |found| found.rule.to_string()));
        }
        table.row(cells);
    }
    table
}

fn curves(traces: &[(String, Vec<TraceRow>)], images: usize) -> Section {
    let plot = |mut plot: Plot, value: fn(&TraceRow) -> Option<f64>| {
        plot.series = traces
            .iter()
            .map(|(name, trace)| Series::new(name, trace.iter().map(|row| (f64::from(row.iter), value(row)))))
            .collect();
        plot
    };
    let mut section = Section::new("Curves");
    if traces.len() < images {
        section = section.text(format!("Of the first {} images.", traces.len()));
    }
    if traces
        .iter()
        .any(|(_, trace)| trace.iter().any(|row| row.psnr_db.is_some()))
    {
        section = section.plot(plot(Plot::new("PSNR", "iteration", "PSNR (dB)"), |row| row.psnr_db));
    }
    let residual = Plot::new("Fixed-point residual", "iteration", "residual (image units)").log_y();
    section = section.plot(plot(residual, |row| Some(row.fixed_point_residual)));
    if traces
        .iter()
        .any(|(_, trace)| trace.iter().any(|row| row.objective.is_some()))
    {
        section = section.plot(plot(Plot::new("Objective", "iteration", "objective").log_y(), |row| {
            row.objective
        }));
    }
    let level = Plot::new("Denoiser's noise level", "iteration", "sigma (grey levels)");
    let mut level = plot(level, |row| Some(row.sigma.grey_levels()));
    // Mostly the schedule is the same for all images.
    if level.series.windows(2).all(|pair| pair[0].points == pair[1].points) {
        level.series.truncate(1);
    }
    section.plot(level)
}
