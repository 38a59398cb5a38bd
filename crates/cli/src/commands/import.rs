//! `tweedie import`

use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::{Context as _, bail};
use clap::Args;
use serde::Serialize;
use tweedie_imaging::classical::Classical;
use tweedie_model::{CONFIG_FILE, Family, NoiseRange, Peer, load_config};

use crate::checkpoint::{channels_text, levels_text};
use crate::options::Common;
use crate::session::{Results, Session};
use crate::usage::usage;
use crate::{Outcome, import_card, output, overrides};

/// Turn the weights of another program into a checkpoint
///
/// Reads PyTorch (.pth, .pt; also of before 1.6), safetensors, MatConvNet in MATLAB 7.3 (.mat) and Flax MessagePack (.mpk).
/// Nothing in a file is executed. The network is recognised by the names and shapes of its parameters; batch
/// normalisation is folded into the convolutions, and scale, residual and padding become part of the checkpoint. Files that
/// are not known by their sha256 need --noise: they do not say for which noise they were trained.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Import {
    /// File of weights
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Name of the new checkpoint, in checkpoints/ in the working folder; or a path, with a slash
    #[arg(long = "as", value_name = "NAME")]
    name: String,
    /// Kind of network: dncnn, ffdnet, bf-cnn, bias-free-dncnn, scico-dncnn, crr or tweedie [default: what is recognised]
    #[arg(long, value_name = "A", value_parser = family)]
    architecture: Option<Family>,
    /// Noise levels of its training, in 8-bit grey levels [default: those of a published file]
    #[arg(long, value_name = "MIN[..MAX]")]
    noise: Option<Levels>,
    /// Replace an imported checkpoint of this name
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    common: Common,
}

const EXAMPLES: &str = "\
Examples:
  tweedie import FFDNet_gray.mat --as ffdnet-gray
  tweedie import mine.pth --as mine --noise 0..50
  tweedie import mine.safetensors --as runs/mine --architecture dncnn --noise 25";

/// `MIN..MAX`, or one level.
#[derive(Clone, Copy, Debug)]
struct Levels(NoiseRange);

impl FromStr for Levels {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (min, max) = text.split_once("..").unwrap_or((text, text));
        let level = |text: &str| {
            text.parse()
                .map_err(|_| format!("expected MIN..MAX or a number, got '{text}'"))
        };
        let range = NoiseRange {
            min: level(min)?,
            max: level(max)?,
        };
        range.support().map_err(|error| error.to_string())?;
        Ok(Self(range))
    }
}

fn family(name: &str) -> Result<Family, String> {
    Family::from_name(name).ok_or_else(|| format!("expected {}", Family::ALL.map(Family::name).join(", ")))
}

/// What was imported, as the JSON has it.
#[derive(Serialize)]
struct Imported {
    name: String,
    folder: String,
    format: &'static str,
    /// As `--architecture` takes it.
    family: &'static str,
    channels: usize,
    /// In grey levels.
    sigma_min: f64,
    sigma_max: f64,
    parameters: usize,
    receptive_field: usize,
    /// Of the weights in the checkpoint.
    sha256: String,
}

impl Import {
    pub fn run(self) -> anyhow::Result<Outcome> {
        let session = Session::start("import", &self.common)?;
        overrides::sections(&self.common.settings, [])?;
        let folder = folder(&self.name)?;
        session.run(|results| self.import(&session, &folder, results))
    }

    fn import(&self, session: &Session, folder: &Path, results: &mut Results<'_, Imported>) -> anyhow::Result<Outcome> {
        require_free(folder, self.force)?;
        let peer = Peer::read(&self.file, self.architecture)?;
        let source = peer.source().clone();
        session.record(&self.file, source.sha256.clone());
        let Some(noise) = self.noise.map(|levels| levels.0).or(peer.noise()) else {
            return Err(usage(format!(
                "{}: expected --noise MIN[..MAX], since this file is none whose noise levels are known",
                self.file.display()
            )));
        };
        let parameters = peer.parameters();
        let mut checkpoint = peer.into_checkpoint(noise, &session.device)?;
        place(folder, |folder| {
            checkpoint.save(folder)?;
            import_card::write(
                folder,
                &output::stem(Path::new(&self.name)),
                &checkpoint.config,
                parameters,
            )
        })?;
        let architecture = &checkpoint.config.architecture;
        session.say(format_args!(
            "{}: {}, {}: {} images, trained for noise {}, {parameters} parameters",
            self.file.display(),
            source.format.description(),
            source.family.description(),
            channels_text(architecture.channels()),
            levels_text(noise.support()?),
        ));
        session.say(format_args!("{}", import_card::network(architecture)));
        session.say(format_args!("written to {}", folder.display()));
        results.push(Imported {
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
        })?;
        Ok(Outcome::Done)
    }
}

/// Where a checkpoint of that name goes.
fn folder(name: &str) -> anyhow::Result<PathBuf> {
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
fn require_free(folder: &Path, force: bool) -> anyhow::Result<()> {
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

/// Makes a folder whose content is whole from the moment on that it has its name.
fn place(folder: &Path, write: impl FnOnce(&Path) -> anyhow::Result<()>) -> anyhow::Result<()> {
    let parent = match folder.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    std::fs::create_dir_all(parent).with_context(|| format!("making the folder {}", parent.display()))?;
    let beside = |what: &str| parent.join(format!(".tweedie-{what}-{}.part", std::process::id()));
    let (new, old) = (beside("new"), beside("old"));
    let result =
        write(&new).and_then(|()| replace(folder, &new, &old).with_context(|| format!("writing {}", folder.display())));
    if result.is_err() {
        // What is left of it has no use; the error that is reported is the first one.
        let _ = std::fs::remove_dir_all(&new);
    }
    result
}

/// Puts `new` in the place of `folder`, which is `old` in between.
fn replace(folder: &Path, new: &Path, old: &Path) -> std::io::Result<()> {
    if !folder.exists() {
        return std::fs::rename(new, folder);
    }
    std::fs::rename(folder, old)?;
    if let Err(error) = std::fs::rename(new, folder) {
        std::fs::rename(old, folder)?;
        return Err(error);
    }
    std::fs::remove_dir_all(old)
}
