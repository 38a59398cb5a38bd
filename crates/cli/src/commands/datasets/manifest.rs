//! The description of all sets, datasets/manifest.toml.

use std::io::ErrorKind;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context as _, bail};
use serde::{Deserialize, Serialize};
use tweedie_imaging::sha256_file;

use crate::locate;
use crate::session::Session;

/// Name of the description of all sets.
const MANIFEST: &str = "manifest.toml";

/// The description of all sets; keys are explained at its head.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    #[serde(rename = "set")]
    pub sets: Vec<Set>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Set {
    pub name: String,
    pub description: String,
    pub kind: Kind,
    pub split: Option<String>,
    pub licence: String,
    pub citation: Option<String>,
    pub homepage: Option<String>,
    pub folder: Option<PathBuf>,
    /// Addresses that end with a slash: each file is looked for under the first one, then under the next.
    #[serde(default)]
    pub mirrors: Vec<String>,
    pub archive: Option<Archive>,
    #[serde(default)]
    pub files: Vec<File>,
}

/// A ZIP file that holds a whole set.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Archive {
    pub url: String,
    /// Absent where no copy was at hand to hash.
    pub sha256: Option<String>,
    /// More than this is not downloaded.
    pub max_bytes: u64,
    /// More than this is not unpacked.
    pub max_unpacked_bytes: u64,
}

#[derive(Clone, Copy, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    Bundled,
    Public,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code)] // Read so that a misspelt key is an error; shown in datasets/README.md.
pub struct File {
    pub path: PathBuf,
    pub sha256: String,
    pub bytes: u64,
    pub licence: Option<String>,
    pub author: Option<String>,
    pub source: Option<String>,
    pub url: Option<String>,
    /// The script that makes it from the other files of the set.
    pub made_by: Option<String>,
}

/// Reads the description; also gives the folder that holds it.
pub fn read(session: &Session) -> anyhow::Result<(PathBuf, Manifest)> {
    let folders = locate::folders("datasets");
    let Some(folder) = folders.into_iter().find(|folder| folder.join(MANIFEST).is_file()) else {
        bail!("{MANIFEST}: expected it in {}", locate::description("datasets"));
    };
    let path = folder.join(MANIFEST);
    let text = std::fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    let manifest: Manifest =
        toml::from_str(&text).with_context(|| format!("{}: expected a list of data sets", path.display()))?;
    for file in manifest.sets.iter().flat_map(|set| &set.files) {
        if !file.path.components().all(|part| matches!(part, Component::Normal(_))) {
            bail!(
                "{}: expected a path without '..', got {}",
                path.display(),
                file.path.display()
            );
        }
    }
    session.hash_file(&path)?;
    Ok((folder, manifest))
}

impl Manifest {
    /// The sets with these names.
    pub fn find(&self, names: &[String]) -> anyhow::Result<Vec<&Set>> {
        let all = || {
            let names: Vec<&str> = self.sets.iter().map(|set| set.name.as_str()).collect();
            names.join(", ")
        };
        let find = |name: &String| {
            let found = self.sets.iter().find(|set| set.name == *name);
            found.with_context(|| format!("data set '{name}': expected one of {}", all()))
        };
        names.iter().map(find).collect()
    }
}

impl File {
    /// What is wrong with the copy at `path`, if anything.
    pub fn problem(&self, path: &Path) -> Option<String> {
        match sha256_file(path) {
            Ok(sha256) if sha256 == self.sha256 => None,
            Ok(sha256) => Some(format!("expected sha256 {}, got {sha256}", self.sha256)),
            Err(tweedie_imaging::Error::Io { source, .. }) if source.kind() == ErrorKind::NotFound => {
                Some("expected the file, found none".to_owned())
            }
            Err(error) => Some(crate::one_line(&error.into())),
        }
    }
}
