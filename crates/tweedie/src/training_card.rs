//! `card.md` and the curves of a training run.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;

use tweedie_imaging::write_atomic;
use tweedie_model::train::{Supervision, TrainRow};
use tweedie_model::{CheckpointConfig, load_config};
use tweedie_report::{Plot, Series};

use crate::checkpoint::{channels_text, levels_text};
use crate::{Result, output};

/// Writes the curves and the card of a run that was saved.
pub fn write(folder: &Path, rows: &[TrainRow]) -> Result<()> {
    write_curves(folder, rows)?;
    let config = load_config(folder)?;
    let text = card(&output::stem(folder), &config, rows)?;
    Ok(write_atomic(&folder.join("card.md"), |file| {
        file.write_all(text.as_bytes())
    })?)
}

/// Writes loss.svg and psnr.svg, which is without curves until there was a validation.
pub fn write_curves(folder: &Path, rows: &[TrainRow]) -> Result<()> {
    let loss = Series::new("loss", rows.iter().map(|row| (row.step as f64, Some(row.loss))));
    Plot::new("Loss", "step", "loss (mean since the last point)")
        .log_y()
        .with(loss)
        .write(&folder.join("loss.svg"))?;
    let mut levels: Vec<f64> = rows
        .iter()
        .flat_map(|row| row.validation.iter().map(|entry| entry.sigma))
        .collect();
    levels.sort_by(f64::total_cmp);
    levels.dedup();
    let mut plot = Plot::new("Validation", "step", "PSNR (dB)");
    for level in levels {
        // Rows without a validation are no gaps: the points between them are joined.
        let measured = rows.iter().filter_map(|row| {
            let entry = row.validation.iter().find(|entry| entry.sigma == level)?;
            Some((row.step as f64, Some(entry.psnr_db)))
        });
        plot = plot.with(Series::new(format!("sigma {level}"), measured));
    }
    let degraded = rows
        .iter()
        .filter_map(|row| row.degraded_psnr_db.map(|psnr_db| (row.step as f64, Some(psnr_db))));
    let degraded = Series::new("degraded", degraded);
    if !degraded.points.is_empty() {
        plot = plot.with(degraded);
    }
    Ok(plot.write(&folder.join("psnr.svg"))?)
}

fn card(name: &str, config: &CheckpointConfig, rows: &[TrainRow]) -> Result<String> {
    let architecture = &config.architecture;
    let support = architecture.sigma_support(config.noise.support()?);
    let mut card = format!(
        "# {name}\n\nA denoiser for {} images with white Gaussian noise of standard deviation {} (8-bit grey levels).\n\n\
         | | |\n|---|---|\n| weights | sha256 `{}` |\n| receptive field | {} pixels |\n",
        channels_text(architecture.channels()),
        levels_text(support),
        config.weights.sha256,
        architecture.receptive_field(),
    );
    if let Some(theory) = architecture.theory() {
        let _ = writeln!(card, "| proven | {theory} |");
    }
    if let Some(record) = &config.training {
        let run = &record.config;
        let learned_from = match &run.supervision {
            Supervision::Clean => "clean pictures",
            Supervision::Noise2noise { .. } => "pairs of noisy pictures (Noise2Noise)",
            Supervision::Sure { .. } => "noisy pictures (SURE)",
        };
        let _ = writeln!(card, "| learned from | {learned_from} |");
        if run.degradation.is_some() {
            let _ = writeln!(
                card,
                "| noise | of cameras and files (`[degradation]` in `config.toml`), level unknown |"
            );
        }
        if let Some(penalty) = run.penalty {
            let symmetry = penalty.symmetry.map(|weight| format!("asymmetry, weight {weight}"));
            let norm = penalty
                .norm
                .map(|norm| format!("norm of J - I above {}, weight {}", norm.limit, norm.weight));
            let terms: Vec<String> = symmetry.into_iter().chain(norm).collect();
            let _ = writeln!(card, "| penalties | {} |", terms.join("; "));
        }
        let hours = record.seconds / 3600.0;
        let folders: Vec<_> = record
            .config
            .data
            .folders
            .iter()
            .map(|folder| format!("`{}`", folder.display()))
            .collect();
        let scales: String = record
            .config
            .data
            .scales
            .iter()
            .map(|scale| format!(", {scale}"))
            .collect();
        let at_scales = match scales.is_empty() {
            true => scales,
            false => format!(", counted at each scale (1{scales})"),
        };
        let _ = write!(
            card,
            "| trained by | tweedie {} |\n| data | {} images from {}{at_scales} |\n| sha256 of the data's hashes | `{}` |\n\
             | steps | {} of {}, batch {} |\n| time | {hours:.2} h |\n",
            record.tweedie,
            record.images,
            folders.join(", "),
            record.data_sha256,
            record.steps,
            record.config.training.steps,
            record.config.training.batch,
        );
    }
    if let Some(row) = rows.iter().rev().find(|row| !row.validation.is_empty()) {
        let _ = write!(
            card,
            "\nValidation after step {} (mean PSNR, range [0, 1], clipped):\n\n| sigma | PSNR (dB) |\n|---|---|\n",
            row.step
        );
        for entry in &row.validation {
            let _ = writeln!(card, "| {} | {:.2} |", entry.sigma, entry.psnr_db);
        }
        if let Some(psnr_db) = row.degraded_psnr_db {
            let _ = writeln!(card, "| degraded as in training | {psnr_db:.2} |");
        }
    }
    card.push_str(
        "\nThe configuration of the run is in `config.toml`, its course in `train.csv`, `loss.svg` and `psnr.svg`.\n\n\
         Made for natural images: on text, drawings or medical images, and outside its noise levels, nothing is known of \
         it until you measure it (`tweedie evaluate`).\n",
    );
    Ok(card)
}
