//! `tweedie datasets`

mod download;
mod fetch;
mod manifest;
mod unpack;
mod verify;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde::Serialize;

use self::fetch::Fetch;
use self::manifest::{Kind, Manifest, Set};
use tweedie::Events as _;

use crate::Outcome;
use crate::options::Common;
use crate::session::{Results, Session};

/// List the known data sets, download public ones, or check files against their hashes
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
  tweedie datasets fetch set12 --out data/set12            # go on after an interruption with the same command
  tweedie datasets verify set12 --data data/set12";

#[derive(Subcommand)]
enum Action {
    /// Names, sizes and licences
    List {
        #[command(flatten)]
        common: Common,
    },
    /// Download public sets; a file gets its name only once its hash is as recorded
    Fetch(Fetch),
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
    /// After `fetch` or `verify`: how many files are as recorded, and the others.
    #[serde(skip_serializing_if = "Option::is_none")]
    verified: Option<usize>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    wrong: Vec<String>,
}

impl Datasets {
    pub fn run(self) -> anyhow::Result<Outcome> {
        let (Action::List { common } | Action::Fetch(Fetch { common, .. }) | Action::Verify { common, .. }) =
            &self.action;
        let session = Session::start("datasets", common)?;
        tweedie::settings::sections(&common.settings, [])?;
        session.run(|results| {
            let (folder, manifest) = manifest::read(&session)?;
            match &self.action {
                Action::List { .. } => list(&session, &manifest, results),
                Action::Fetch(fetch) => fetch.run(&session, &folder, &manifest, results),
                Action::Verify { names, data, .. } => {
                    verify::verify(&session, &folder, &manifest, names, data.as_deref(), results)
                }
            }
        })
    }
}

impl Entry {
    fn of(set: &Set) -> Self {
        Self {
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
}

fn list(session: &Session, manifest: &Manifest, results: &mut Results<'_, Entry>) -> anyhow::Result<Outcome> {
    session.say(format_args!(
        "{:10}  {:7}  {:5}  {:>5}  {:>8}  {:24}  description",
        "name", "kind", "split", "files", "MiB", "licence"
    ));
    for set in &manifest.sets {
        let entry = Entry::of(set);
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
                .for_each(|line| session.detail(&format!("            {line}")));
        }
        results.push(entry)?;
    }
    Ok(Outcome::Done)
}
