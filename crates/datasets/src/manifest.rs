//! The description of all sets, `datasets/manifest.toml`.

use std::io::ErrorKind;
use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};
use tweedie_imaging::{MAX_TEXT_BYTES, read_text, sha256_file};

use crate::Error;
use crate::error::one_line;

/// Name of the description of all sets.
pub const MANIFEST: &str = "manifest.toml";

/// The description of all sets; keys are explained at its head.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The sets, in the order of the file.
    #[serde(rename = "set")]
    pub sets: Vec<Set>,
}

/// One set.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Set {
    /// The name by which users choose it: one part of a path.
    pub name: String,
    /// What it holds, in one line.
    pub description: String,
    /// Whether its files come with the program.
    pub kind: Kind,
    /// "train" or "test".
    pub split: Option<String>,
    /// SPDX expression of the files.
    pub licence: String,
    /// The paper to cite.
    pub citation: Option<String>,
    /// The page that offers the set.
    pub homepage: Option<String>,
    /// Where the files of a bundled set are, relative to the manifest.
    pub folder: Option<PathBuf>,
    /// Addresses that end with a slash: each file is looked for under the first one, then under the next.
    #[serde(default)]
    pub mirrors: Vec<String>,
    /// Instead of `files`.
    pub archive: Option<Archive>,
    /// The files with their hashes.
    #[serde(default)]
    pub files: Vec<File>,
}

/// A ZIP file that holds a whole set.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Archive {
    /// Where it is.
    pub url: String,
    /// Absent where no copy was at hand to hash.
    pub sha256: Option<String>,
    /// More than this is not downloaded.
    pub max_bytes: u64,
    /// More than this is not unpacked.
    pub max_unpacked_bytes: u64,
}

/// Whether a set's files come with the program.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Beside the manifest.
    Bundled,
    /// To be obtained by the user.
    Public,
}

/// One file of a set.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// Relative to the folder of the set, without `..`.
    pub path: PathBuf,
    /// Of its content, in lower-case hexadecimal.
    pub sha256: String,
    /// Its length.
    pub bytes: u64,
    /// Where it differs from file to file.
    pub licence: Option<String>,
    /// As its source states it.
    pub author: Option<String>,
    /// Package, version and file that it was taken from.
    pub source: Option<String>,
    /// Where the source says that the picture comes from.
    pub url: Option<String>,
    /// The script that makes it from the other files of the set.
    pub made_by: Option<String>,
}

impl Manifest {
    /// Reads a description.
    ///
    /// # Errors
    /// [`Error::Imaging`] if the file cannot be read or is no text; [`Error::Manifest`] for an unknown, missing or mistyped
    /// key; [`Error::Unexpected`] for a file or a set whose name leads out of its folder.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let text = read_text(path, MAX_TEXT_BYTES)?;
        Self::parse(&text, path)
    }

    /// A description from its text; `path` is named in errors.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn parse(text: &str, path: &Path) -> Result<Self, Error> {
        let manifest: Self = toml::from_str(text).map_err(|source| Error::Manifest {
            path: path.to_path_buf(),
            source: Box::new(source),
        })?;
        let is_inside = |path: &Path| {
            let mut parts = path.components();
            parts.clone().next().is_some() && parts.all(|part| matches!(part, Component::Normal(_)))
        };
        for set in &manifest.sets {
            let name = Path::new(&set.name);
            if !is_inside(name) || name.components().count() != 1 {
                return Err(Error::unexpected(
                    path.display(),
                    "names of sets without '/' and '..'",
                    format!("'{}'", set.name),
                ));
            }
            if let Some(file) = set.files.iter().find(|file| !is_inside(&file.path)) {
                return Err(Error::unexpected(
                    path.display(),
                    "a path without '..'",
                    file.path.display().to_string(),
                ));
            }
        }
        Ok(manifest)
    }

    /// The set of that name.
    ///
    /// # Errors
    /// [`Error::Unexpected`] with all names.
    pub fn find(&self, name: &str) -> Result<&Set, Error> {
        self.sets.iter().find(|set| set.name == name).ok_or_else(|| {
            let names: Vec<&str> = self.sets.iter().map(|set| set.name.as_str()).collect();
            Error::unexpected("data set", format!("one of {}", names.join(", ")), format!("'{name}'"))
        })
    }
}

impl Set {
    /// The length of all its files, as far as they are recorded.
    pub fn bytes(&self) -> u64 {
        self.files.iter().fold(0, |sum, file| sum.saturating_add(file.bytes))
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
            Err(error) => Some(one_line(&error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Manifest, Error> {
        Manifest::parse(text, Path::new("m.toml"))
    }

    fn set(name: &str, file: &str) -> String {
        format!(
            "[[set]]\nname = '{name}'\ndescription = ''\nkind = 'public'\nlicence = 'none'\n\
             files = [{{ path = '{file}', sha256 = 'a', bytes = 9 }}]\n"
        )
    }

    #[test]
    fn nothing_leads_out_of_its_folder() {
        assert_eq!(parse(&set("a", "b/c.png")).unwrap().find("a").unwrap().bytes(), 9);
        // Lengths that make no sense do not overflow.
        let two = format!(
            "{0}, {{ path = 'd', sha256 = 'a', bytes = 1 }}]",
            set("a", "c").trim_end().trim_end_matches(']')
        );
        assert_eq!(
            parse(&two.replace("= 9", "= 18446744073709551615")).unwrap().sets[0].bytes(),
            u64::MAX
        );
        for (name, file) in [
            ("a", "../c.png"),
            ("a", "/c.png"),
            ("a", ""),
            ("..", "c"),
            ("a/b", "c"),
            ("", "c"),
            ("/", "c"),
        ] {
            let error = parse(&set(name, file)).unwrap_err().to_string();
            assert!(error.starts_with("m.toml: expected"), "{name} {file}: {error}");
        }
    }

    #[test]
    fn wrong_keys_and_names_are_told() {
        let error = parse("[[set]]\nnames = 'a'").unwrap_err();
        assert!(
            one_line(&error).starts_with("m.toml: expected a list of data sets: "),
            "{error}"
        );
        let manifest = parse(&format!("{}{}", set("a", "c"), set("b", "c"))).unwrap();
        let error = manifest.find("c").unwrap_err().to_string();
        assert_eq!(error, "data set: expected one of a, b, got 'c'");
    }
}
