//! Manifests of studies: what both kinds have in common.

use std::path::{Component, Path, PathBuf};

use anyhow::{Context as _, bail};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use toml::{Table, Value};
use tweedie_operators::BayerPattern;

use crate::checkpoint::{self, Loaded};
use crate::degradation::Degradation;
use crate::options::Color;
use crate::overrides::{self, Setting};
use crate::session::Session;
use crate::task::{BoundaryOption, TaskKind, TaskOptions};

/// Which images are studied.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Images {
    /// Images and folders; none: the bundled photograph `camera.png`.
    pub paths: Vec<PathBuf>,
    /// As `--color`.
    pub color: Color,
    /// Side of the square in the middle that is taken, in pixels; all of the image if it is absent.
    pub crop: Option<usize>,
}

/// The task, with the keys of the command line.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct TaskSection {
    pub task: TaskKind,
    pub kernel: Option<String>,
    pub kernels: Option<PathBuf>,
    pub boundary: Option<BoundaryOption>,
    pub keep: Option<f64>,
    pub mask: Option<PathBuf>,
    pub scale: Option<u64>,
    pub pattern: Option<String>,
    pub angles: Option<u64>,
    pub ratio: Option<f64>,
}

impl TaskSection {
    /// The forward model; files are looked up beside the manifest first.
    pub fn degradation(&self, session: &Session, folder: &Path) -> anyhow::Result<Degradation> {
        let pattern = self.pattern.as_deref().map(str::parse::<BayerPattern>).transpose();
        let within = |value: Option<u64>, range: std::ops::RangeInclusive<u64>, key: &str| match value {
            Some(value) if !range.contains(&value) => {
                bail!(
                    "{key}: expected a whole number from {} to {}, got {value}",
                    range.start(),
                    range.end()
                )
            }
            _ => Ok(value),
        };
        let options = TaskOptions {
            task: Some(self.task),
            kernel: self
                .kernel
                .clone()
                .map(|kernel| match located(folder, kernel.as_ref()) {
                    path if path.is_file() => path.display().to_string(),
                    _ => kernel,
                }),
            kernels: self.kernels.as_deref().map(|path| located(folder, path)),
            boundary: self.boundary,
            keep: self.keep,
            mask: self.mask.as_deref().map(|path| located(folder, path)),
            scale: within(self.scale, 2..=16, "scale")?,
            pattern: pattern.context("pattern")?,
            angles: within(self.angles, 1..=100_000, "angles")?,
            ratio: self.ratio,
            noise: None,
        };
        options.degradation(session)
    }
}

/// Where a file of the manifest is: beside the manifest, else below the working folder.
pub fn located(folder: &Path, path: &Path) -> PathBuf {
    let beside = folder.join(path);
    if beside.exists() {
        shortened(beside)
    } else {
        path.to_path_buf()
    }
}

/// `a/b/../c` as `a/c`, where both are the same file (a link might lead elsewhere).
fn shortened(path: PathBuf) -> PathBuf {
    let mut short = PathBuf::new();
    for part in path.components() {
        let is_folder = matches!(short.components().next_back(), Some(Component::Normal(_)));
        if part == Component::ParentDir && is_folder {
            short.pop();
        } else {
            short.push(part);
        }
    }
    match (short.canonicalize(), path.canonicalize()) {
        (Ok(a), Ok(b)) if a == b => short,
        _ => path,
    }
}

/// The folder of a manifest.
pub fn folder_of(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new(""))
}

/// Reads a manifest; `settings` go over what it says.
///
/// # Errors
/// Names the file and the key that is not known, missing or of another type.
pub fn read<M: DeserializeOwned>(session: &Session, path: &Path, settings: &[Setting]) -> anyhow::Result<M> {
    let text = std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
    let mut table: Table = toml::from_str(&text).with_context(|| format!("{}: expected TOML", path.display()))?;
    overrides::apply(settings, &mut table)?;
    session.hash_file(path)?;
    M::deserialize(Value::Table(table)).with_context(|| format!("{}: expected the manifest of a study", path.display()))
}

/// Loads the denoiser of a manifest: a name as on the command line, or a path.
pub fn denoiser(session: &Session, folder: &Path, name: &str, settings: Table) -> anyhow::Result<Loaded> {
    let beside = folder.join(name);
    if name.contains(['/', '\\']) && beside.is_dir() {
        checkpoint::load(session, &beside.display().to_string(), settings)
    } else {
        checkpoint::load(session, name, settings)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_keys_of_a_section_are_named() {
        let wrong = toml::from_str::<TaskSection>("task = 'deblur'\nkernal = 'gaussian:1'").unwrap_err();
        assert!(wrong.to_string().contains("kernal"), "{wrong}");
        let wrong = toml::from_str::<Images>("path = ['a.png']").unwrap_err();
        assert!(wrong.to_string().contains("path"), "{wrong}");
    }

    #[test]
    fn files_are_looked_up_beside_the_manifest_first() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.png"), "").unwrap();
        assert_eq!(located(folder.path(), "a.png".as_ref()), folder.path().join("a.png"));
        assert_eq!(located(folder.path(), "b.png".as_ref()), PathBuf::from("b.png"));
        std::fs::create_dir(folder.path().join("sub")).unwrap();
        let sub = folder.path().join("sub");
        assert_eq!(located(&sub, "../a.png".as_ref()), folder.path().join("a.png"));
    }
}
