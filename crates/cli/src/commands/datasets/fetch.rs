//! Downloading public sets.

use std::path::{Path, PathBuf};

use anyhow::bail;
use clap::Args;
use tweedie::datasets::{Manifest, Set, Summary, fetch};

use super::watch::Watch;
use crate::options::Common;
use crate::session::{Results, Session};

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
    pub(super) fn run(
        &self,
        session: &Session,
        folder: &Path,
        manifest: &Manifest,
        results: &mut Results<'_, Summary>,
    ) -> anyhow::Result<()> {
        let chosen: Vec<&Set> = self
            .names
            .iter()
            .map(|name| manifest.find(name))
            .collect::<Result<_, _>>()?;
        if self.out.is_some() && chosen.len() > 1 {
            bail!("--out: expected one set, got {}", chosen.len());
        }
        for set in chosen {
            let root = self.out.clone().unwrap_or_else(|| folder.join(&set.name));
            session.say(format_args!("{}: licence {}", set.name, set.licence));
            let watch = Watch::new(session);
            let fetched = fetch(set, &root, self.unverified, &watch)?;
            let there = if fetched.was_there { " already" } else { "" };
            session.say(format_args!("{}: in {}{there}", set.name, root.display()));
            let mut entry = Summary::of(set);
            entry.verified = fetched.verified;
            results.push(entry)?;
        }
        Ok(())
    }
}
