//! Which images the inputs name, and what their results are called.

use std::collections::HashMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::error::{Context as _, bail};
use tweedie_imaging::{list_images, sha256_bytes};

use crate::{Error, Events, Result};

/// Longest name of a result without its ending, in bytes: the endings have up to 20, and file systems take 255.
const LONGEST_STEM: usize = 230;

/// An image to work on.
#[derive(Clone, Debug, PartialEq)]
pub struct Input {
    /// Where it is.
    pub path: PathBuf,
    /// Its name: for images of a folder the path below it, with `/`; else the file's name. Noise is drawn by it.
    pub name: String,
}

impl Input {
    /// The name without its ending: what results are called. Where results could not be called so, its beginning and a part of
    /// its sha256, so that names that differ stay different.
    pub fn stem(&self) -> String {
        let stem = match self.name.rsplit_once('.') {
            Some((stem, _)) if !stem.is_empty() => stem,
            _ => &self.name,
        };
        let last = stem.rsplit('/').next().unwrap_or(stem).len();
        if last <= LONGEST_STEM {
            return stem.to_owned();
        }
        let hash = sha256_bytes(stem.as_bytes());
        let end = stem.floor_char_boundary(stem.len() - last + LONGEST_STEM - 9);
        format!("{}~{}", &stem[..end], &hash[..8])
    }
}

/// Files, and the images in folders, in this order. What cannot be looked at in a folder is a note.
///
/// # Errors
/// If a path cannot be looked up, or a folder holds no image.
pub fn expand(paths: &[PathBuf], events: &dyn Events) -> Result<Vec<Input>> {
    let mut inputs = Vec::new();
    for path in paths {
        // A name that is too long, or a folder that is closed, is told as such.
        let metadata = match fs::metadata(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                bail!("{}: expected an image or a folder, found none", path.display());
            }
            found => found.with_context(|| format!("reading {}", path.display()))?,
        };
        if metadata.is_dir() {
            let listing = list_images(path)?;
            for error in listing.skipped {
                events.note(&format!("left out: {}", Error::from(error).one_line()));
            }
            for file in listing.images {
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
        let inputs = expand(&[folder.path().to_path_buf(), file], &()).unwrap();
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
    fn long_names_are_shortened_and_stay_different() {
        let stem = |name: String| {
            let path = PathBuf::new();
            Input { path, name }.stem()
        };
        let fits = "n".repeat(LONGEST_STEM);
        assert_eq!(stem(format!("{fits}.npy")), fits);
        // Two bytes a letter, and a folder, which does not count.
        let long = |last: &str| stem(format!("folder/{}{last}.png", "\u{e9}".repeat(122)));
        assert_ne!(long("1"), long("2"));
        for stem in [long("1"), long("2")] {
            let file = stem.strip_prefix("folder/").unwrap();
            assert!(file.starts_with('\u{e9}') && file.len() <= LONGEST_STEM, "{file}");
        }
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
