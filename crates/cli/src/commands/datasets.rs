//! `tweedie datasets`

mod fetch;
mod watch;

use std::path::{Path, PathBuf};

use anyhow::bail;
use clap::{Args, Subcommand};
use tweedie::datasets::{self, Kind, MANIFEST, Manifest, Set, Summary, verify};
use tweedie::report::Table;
use tweedie::{Events as _, locate};

use self::fetch::Fetch;
use self::watch::Watch;
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

impl Datasets {
    pub fn run(self) -> anyhow::Result<Outcome> {
        let (Action::List { common } | Action::Fetch(Fetch { common, .. }) | Action::Verify { common, .. }) =
            &self.action;
        let session = Session::start("datasets", common)?;
        tweedie::settings::sections(&common.settings, [])?;
        session.run(|results| {
            let (folder, manifest) = read_manifest(&session)?;
            let of_set = |set: &Set| {
                let root = set.folder.clone().unwrap_or_else(|| set.name.clone().into());
                let files = set.files.iter().map(|file| folder.join(&root).join(&file.path));
                files.collect::<Vec<_>>()
            };
            let files = manifest.sets.iter().flat_map(of_set);
            session.claim([], files.chain([folder.join(MANIFEST)]))?;
            let done = match &self.action {
                Action::List { .. } => list(&session, &manifest, results),
                Action::Fetch(fetch) => fetch.run(&session, &folder, &manifest, results),
                Action::Verify { names, data, .. } => {
                    verify_all(&session, &folder, &manifest, names, data.as_deref(), results)
                }
            };
            match done {
                Err(error) if matches!(error.downcast_ref(), Some(datasets::Error::Cancelled)) => {
                    Ok(Outcome::Interrupted)
                }
                done => done.map(|()| Outcome::Done),
            }
        })
    }
}

/// Reads the description of all sets; also gives the folder that holds it.
fn read_manifest(session: &Session) -> anyhow::Result<(PathBuf, Manifest)> {
    let folders = locate::folders("datasets");
    let Some(folder) = folders.into_iter().find(|folder| folder.join(MANIFEST).is_file()) else {
        bail!("{MANIFEST}: expected it in {}", locate::description("datasets"));
    };
    let path = folder.join(MANIFEST);
    let manifest = Manifest::read(&path)?;
    session.hash_file(&path)?;
    Ok((folder, manifest))
}

fn list(session: &Session, manifest: &Manifest, results: &mut Results<'_, Summary>) -> anyhow::Result<()> {
    let mut table = Table::new(["name", "kind", "split", "files", "MiB", "licence", "description"]);
    for set in &manifest.sets {
        let entry = Summary::of(set);
        let (files, mib) = match entry.files {
            0 => (String::new(), String::new()),
            n => (n.to_string(), format!("{:.2}", entry.bytes as f64 / f64::from(1 << 20))),
        };
        // Long licence expressions are in the JSON and in the manifest.
        let licence = match entry.licence.char_indices().nth(24) {
            None => entry.licence.clone(),
            Some(_) => "several, see the manifest".to_owned(),
        };
        let (name, split) = (entry.name.clone(), entry.split.clone().unwrap_or_default());
        let kind = format!("{:?}", entry.kind).to_lowercase();
        table.row([name, kind, split, files, mib, licence, entry.description.clone()]);
        let more = [entry.homepage.as_deref(), entry.citation.as_deref()];
        more.into_iter()
            .flatten()
            .for_each(|line| session.detail(&format!("{}: {line}", entry.name)));
        results.push(entry)?;
    }
    session.say(table.plain().trim_end());
    Ok(())
}

/// `tweedie datasets verify`
fn verify_all(
    session: &Session,
    folder: &Path,
    manifest: &Manifest,
    names: &[String],
    data: Option<&Path>,
    results: &mut Results<'_, Summary>,
) -> anyhow::Result<()> {
    let mut chosen: Vec<&Set> = names.iter().map(|name| manifest.find(name)).collect::<Result<_, _>>()?;
    if names.is_empty() {
        chosen.extend(manifest.sets.iter().filter(|set| set.kind == Kind::Bundled));
    }
    if data.is_some() && !matches!(chosen[..], [Set { kind: Kind::Public, .. }]) {
        bail!("--data: expected one public set, such as `datasets verify set12 --data DIR`");
    }
    let watch = Watch::new(session);
    for set in chosen {
        let root = match (&set.folder, data) {
            (Some(relative), None) => folder.join(relative),
            (_, Some(data)) => data.to_path_buf(),
            (None, None) => bail!("{}: expected --data DIR with the files of this public set", set.name),
        };
        let found = verify(set, &root, &watch)?;
        let mut entry = Summary::of(set);
        session.say(format_args!(
            "{}: {} of {} files in {} are as recorded",
            set.name,
            found.right,
            entry.files,
            root.display()
        ));
        entry.verified = Some(found.right);
        entry.wrong = found.wrong;
        results.push(entry)?;
    }
    let wrong: usize = results.items().iter().map(|entry| entry.wrong.len()).sum();
    if wrong > 0 {
        bail!("datasets verify: expected all files as recorded, got {wrong} that are missing or differ");
    }
    Ok(())
}
