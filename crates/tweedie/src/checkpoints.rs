//! Which checkpoints there are, and what they are.

use std::path::{Path, PathBuf};

use burn::tensor::Device;
use serde::Serialize;
use tweedie_denoisers::Classical;
use tweedie_imaging::SigmaSupport;
use tweedie_model::{CONFIG_FILE, Checkpoint, CheckpointConfig, WEIGHTS_FILE, load_config};
use tweedie_report::Table;

use crate::checkpoint::{channels_text, folder_of};
use crate::error::{Context as _, usage};
use crate::{Error, Events, Result, locate, output};

/// A checkpoint, as the JSON has it.
#[derive(Clone, Debug, Serialize)]
pub struct Found {
    /// Its name.
    pub name: String,
    /// `None` for a denoiser without weights.
    pub folder: Option<String>,
    /// Of its images; 0: any.
    pub channels: usize,
    /// Kind of network.
    pub architecture: String,
    /// In grey levels; `None` for a blind network.
    pub sigma_min: Option<f64>,
    /// In grey levels; `None` for a blind network.
    pub sigma_max: Option<f64>,
    /// In pixels.
    pub receptive_field: usize,
    /// Of its weights.
    pub sha256: Option<String>,
}

/// The checkpoints that are found by name, then the denoisers without weights.
///
/// # Errors
/// If a folder cannot be listed.
pub fn list(events: &dyn Events) -> Result<Vec<Found>> {
    let mut all: Vec<Found> = Vec::new();
    for folder in locate::folders("checkpoints") {
        let entries = std::fs::read_dir(&folder).with_context(|| format!("listing {}", folder.display()))?;
        let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
        paths.sort();
        for path in paths.into_iter().filter(|path| path.join(CONFIG_FILE).is_file()) {
            let name = path
                .file_name()
                .map_or_else(String::new, |name| name.to_string_lossy().into_owned());
            // A name means the first folder that has it.
            if all.iter().any(|known| known.name == name) {
                continue;
            }
            let known = load_config(&path).map_err(Error::from);
            match known.and_then(|config| found(name, &path, &config)) {
                Ok(known) => all.push(known),
                // One broken checkpoint does not hide the others.
                Err(error) => events.note(&error.in_file(&path).one_line()),
            }
        }
    }
    if all.is_empty() {
        events.note(&format!("no checkpoint in {}", locate::description("checkpoints")));
    }
    all.extend(Classical::ALL.map(without_weights));
    Ok(all)
}

/// The checkpoints as a table.
pub fn table(found: &[Found]) -> Table {
    let mut table = Table::new(["name", "images", "noise levels", "architecture", "folder"]);
    for item in found {
        let levels = match (item.sigma_min, item.sigma_max) {
            (Some(min), Some(max)) if min == max => format!("{min}"),
            (Some(min), Some(max)) => format!("{min} to {max}"),
            _ => "any (blind)".to_owned(),
        };
        let folder = item.folder.clone().unwrap_or_else(|| "(no weights)".to_owned());
        let images = channels_text(item.channels);
        table.row([item.name.clone(), images, levels, item.architecture.clone(), folder]);
    }
    table
}

impl Found {
    /// Its files; none of a denoiser without weights.
    pub fn files(&self) -> Vec<PathBuf> {
        let folder = self.folder.iter().map(Path::new);
        folder
            .flat_map(|folder| [CONFIG_FILE, WEIGHTS_FILE].map(|name| folder.join(name)))
            .collect()
    }
}

/// The files of a checkpoint; none of a denoiser without weights.
///
/// # Errors
/// If there is no such checkpoint.
pub fn files_of(name: &str) -> Result<Vec<PathBuf>> {
    if Classical::from_name(name).is_some() {
        return Ok(Vec::new());
    }
    let folder = folder_of(name)?;
    Ok([CONFIG_FILE, WEIGHTS_FILE].map(|file| folder.join(file)).to_vec())
}

/// What is known of a checkpoint whose files were checked.
pub struct Shown {
    /// As in [`list`].
    pub found: Found,
    /// Its configuration; `None` for a denoiser without weights.
    pub config: Option<CheckpointConfig>,
}

/// Checks the files of a checkpoint.
///
/// # Errors
/// Names the file that is missing or not as recorded.
pub fn show(name: &str, device: &Device, events: &dyn Events) -> Result<Shown> {
    if let Some(classical) = Classical::from_name(name) {
        return Ok(Shown {
            found: without_weights(classical),
            config: None,
        });
    }
    let (folder, loaded) = load(name, device, events)?;
    Ok(Shown {
        found: found(name.to_owned(), &folder, &loaded.config)?,
        config: Some(loaded.config),
    })
}

/// Writes a checkpoint as `.safetensors` with PyTorch's names, or as an `.onnx` model.
///
/// # Errors
/// A usage error for another ending and for denoisers without weights.
pub fn export(name: &str, out: &Path, device: &Device, events: &dyn Events) -> Result<Found> {
    if Classical::from_name(name).is_some() {
        return Err(usage(format!("{name}: expected a checkpoint with weights")));
    }
    let write = match out.extension().and_then(|ending| ending.to_str()) {
        Some("safetensors") => Checkpoint::export,
        Some("onnx") => Checkpoint::export_onnx,
        _ => {
            return Err(usage(format!(
                "--out: expected FILE.safetensors or FILE.onnx, got {}",
                out.display()
            )));
        }
    };
    let (folder, loaded) = load(name, device, events)?;
    output::require_separate([out], [WEIGHTS_FILE, CONFIG_FILE].map(|name| folder.join(name)))?;
    write(&loaded, out)?;
    found(name.to_owned(), &folder, &loaded.config)
}

fn load(name: &str, device: &Device, events: &dyn Events) -> Result<(PathBuf, Checkpoint)> {
    let folder = folder_of(name)?;
    let loaded =
        Checkpoint::load(&folder, device).with_context(|| format!("loading the checkpoint {}", folder.display()))?;
    events.file_read(&folder.join(WEIGHTS_FILE), &loaded.config.weights.sha256);
    Ok((folder, loaded))
}

fn found(name: String, folder: &Path, config: &CheckpointConfig) -> Result<Found> {
    let architecture = toml::Table::try_from(&config.architecture)?;
    let kind = architecture
        .get("kind")
        .and_then(|kind| kind.as_str())
        .unwrap_or_default();
    let trained = config.noise.support();
    let trained = trained.map_err(|error| Error::from(error).in_file(&folder.join(CONFIG_FILE)))?;
    let (sigma_min, sigma_max) = match config.architecture.sigma_support(trained) {
        SigmaSupport::Blind => (None, None),
        SigmaSupport::Range { .. } => (Some(config.noise.min), Some(config.noise.max)),
    };
    Ok(Found {
        name,
        folder: Some(folder.display().to_string()),
        channels: config.architecture.channels(),
        architecture: kind.to_owned(),
        sigma_min,
        sigma_max,
        receptive_field: config.architecture.receptive_field(),
        sha256: Some(config.weights.sha256.clone()),
    })
}

fn without_weights(classical: Classical) -> Found {
    let denoiser = classical.denoiser();
    let info = denoiser.info();
    let (sigma_min, sigma_max) = match info.sigma {
        SigmaSupport::Blind => (None, None),
        SigmaSupport::Range { min, max } => (Some(min.grey_levels()), Some(max.grey_levels())),
    };
    Found {
        name: classical.name().to_owned(),
        folder: None,
        channels: info.channels,
        architecture: "classical".to_owned(),
        sigma_min,
        sigma_max,
        receptive_field: info.receptive_field,
        sha256: None,
    }
}
