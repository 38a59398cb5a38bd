//! Comparing the files of a set with the recorded hashes.

use std::path::Path;

use crate::{Error, Progress, Set};

/// What a comparison found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verified {
    /// Files that are as recorded.
    pub right: usize,
    /// Paths, as the manifest has them, of files that are missing or differ.
    pub wrong: Vec<String>,
}

/// Compares the files of `set` in the folder `root` with the recorded hashes; what is wrong with each is a note.
///
/// # Errors
/// [`Error::Unexpected`] if the manifest has no hashes; [`Error::Cancelled`]. Files that differ are no error.
pub fn verify(set: &Set, root: &Path, progress: &dyn Progress) -> Result<Verified, Error> {
    if set.files.is_empty() {
        return Err(Error::unexpected(&set.name, "recorded hashes", "none in the manifest"));
    }
    let mut verified = Verified::default();
    let mut done = 0;
    for file in &set.files {
        if progress.is_cancelled() {
            return Err(Error::Cancelled);
        }
        let name = file.path.display().to_string();
        progress.bytes(done, set.bytes(), &name);
        let path = root.join(&file.path);
        match file.problem(&path) {
            None => verified.right += 1,
            Some(problem) => {
                progress.note(&format!("{}: {problem}", path.display()));
                verified.wrong.push(name);
            }
        }
        done += file.bytes;
    }
    Ok(verified)
}
