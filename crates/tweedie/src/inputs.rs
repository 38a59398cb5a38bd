//! Which images the inputs name, and what their results are called.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::error::{Context as _, bail};
use tweedie_imaging::image_files;

use crate::Result;

/// An image to work on.
#[derive(Clone, Debug, PartialEq)]
pub struct Input {
    /// Where it is.
    pub path: PathBuf,
    /// Its name: for images of a folder the path below it, with `/`; else the file's name. Noise is drawn by it.
    pub name: String,
}

impl Input {
    /// The name without its ending: what results are called.
    pub fn stem(&self) -> String {
        let stem = self.name.rsplit_once('.').map_or(self.name.as_str(), |(stem, _)| stem);
        if stem.is_empty() {
            self.name.clone()
        } else {
            stem.to_owned()
        }
    }
}

/// Files, and the images in folders, in this order.
pub fn expand(paths: &[PathBuf]) -> Result<Vec<Input>> {
    let mut inputs = Vec::new();
    for path in paths {
        if !path.exists() {
            bail!("{}: expected an image or a folder, found none", path.display());
        }
        if path.is_dir() {
            for file in image_files(path)? {
                let name = relative_name(path, &file);
                inputs.push(Input { path: file, name });
            }
        } else {
            let name = path
                .file_name()
                .with_context(|| format!("{}: expected a file", path.display()))?;
            inputs.push(Input {
                path: path.clone(),
                name: name.to_string_lossy().into_owned(),
            });
        }
    }
    Ok(inputs)
}

/// Refuses inputs whose results would have the same name.
pub fn require_different_stems(inputs: &[Input]) -> Result<()> {
    let mut seen: HashMap<String, &Path> = HashMap::new();
    for input in inputs {
        if let Some(first) = seen.insert(input.stem(), &input.path) {
            bail!(
                "{} and {}: expected names that differ before the ending, got '{}' twice; use one command for each",
                first.display(),
                input.path.display(),
                input.stem()
            );
        }
    }
    Ok(())
}

/// The path of a file below a folder, with `/` on every system.
pub fn relative_name(folder: &Path, file: &Path) -> String {
    let relative = file.strip_prefix(folder).unwrap_or(file);
    let parts: Vec<_> = relative
        .components()
        .map(|part| part.as_os_str().to_string_lossy())
        .collect();
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_searched_and_names_are_relative() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("b")).unwrap();
        for name in ["a.png", "b/c.tif", "notes.txt"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        let file = folder.path().join("b/c.tif");
        let inputs = expand(&[folder.path().to_path_buf(), file]).unwrap();
        let names: Vec<_> = inputs.iter().map(|input| (input.name.as_str(), input.stem())).collect();
        assert_eq!(
            names,
            [
                ("a.png", "a".to_owned()),
                ("b/c.tif", "b/c".to_owned()),
                ("c.tif", "c".to_owned())
            ]
        );
    }

    #[test]
    fn equal_stems_are_refused() {
        let input = |name: &str| Input {
            path: PathBuf::from(name),
            name: name.to_owned(),
        };
        assert!(require_different_stems(&[input("a.png"), input("b.png")]).is_ok());
        let error = require_different_stems(&[input("a.png"), input("a.tif")])
            .unwrap_err()
            .to_string();
        assert!(error.contains("a.png and a.tif"), "{error}");
    }
}
