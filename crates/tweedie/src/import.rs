//! Weights of other programs as checkpoints.

use std::path::{Path, PathBuf};

use burn::tensor::Device;
use serde::Serialize;
use tweedie_denoisers::Classical;
use tweedie_model::{CONFIG_FILE, Family, NoiseRange, Peer, load_config};

use crate::checkpoint::{channels_text, levels_text};
use crate::error::{bail, usage};
use crate::place::place;
use crate::{Events, Result, import_card, output};

/// A file to import.
#[derive(Clone, Debug)]
pub struct Import {
    /// File of weights.
    pub file: PathBuf,
    /// Name of the new checkpoint, in `checkpoints/` in the working folder; or a path, with a slash.
    pub name: String,
    /// Kind of network; absent: what is recognised.
    pub family: Option<Family>,
    /// Noise levels of its training; absent: those of a published file.
    pub noise: Option<NoiseRange>,
    /// Replace an imported checkpoint of this name.
    pub force: bool,
}

/// What was imported, as the JSON has it.
#[derive(Clone, Debug, Serialize)]
pub struct Imported {
    /// As it was given.
    pub name: String,
    /// Where it is.
    pub folder: String,
    /// Format of the file.
    pub format: &'static str,
    /// As `--architecture` takes it.
    pub family: &'static str,
    /// Of its images.
    pub channels: usize,
    /// In grey levels.
    pub sigma_min: f64,
    /// In grey levels.
    pub sigma_max: f64,
    /// How many.
    pub parameters: usize,
    /// In pixels.
    pub receptive_field: usize,
    /// Of the weights in the checkpoint.
    pub sha256: String,
    /// What the file was recognised as, for people.
    #[serde(skip)]
    pub recognised: String,
    /// The conventions of the network, for people.
    #[serde(skip)]
    pub network: String,
}

impl Import {
    /// Where the checkpoint goes.
    ///
    /// # Errors
    /// A usage error for a name that a folder cannot have, or that a denoiser without weights has.
    pub fn folder(&self) -> Result<PathBuf> {
        folder(&self.name)
    }

    /// Reads the file and writes the checkpoint.
    ///
    /// # Errors
    /// If the file is not read, not recognised or does not say for which noise it is, and if the name is taken.
    pub fn run(&self, device: &Device, events: &dyn Events) -> Result<Imported> {
        let folder = self.folder()?;
        require_free(&folder, self.force)?;
        let peer = Peer::read(&self.file, self.family)?;
        let source = peer.source().clone();
        events.file_read(&self.file, &source.sha256);
        let Some(noise) = self.noise.or(peer.noise()) else {
            return Err(usage(format!(
                "{}: expected --noise MIN[..MAX], since this file is none whose noise levels are known",
                self.file.display()
            )));
        };
        let parameters = peer.parameters();
        let mut checkpoint = peer.into_checkpoint(noise, device)?;
        place(&folder, |folder| {
            checkpoint.save(folder)?;
            import_card::write(
                folder,
                &output::stem(Path::new(&self.name)),
                &checkpoint.config,
                parameters,
            )
        })?;
        let architecture = &checkpoint.config.architecture;
        Ok(Imported {
            name: self.name.clone(),
            folder: folder.display().to_string(),
            format: source.format.description(),
            family: source.family.name(),
            channels: architecture.channels(),
            sigma_min: noise.min,
            sigma_max: noise.max,
            parameters,
            receptive_field: architecture.receptive_field(),
            sha256: checkpoint.config.weights.sha256.clone(),
            recognised: format!(
                "{}: {}, {}: {} images, trained for noise {}, {parameters} parameters",
                self.file.display(),
                source.format.description(),
                source.family.description(),
                channels_text(architecture.channels()),
                levels_text(noise.support()?),
            ),
            network: architecture.description(),
        })
    }
}

/// Where a checkpoint of that name goes.
fn folder(name: &str) -> Result<PathBuf> {
    if name.contains(['/', '\\']) {
        let path = PathBuf::from(name);
        return match path.file_name() {
            Some(_) => Ok(path),
            None => Err(usage(format!("--as: expected the path of a folder, got '{name}'"))),
        };
    }
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-+=".contains(c);
    if name.is_empty() || !name.chars().all(is_plain) || name.starts_with(['.', '-']) {
        return Err(usage(format!(
            "--as: expected a name of letters, digits, and . _ - + = inside, got '{name}'"
        )));
    }
    if Classical::from_name(name).is_some() {
        return Err(usage(format!("--as: '{name}' is a denoiser without weights")));
    }
    Ok(Path::new("checkpoints").join(name))
}

/// Refuses to replace anything but an imported checkpoint, and that without `force`.
fn require_free(folder: &Path, force: bool) -> Result<()> {
    if !folder.exists() {
        return Ok(());
    }
    let is_imported =
        folder.join(CONFIG_FILE).is_file() && load_config(folder).is_ok_and(|config| config.source.is_some());
    match (is_imported, force) {
        (true, true) => Ok(()),
        (true, false) => bail!(
            "{}: expected a new name, found a checkpoint (--force replaces it)",
            folder.display()
        ),
        (false, _) => bail!(
            "{}: expected a new name, found something that was not imported",
            folder.display()
        ),
    }
}
