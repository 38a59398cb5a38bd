//! Files that have no name yet: `.tweedie-*.part`, locked while their process lives.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex};

use tempfile::{NamedTempFile, TempPath};

const PREFIX: &str = ".tweedie-";
const SUFFIX: &str = ".part";

/// Attempts to make a file that no other process takes for a leftover in the moment before it is locked.
const ATTEMPTS: usize = 8;

/// Folders that were looked through: once in a process is enough, since its own files do not stay behind.
static SWEPT: LazyLock<Mutex<HashSet<PathBuf>>> = LazyLock::new(Mutex::default);

/// A new file in `folder` and its name, under which it is removed unless it is renamed.
///
/// Before the first one in a folder, what killed processes left there is removed: files of this kind that nobody has locked.
/// A lock ends with its process, so that a file at work is never taken for a leftover, on whatever machine its process runs.
/// Where the file system has no locks, leftovers stay.
pub(super) fn create(folder: &Path) -> io::Result<(File, TempPath)> {
    let is_new = SWEPT.lock().is_ok_and(|mut swept| swept.insert(folder.to_path_buf()));
    if is_new {
        sweep(folder);
    }
    for _ in 0..ATTEMPTS {
        let file = new_file(folder)?;
        match file.as_file().try_lock() {
            // Another process holds it: it is about to remove what it thinks is a leftover.
            Err(TryLockError::WouldBlock) => {}
            // Without locks nobody removes anything.
            Ok(()) | Err(TryLockError::Error(_)) => return Ok(file.into_parts()),
        }
    }
    Err(io::Error::other("temporary files are removed by another process"))
}

fn new_file(folder: &Path) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(PREFIX).suffix(SUFFIX);
    // Temporary files are private by default; the result gets the permissions of an ordinary file, less the umask.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(folder)
}

/// Removes leftovers; what cannot be read or removed is not worth an error.
fn sweep(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let is_file = entry.file_type().is_ok_and(|kind| kind.is_file());
        if is_file && is_part(&entry.file_name()) {
            remove_unlocked(&entry.path());
        }
    }
}

fn is_part(name: &OsStr) -> bool {
    let name = name.as_encoded_bytes();
    name.starts_with(PREFIX.as_bytes()) && name.ends_with(SUFFIX.as_bytes())
}

fn remove_unlocked(path: &Path) {
    // Some systems lock only what is open for writing.
    let Ok(file) = File::options().read(true).write(true).open(path) else {
        return;
    };
    if file.try_lock().is_ok() {
        let _ = fs::remove_file(path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leftovers_go_and_files_at_work_stay() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        for name in [
            ".tweedie-dead.part",
            ".tweedie-12.part",
            ".other.part",
            "tweedie-a.part",
            ".tweedie-a.parts",
        ] {
            fs::write(path(name), "half").unwrap();
        }
        fs::create_dir(path(".tweedie-folder.part")).unwrap();
        let (_file, at_work) = (
            File::options()
                .append(true)
                .open(path(".tweedie-dead.part"))
                .inspect(|file| file.lock().unwrap()),
            create(folder.path()).unwrap(),
        );
        let mut names: Vec<_> = fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.retain(|name| path(name) != *at_work.1);
        names.sort();
        let kept = [
            ".other.part",
            ".tweedie-a.parts",
            ".tweedie-dead.part",
            ".tweedie-folder.part",
            "tweedie-a.part",
        ];
        assert_eq!(names, kept);
        // As another process would see it: the file that is being written is locked.
        remove_unlocked(&at_work.1);
        assert!(at_work.1.exists());
        drop(at_work);
    }
}
