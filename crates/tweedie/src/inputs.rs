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
    /// Whether its results keep the name's ending.
    keeps_ending: bool,
}

impl Input {
    /// An image of this name.
    pub fn new(path: impl Into<PathBuf>, name: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            name: name.into(),
            keeps_ending: false,
        }
    }

    /// The name without its ending, unless [`set_apart`] needs it: what results are called. Where results could not be called so,
    /// its beginning and a part of its sha256, so that names that differ stay different.
    pub fn stem(&self) -> String {
        let stem = match self.name.rsplit_once('.') {
            Some((stem, _)) if !stem.is_empty() && !self.keeps_ending => stem,
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
                inputs.push(Input::new(file, name));
            }
        } else {
            let name = path
                .file_name()
                .with_context(|| format!("{}: expected a file", path.display()))?;
            inputs.push(Input::new(path, name.to_string_lossy()));
        }
    }
    Ok(inputs)
}

/// Gives results different names: of inputs that differ in their endings alone (`a.png`, `a.jpg`) the endings stay.
///
/// # Errors
/// If two inputs have the same name.
pub fn set_apart<'a>(inputs: impl IntoIterator<Item = &'a mut Input>) -> Result<()> {
    let mut inputs: Vec<&mut Input> = inputs.into_iter().collect();
    let mut count: HashMap<String, usize> = HashMap::new();
    for input in &inputs {
        *count.entry(input.stem()).or_default() += 1;
    }
    for input in &mut inputs {
        input.keeps_ending = count[&input.stem()] > 1;
    }
    let mut seen: HashMap<String, &Path> = HashMap::new();
    for input in &inputs {
        if let Some(first) = seen.insert(input.stem(), &input.path) {
            bail!(
                "{} and {}: expected different names, got '{}' twice; use one command for each",
                first.display(),
                input.path.display(),
                input.name
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
        let stem = |name: String| Input::new("", name).stem();
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
    fn equal_names_are_refused_and_endings_set_apart() {
        let stems = |names: &[&str]| {
            let mut inputs: Vec<Input> = names.iter().map(|name| Input::new(*name, *name)).collect();
            set_apart(&mut inputs)?;
            Ok::<_, Error>(inputs.iter().map(Input::stem).collect::<Vec<_>>())
        };
        assert_eq!(stems(&["a.png", "b.png"]).unwrap(), ["a", "b"]);
        assert_eq!(stems(&["a.png", "b.png", "a.tif"]).unwrap(), ["a.png", "b", "a.tif"]);
        for same in [&["a.png", "a.png"][..], &["a.png", "a.jpg", "a.png.jpg"]] {
            let error = stems(same).unwrap_err().to_string();
            assert!(error.contains("expected different names"), "{error}");
        }
    }
}
