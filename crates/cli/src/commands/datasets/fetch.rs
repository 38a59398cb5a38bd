//! Downloading public sets.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::Args;
use tweedie_imaging::sha256_file;

use super::Entry;
use super::download::{Client, Expected};
use super::manifest::{Archive, Manifest, Set};
use super::unpack::unpack;
use tweedie::Events as _;

use crate::options::Common;
use crate::session::{Results, Session};
use crate::{Outcome, progress};

/// Options of `tweedie datasets fetch`.
#[derive(Args)]
pub struct Fetch {
    /// Sets to download
    #[arg(value_name = "NAME", required = true)]
    names: Vec<String>,
    /// Folder for the files of one set [default: NAME in the folder of the manifest]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Accept an archive for which the manifest has no hash; its hash is printed
    #[arg(long)]
    unverified: bool,
    #[command(flatten)]
    pub(super) common: Common,
}

impl Fetch {
    pub fn run(
        &self,
        session: &Session,
        folder: &Path,
        manifest: &Manifest,
        results: &mut Results<'_, Entry>,
    ) -> anyhow::Result<Outcome> {
        let chosen = manifest.find(&self.names)?;
        if self.out.is_some() && chosen.len() > 1 {
            bail!("--out: expected one set, got {}", chosen.len());
        }
        let client = Client::new(session);
        for set in chosen {
            let root = self.out.clone().unwrap_or_else(|| folder.join(&set.name));
            session.say(format_args!("{}: licence {}", set.name, set.licence));
            let fetched = match &set.archive {
                Some(archive) => self.fetch_archive(&client, set, archive, &root)?,
                None => fetch_files(&client, set, &root)?,
            };
            let Some(entry) = fetched else {
                return Ok(Outcome::Interrupted);
            };
            session.say(format_args!("{}: in {}", set.name, root.display()));
            results.push(entry)?;
        }
        Ok(Outcome::Done)
    }

    /// Downloads a ZIP file beside `root`, unpacks it as `root` and removes it.
    fn fetch_archive(
        &self,
        client: &Client<'_>,
        set: &Set,
        archive: &Archive,
        root: &Path,
    ) -> anyhow::Result<Option<Entry>> {
        let session = client.session;
        if root.exists() {
            bail!(
                "{}: expected a new folder for the archive, this one is there already",
                root.display()
            );
        }
        if archive.sha256.is_none() && !self.unverified {
            bail!(
                "{}: expected a recorded sha256 of {}, the manifest has none; --unverified takes what comes",
                set.name,
                archive.url
            );
        }
        let path = PathBuf::from(format!("{}.zip", root.display()));
        create_parent(&path)?;
        let bar = progress::bar(session, 0, "{bar:30} {bytes}/{total_bytes} {wide_msg} ETA {eta}");
        let expected = Expected {
            sha256: archive.sha256.as_deref(),
            bytes: None,
            max_bytes: archive.max_bytes,
        };
        // A file that is there has its final name only because it was complete.
        if !path.is_file() && !client.download(std::slice::from_ref(&archive.url), &path, expected, &bar)? {
            return Ok(None);
        }
        let sha256 = sha256_file(&path)?;
        if archive.sha256.as_ref().is_some_and(|recorded| *recorded != sha256) {
            bail!(
                "{}: expected sha256 {}, got {sha256}",
                path.display(),
                archive.sha256.as_deref().unwrap_or_default()
            );
        }
        session.note(&format!("{}: sha256 {sha256}", archive.url));
        let files = unpack(&path, root, archive.max_unpacked_bytes)?;
        fs::remove_file(&path).with_context(|| format!("removing {}", path.display()))?;
        let mut entry = Entry::of(set);
        entry.verified = archive.sha256.is_some().then_some(files);
        Ok(Some(entry))
    }
}

/// Downloads the files of a set that are not there yet.
fn fetch_files(client: &Client<'_>, set: &Set, root: &Path) -> anyhow::Result<Option<Entry>> {
    let session = client.session;
    if set.mirrors.is_empty() || set.files.is_empty() {
        bail!(
            "{}: expected addresses of its files, the manifest has none; see {}",
            set.name,
            set.homepage.as_deref().unwrap_or("its description in the manifest")
        );
    }
    let mut entry = Entry::of(set);
    let bar = progress::bar(
        session,
        entry.bytes,
        "{bar:30} {bytes}/{total_bytes} {wide_msg} ETA {eta}",
    );
    let mut verified = 0;
    for file in &set.files {
        if let Some(script) = &file.made_by {
            session.note(&format!("{}: made by {script}", file.path.display()));
            continue;
        }
        let path = root.join(&file.path);
        create_parent(&path)?;
        if path.exists() {
            if let Some(problem) = file.problem(&path) {
                bail!(
                    "{}: {problem}; expected no such file, or the recorded one",
                    path.display()
                );
            }
            bar.inc(file.bytes);
        } else {
            let relative = file.path.to_string_lossy().replace('\\', "/");
            let urls: Vec<String> = set.mirrors.iter().map(|mirror| format!("{mirror}{relative}")).collect();
            let expected = Expected {
                sha256: Some(&file.sha256),
                bytes: Some(file.bytes),
                max_bytes: file.bytes,
            };
            bar.set_message(relative);
            if !client.download(&urls, &path, expected, &bar)? {
                return Ok(None);
            }
        }
        verified += 1;
    }
    bar.finish_and_clear();
    entry.verified = Some(verified);
    Ok(Some(entry))
}

fn create_parent(path: &Path) -> anyhow::Result<()> {
    let parent = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(parent).with_context(|| format!("making the folder {}", parent.display()))
}
