//! Manifests of studies: what both kinds have in common.

use std::path::{Component, Path, PathBuf};

use burn::tensor::Device;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use toml::{Table, Value};
use tweedie_imaging::{ColorMode, MAX_TEXT_BYTES, read_text};

use crate::checkpoint::{self, Checkpoint};
use crate::error::Context as _;
use crate::settings::{self, Setting};
use crate::task_options::TaskOptions;
use crate::{Events, Result};

/// Which images are studied.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Images {
    /// Images and folders; none: the bundled photograph `camera.png`.
    pub paths: Vec<PathBuf>,
    /// As `--color`.
    pub color: ColorMode,
    /// Side of the square in the middle that is taken, in pixels; all of the image if it is absent.
    pub crop: Option<usize>,
}

impl TaskOptions {
    /// With its files looked up in the folder of a manifest first.
    pub(super) fn located_in(&self, folder: &Path) -> Self {
        Self {
            kernel: self
                .kernel
                .clone()
                .map(|kernel| match located(folder, kernel.as_ref()) {
                    path if path.is_file() => path.display().to_string(),
                    _ => kernel,
                }),
            kernels: self.kernels.as_deref().map(|path| located(folder, path)),
            mask: self.mask.as_deref().map(|path| located(folder, path)),
            ..self.clone()
        }
    }
}

/// Where a file of the manifest is: beside the manifest, else below the working folder.
pub(super) fn located(folder: &Path, path: &Path) -> PathBuf {
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
pub(super) fn folder_of(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new(""))
}

/// Reads a manifest; `changes` go over what it says.
///
/// # Errors
/// Names the file and the key that is not known, missing or of another type.
pub fn read<M: DeserializeOwned>(path: &Path, changes: &[Setting], events: &dyn Events) -> Result<M> {
    let text = read_text(path, MAX_TEXT_BYTES)?;
    let mut table: Table = toml::from_str(&text).with_context(|| format!("{}: expected TOML", path.display()))?;
    settings::apply(changes, &mut table)?;
    events.hash_file(path)?;
    M::deserialize(Value::Table(table)).with_context(|| format!("{}: expected the manifest of a study", path.display()))
}

/// Loads the denoiser of a manifest: a name as on the command line, or a path.
pub(super) fn denoiser(
    folder: &Path,
    name: &str,
    settings: Table,
    device: &Device,
    events: &dyn Events,
) -> Result<Checkpoint> {
    let beside = folder.join(name);
    if name.contains(['/', '\\']) && beside.is_dir() {
        checkpoint::load(&beside.display().to_string(), settings, device, events)
    } else {
        checkpoint::load(name, settings, device, events)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_keys_of_a_section_are_named() {
        let wrong = toml::from_str::<TaskOptions>("task = 'deblur'\nkernal = 'gaussian:1'").unwrap_err();
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
