//! Comparing the files of sets with the recorded hashes.

use std::path::Path;

use anyhow::bail;

use super::Entry;
use super::manifest::{Kind, Manifest, Set};
use tweedie::Events as _;

use crate::Outcome;
use crate::session::{Results, Session};

/// `tweedie datasets verify`
pub fn verify(
    session: &Session,
    folder: &Path,
    manifest: &Manifest,
    names: &[String],
    data: Option<&Path>,
    results: &mut Results<'_, Entry>,
) -> anyhow::Result<Outcome> {
    let mut chosen = manifest.find(names)?;
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
        let mut entry = Entry::of(set);
        entry.verified = Some(0);
        for file in &set.files {
            if session.is_interrupted() {
                return Ok(Outcome::Interrupted);
            }
            let path = root.join(&file.path);
            match file.problem(&path) {
                None => entry.verified = entry.verified.map(|count| count + 1),
                Some(problem) => {
                    session.note(&format!("{}: {problem}", path.display()));
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
