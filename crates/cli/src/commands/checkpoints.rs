//! `tweedie checkpoints`

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use serde::Serialize;
use tweedie_imaging::SigmaSupport;
use tweedie_imaging::classical::Classical;
use tweedie_model::{CONFIG_FILE, Checkpoint, CheckpointConfig, WEIGHTS_FILE, load_config};

use crate::checkpoint::{self, channels_text, levels_text};
use crate::options::Common;
use crate::session::{Results, Session};
use crate::usage::usage;
use crate::{Outcome, locate, overrides};

/// List checkpoints, check and show one, or export it for PyTorch or as ONNX
///
/// A checkpoint is a folder with model.safetensors and config.toml. A name is looked up in checkpoints/ in the working
/// folder, in the folder that the environment variable TWEEDIE_CHECKPOINTS names, and in checkpoints/ beside the program
/// or above it.
///
/// median, haar, nlm and tv are denoisers without weights that are always there; a folder of such a name is meant by its
/// path, ./median.
#[derive(Args)]
pub struct Checkpoints {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Names of the checkpoints that are found, and what they are for
    List {
        #[command(flatten)]
        common: Common,
    },
    /// Write a checkpoint as safetensors with PyTorch's names, or as an ONNX model
    ///
    /// The metadata of the safetensors hold the architecture; scripts/load_in_pytorch.py builds a network from them. The
    /// ONNX model (dncnn, ffdnet, unet) takes the images `noisy`, white at 1, and one `sigma` for each in the same units, and
    /// gives the images `denoised`.
    Export {
        /// Name or folder
        #[arg(value_name = "C")]
        checkpoint: String,
        /// The file, FILE.safetensors or FILE.onnx
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        #[command(flatten)]
        common: Common,
    },
    /// Check the files of a checkpoint and print what is known of it
    Show {
        /// Name or folder
        #[arg(value_name = "C")]
        checkpoint: String,
        #[command(flatten)]
        common: Common,
    },
}

/// A checkpoint, as the JSON has it.
#[derive(Serialize)]
struct Found {
    name: String,
    /// `None` for a denoiser without weights.
    folder: Option<String>,
    channels: usize,
    architecture: String,
    /// In grey levels; `None` for a blind network.
    sigma_min: Option<f64>,
    sigma_max: Option<f64>,
    receptive_field: usize,
    sha256: Option<String>,
}

impl Checkpoints {
    pub fn run(self) -> anyhow::Result<Outcome> {
        let (Action::List { common } | Action::Show { common, .. } | Action::Export { common, .. }) = &self.action;
        let session = Session::start("checkpoints", common)?;
        overrides::sections(&common.settings, [])?;
        session.run(|results| match &self.action {
            Action::List { .. } => list(&session, results),
            Action::Show { checkpoint, .. } => show(&session, checkpoint, results),
            Action::Export { checkpoint, out, .. } => export(&session, checkpoint, out, results),
        })
    }
}

fn list(session: &Session, results: &mut Results<'_, Found>) -> anyhow::Result<Outcome> {
    for folder in locate::folders("checkpoints") {
        let entries = std::fs::read_dir(&folder).with_context(|| format!("listing {}", folder.display()))?;
        let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
        paths.sort();
        for path in paths.into_iter().filter(|path| path.join(CONFIG_FILE).is_file()) {
            let name = path
                .file_name()
                .map_or_else(String::new, |name| name.to_string_lossy().into_owned());
            // A name means the first folder that has it.
            if results.items().iter().any(|known| known.name == name) {
                continue;
            }
            match load_config(&path) {
                Ok(config) => results.push(found(name, &path, &config)?)?,
                Err(error) => session.note(format_args!("{}: {error}", path.display())),
            }
        }
    }
    if results.items().is_empty() {
        session.note(format_args!("no checkpoint in {}", locate::description("checkpoints")));
    }
    for classical in Classical::ALL {
        results.push(without_weights(classical))?;
    }
    let width = results.items().iter().map(|item| item.name.len()).fold(16, usize::max);
    session.say(format_args!(
        "{:width$}  {:6}  {:16}  {:13}  folder",
        "name", "images", "noise levels", "architecture"
    ));
    for item in results.items() {
        let levels = match (item.sigma_min, item.sigma_max) {
            (Some(min), Some(max)) if min == max => format!("{min}"),
            (Some(min), Some(max)) => format!("{min} to {max}"),
            _ => "any (blind)".to_owned(),
        };
        let images = channels_text(item.channels);
        session.say(format_args!(
            "{:width$}  {images:6}  {levels:16}  {:13}  {}",
            item.name,
            item.architecture,
            item.folder.as_deref().unwrap_or("(no weights)")
        ));
    }
    Ok(Outcome::Done)
}

fn show(session: &Session, name: &str, results: &mut Results<'_, Found>) -> anyhow::Result<Outcome> {
    if let Some(classical) = Classical::from_name(name) {
        session.say(format_args!("{name}: {} (no weights)", classical.description()));
        results.push(without_weights(classical))?;
        return Ok(Outcome::Done);
    }
    let (folder, loaded) = load(session, name)?;
    let config = &loaded.config;
    let support = config.architecture.sigma_support(config.noise.support()?);
    session.say(format_args!(
        "{}: whole, sha256 of the weights as recorded",
        folder.display()
    ));
    session.say(format_args!(
        "{} images, noise levels {}, receptive field {} pixels\n",
        channels_text(config.architecture.channels()),
        levels_text(support),
        config.architecture.receptive_field()
    ));
    session.say(toml::to_string(config)?);
    results.push(found(name.to_owned(), &folder, config)?)?;
    Ok(Outcome::Done)
}

fn export(session: &Session, name: &str, out: &Path, results: &mut Results<'_, Found>) -> anyhow::Result<Outcome> {
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
    let (folder, loaded) = load(session, name)?;
    let is_own = |path: &Path| matches!((path.canonicalize(), out.canonicalize()), (Ok(a), Ok(b)) if a == b);
    if is_own(&folder.join(WEIGHTS_FILE)) {
        bail!("{}: expected a file outside of the checkpoint", out.display());
    }
    write(&loaded, out)?;
    session.say(format_args!("{} written to {}", folder.display(), out.display()));
    results.push(found(name.to_owned(), &folder, &loaded.config)?)?;
    Ok(Outcome::Done)
}

fn load(session: &Session, name: &str) -> anyhow::Result<(PathBuf, Checkpoint)> {
    let folder = checkpoint::find(name)?;
    let loaded = Checkpoint::load(&folder, &session.device)
        .with_context(|| format!("loading the checkpoint {}", folder.display()))?;
    session.record(&folder.join(WEIGHTS_FILE), loaded.config.weights.sha256.clone());
    Ok((folder, loaded))
}

fn found(name: String, folder: &Path, config: &CheckpointConfig) -> anyhow::Result<Found> {
    let architecture = toml::Table::try_from(&config.architecture)?;
    let kind = architecture
        .get("kind")
        .and_then(|kind| kind.as_str())
        .unwrap_or_default();
    let (sigma_min, sigma_max) = match config.architecture.sigma_support(config.noise.support()?) {
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
