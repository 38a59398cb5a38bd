//! `tweedie datasets`

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use serde::{Deserialize, Serialize};
use tweedie_imaging::sha256_file;

use crate::options::Common;
use crate::session::{Results, Session};
use crate::{Outcome, locate, overrides};

/// Name of the description of all sets.
const MANIFEST: &str = "manifest.toml";

/// List the known data sets, or check files against their hashes
///
/// datasets/manifest.toml describes the sets that come with the program and the public ones that published figures use.
/// The folder is looked for in the working folder, then the environment variable TWEEDIE_DATASETS names it, then it is
/// looked for beside the program or above it.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Datasets {
    #[command(subcommand)]
    action: Action,
}

const EXAMPLES: &str = "\
Examples:
  tweedie datasets list
  tweedie datasets verify                                  # the sets that come with the program
  tweedie datasets verify set12 --data path/to/Set12";

#[derive(Subcommand)]
enum Action {
    /// Names, sizes and licences
    List {
        #[command(flatten)]
        common: Common,
    },
    /// Compare the SHA-256 of files with the recorded ones
    Verify {
        /// Sets to check [default: all that come with the program]
        #[arg(value_name = "NAME")]
        names: Vec<String>,
        /// Folder of the files of a public set
        #[arg(long, value_name = "DIR")]
        data: Option<PathBuf>,
        #[command(flatten)]
        common: Common,
    },
}

/// The description of all sets; keys are explained at its head.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    #[serde(rename = "set")]
    sets: Vec<Set>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Set {
    name: String,
    description: String,
    kind: Kind,
    split: Option<String>,
    licence: String,
    citation: Option<String>,
    homepage: Option<String>,
    folder: Option<PathBuf>,
    #[serde(default)]
    files: Vec<File>,
}

#[derive(Clone, Copy, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Bundled,
    Public,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code)] // Read so that a misspelt key is an error; shown in datasets/README.md.
struct File {
    path: PathBuf,
    sha256: String,
    bytes: u64,
    licence: Option<String>,
    author: Option<String>,
    source: Option<String>,
    url: Option<String>,
}

/// A set, as the JSON has it.
#[derive(Serialize)]
struct Entry {
    name: String,
    description: String,
    kind: Kind,
    split: Option<String>,
    licence: String,
    citation: Option<String>,
    homepage: Option<String>,
    files: usize,
    bytes: u64,
    /// After `verify`: how many files are as recorded, and the others.
    #[serde(skip_serializing_if = "Option::is_none")]
    verified: Option<usize>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    wrong: Vec<String>,
}

impl Datasets {
    pub fn run(self) -> anyhow::Result<Outcome> {
        let (Action::List { common } | Action::Verify { common, .. }) = &self.action;
        let session = Session::start("datasets", common)?;
        overrides::sections(&common.settings, [])?;
        session.run(|results| {
            let (folder, manifest) = read_manifest(&session)?;
            match &self.action {
                Action::List { .. } => list(&session, manifest, results),
                Action::Verify { names, data, .. } => {
                    verify(&session, &folder, manifest, names, data.as_deref(), results)
                }
            }
        })
    }
}

fn read_manifest(session: &Session) -> anyhow::Result<(PathBuf, Manifest)> {
    let folders = locate::folders("datasets");
    let Some(folder) = folders.into_iter().find(|folder| folder.join(MANIFEST).is_file()) else {
        bail!("{MANIFEST}: expected it in {}", locate::description("datasets"));
    };
    let path = folder.join(MANIFEST);
    let text = std::fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    let manifest =
        toml::from_str(&text).with_context(|| format!("{}: expected a list of data sets", path.display()))?;
    session.hash_file(&path)?;
    Ok((folder, manifest))
}

fn entry(set: &Set) -> Entry {
    Entry {
        name: set.name.clone(),
        description: set.description.clone(),
        kind: set.kind,
        split: set.split.clone(),
        licence: set.licence.clone(),
        citation: set.citation.clone(),
        homepage: set.homepage.clone(),
        files: set.files.len(),
        bytes: set.files.iter().map(|file| file.bytes).sum(),
        verified: None,
        wrong: Vec::new(),
    }
}

fn list(session: &Session, manifest: Manifest, results: &mut Results<'_, Entry>) -> anyhow::Result<Outcome> {
    session.say(format_args!(
        "{:10}  {:7}  {:5}  {:>5}  {:>8}  {:24}  description",
        "name", "kind", "split", "files", "MiB", "licence"
    ));
    for set in &manifest.sets {
        let entry = entry(set);
        let kind = if entry.kind == Kind::Bundled {
            "bundled"
        } else {
            "public"
        };
        let (files, mib) = match entry.files {
            0 => (String::new(), String::new()),
            n => (n.to_string(), format!("{:.2}", entry.bytes as f64 / f64::from(1 << 20))),
        };
        let split = entry.split.as_deref().unwrap_or_default();
        // Long licence expressions are in the JSON and in the manifest.
        let licence = match entry.licence.char_indices().nth(24) {
            None => entry.licence.clone(),
            Some(_) => "several, see the manifest".to_owned(),
        };
        session.say(format_args!(
            "{:10}  {kind:7}  {split:5}  {files:>5}  {mib:>8}  {licence:24}  {}",
            entry.name, entry.description
        ));
        if session.verbose {
            let more = [entry.homepage.as_deref(), entry.citation.as_deref()];
            more.into_iter()
                .flatten()
                .for_each(|line| session.detail(format_args!("            {line}")));
        }
        results.push(entry)?;
    }
    Ok(Outcome::Done)
}

fn verify(
    session: &Session,
    folder: &Path,
    manifest: Manifest,
    names: &[String],
    data: Option<&Path>,
    results: &mut Results<'_, Entry>,
) -> anyhow::Result<Outcome> {
    let known = |name: &String| manifest.sets.iter().find(|set| set.name == *name);
    let mut chosen = Vec::new();
    for name in names {
        let all = || {
            manifest
                .sets
                .iter()
                .map(|set| set.name.as_str())
                .collect::<Vec<_>>()
                .join(", ")
        };
        chosen.push(known(name).with_context(|| format!("data set '{name}': expected one of {}", all()))?);
    }
    if names.is_empty() {
        chosen.extend(manifest.sets.iter().filter(|set| set.kind == Kind::Bundled));
    }
    if data.is_some() && !matches!(chosen[..], [Set { kind: Kind::Public, .. }]) {
        bail!("--data: expected one public set, such as `datasets verify set12 --data DIR`");
    }
    for set in chosen {
        let root = match (&set.folder, data) {
            (Some(relative), None) => folder.join(relative),
            (_, Some(data)) => data.to_path_buf(),
            (None, None) => bail!("{}: expected --data DIR with the files of this public set", set.name),
        };
        if set.files.is_empty() {
            bail!("{}: expected recorded hashes, the manifest has none", set.name);
        }
        let mut entry = entry(set);
        entry.verified = Some(0);
        for file in &set.files {
            if session.is_interrupted() {
                return Ok(Outcome::Interrupted);
            }
            let path = root.join(&file.path);
            match problem(&path, file) {
                None => entry.verified = entry.verified.map(|count| count + 1),
                Some(problem) => {
                    session.note(format_args!("{}: {problem}", path.display()));
                    entry.wrong.push(file.path.display().to_string());
                }
            }
        }
        let (good, all) = (entry.verified.unwrap_or(0), entry.files);
        session.say(format_args!(
            "{}: {good} of {all} files in {} are as recorded",
            set.name,
            root.display()
        ));
        results.push(entry)?;
    }
    let wrong: usize = results.items().iter().map(|entry| entry.wrong.len()).sum();
    if wrong > 0 {
        bail!("datasets verify: expected all files as recorded, got {wrong} that are missing or differ");
    }
    Ok(Outcome::Done)
}

fn problem(path: &Path, file: &File) -> Option<String> {
    match sha256_file(path) {
        Ok(sha256) if sha256 == file.sha256 => None,
        Ok(sha256) => Some(format!("expected sha256 {}, got {sha256}", file.sha256)),
        Err(tweedie_imaging::Error::Io { source, .. }) if source.kind() == ErrorKind::NotFound => {
            Some("expected the file, found none".to_owned())
        }
        Err(error) => Some(crate::one_line(&error.into())),
    }
}
