//! Downloading a public set.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tweedie_imaging::{read_text, sha256_file, write_atomic};

use crate::error::io;
use crate::unpack::unpack_with;
use crate::{Archive, Client, Error, Expected, Progress, Set};

/// Written into the folder of an unpacked archive: what it came from. The name is hidden, so that no image is looked for in it.
const RECORD: &str = ".tweedie-archive.toml";

/// What [`RECORD`] holds.
#[derive(Debug, Deserialize, Serialize)]
struct Record {
    url: String,
    sha256: String,
    /// Files besides this one.
    files: usize,
}

/// What a download brought, or found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// Files that are there and whose hash, or that of their archive, is as recorded; `None` for an archive that nobody
    /// vouches for.
    pub verified: Option<usize>,
    /// Whether nothing had to be downloaded.
    pub was_there: bool,
}

/// Downloads what is missing of a set into the folder `root`; a later call goes on with what an interrupted one began.
///
/// A set with an archive is unpacked as the new folder `root`. `unverified` accepts an archive for which the manifest has no
/// hash; its hash is a note.
///
/// # Errors
/// [`Error::Unexpected`] if the manifest has no addresses, if a file with other content stands in the way, or for another hash,
/// length or status; what [`Client::download`] and [`crate::unpack`] say; [`Error::Cancelled`].
pub fn fetch(set: &Set, root: &Path, unverified: bool, progress: &dyn Progress) -> Result<Fetched, Error> {
    match &set.archive {
        Some(archive) => fetch_archive(set, archive, root, unverified, progress),
        None => fetch_files(set, root, progress),
    }
}

/// Downloads a ZIP file beside `root`, unpacks it as `root` and removes it.
fn fetch_archive(
    set: &Set,
    archive: &Archive,
    root: &Path,
    unverified: bool,
    progress: &dyn Progress,
) -> Result<Fetched, Error> {
    if root.exists() {
        return found(archive, root);
    }
    if archive.sha256.is_none() && !unverified {
        return Err(Error::unexpected(
            &set.name,
            format!("a recorded sha256 of {}", archive.url),
            "none in the manifest; --unverified takes what comes",
        ));
    }
    let mut path = root.as_os_str().to_owned();
    path.push(".zip");
    let path = PathBuf::from(path);
    make_parent(&path)?;
    let expected = Expected {
        sha256: archive.sha256.as_deref(),
        bytes: None,
        max_bytes: archive.max_bytes,
    };
    // A file that is there has its final name only because it was complete.
    if !path.is_file() {
        Client::new(progress).download(std::slice::from_ref(&archive.url), &path, expected, [0, 0])?;
    }
    let sha256 = sha256_file(&path)?;
    if let Some(recorded) = archive.sha256.as_ref().filter(|recorded| **recorded != sha256) {
        return Err(Error::unexpected(path.display(), format!("sha256 {recorded}"), sha256));
    }
    progress.note(&format!("{}: sha256 {sha256}", archive.url));
    let files = unpack_with(&path, root, archive.max_unpacked_bytes, progress, |folder, files| {
        let record = Record {
            url: archive.url.clone(),
            sha256,
            files,
        };
        record.write(&folder.join(RECORD))
    })?;
    fs::remove_file(&path).map_err(io("removing", &path))?;
    Ok(Fetched {
        verified: archive.sha256.is_some().then_some(files),
        was_there: false,
    })
}

/// Whether the folder that is there is this archive, whole.
fn found(archive: &Archive, root: &Path) -> Result<Fetched, Error> {
    let in_the_way = |got: String| {
        Error::unexpected(
            root.display(),
            "a new folder for the archive, or the archive itself",
            got,
        )
    };
    let path = root.join(RECORD);
    if !path.is_file() {
        return Err(in_the_way("another folder".to_owned()));
    }
    let record = Record::read(&path)?;
    let same = match &archive.sha256 {
        Some(sha256) => *sha256 == record.sha256,
        None => archive.url == record.url,
    };
    if !same {
        return Err(in_the_way(format!(
            "the archive {} with sha256 {}",
            record.url, record.sha256
        )));
    }
    // The record itself is one more.
    let files = count(root)?.saturating_sub(1);
    if files != record.files {
        return Err(in_the_way(format!("{files} of its {} files", record.files)));
    }
    Ok(Fetched {
        verified: archive.sha256.is_some().then_some(files),
        was_there: true,
    })
}

impl Record {
    fn write(&self, path: &Path) -> Result<(), Error> {
        let text = toml::to_string(self).expect("texts and a number");
        Ok(write_atomic(path, |file| {
            std::io::Write::write_all(file, text.as_bytes())
        })?)
    }

    fn read(path: &Path) -> Result<Self, Error> {
        let text = read_text(path, 1 << 16)?;
        toml::from_str(&text)
            .map_err(|error| Error::unexpected(path.display(), "the record of an archive", error.message().to_owned()))
    }
}

/// The files in a folder and below it; links are not followed.
fn count(folder: &Path) -> Result<usize, Error> {
    let mut files = 0;
    for entry in fs::read_dir(folder).map_err(io("listing", folder))? {
        let entry = entry.map_err(io("listing", folder))?;
        let is_folder = entry.file_type().map_err(io("listing", folder))?.is_dir();
        files += if is_folder { count(&entry.path())? } else { 1 };
    }
    Ok(files)
}

/// Downloads the files of a set that are not there yet.
fn fetch_files(set: &Set, root: &Path, progress: &dyn Progress) -> Result<Fetched, Error> {
    if set.mirrors.is_empty() || set.files.is_empty() {
        return Err(Error::unexpected(
            &set.name,
            "addresses of its files",
            format!(
                "none in the manifest; see {}",
                set.homepage.as_deref().unwrap_or("its description in the manifest")
            ),
        ));
    }
    let client = Client::new(progress);
    let (mut verified, mut done, mut was_there) = (0, 0, true);
    for file in &set.files {
        if let Some(script) = &file.made_by {
            progress.note(&format!("{}: made by {script}", file.path.display()));
            done += file.bytes;
            continue;
        }
        if progress.is_cancelled() {
            return Err(Error::Cancelled);
        }
        let path = root.join(&file.path);
        make_parent(&path)?;
        if path.exists() {
            if let Some(problem) = file.problem(&path) {
                return Err(Error::unexpected(
                    path.display(),
                    "no such file, or the recorded one",
                    format!("another: {problem}"),
                ));
            }
        } else {
            let relative = file.path.to_string_lossy().replace('\\', "/");
            let urls: Vec<String> = set.mirrors.iter().map(|mirror| format!("{mirror}{relative}")).collect();
            let expected = Expected {
                sha256: Some(&file.sha256),
                bytes: Some(file.bytes),
                max_bytes: file.bytes,
            };
            client.download(&urls, &path, expected, [done, set.bytes()])?;
            was_there = false;
        }
        done += file.bytes;
        progress.bytes(done, set.bytes(), &file.path.to_string_lossy());
        verified += 1;
    }
    Ok(Fetched {
        verified: Some(verified),
        was_there,
    })
}

fn make_parent(path: &Path) -> Result<(), Error> {
    let parent = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    fs::create_dir_all(parent).map_err(io("making the folder", parent))
}
