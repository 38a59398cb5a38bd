//! Unpacking an archive that nobody vouches for.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _};
use std::path::Path;

use zip::ZipArchive;

use crate::error::io as io_error;
use crate::{Error, Progress};

/// Most entries of an archive.
const MAX_ENTRIES: usize = 100_000;

/// Unpacks a ZIP file as the new folder `root` and says how many files it holds.
///
/// # Errors
/// [`Error::Unexpected`] for names that lead out of the folder, links, names that occur twice, more than 100,000 entries and
/// more than `max_bytes` unpacked bytes; [`Error::Zip`] for a damaged archive; [`Error::Io`]; [`Error::Cancelled`]. `root`
/// does not come into being then.
pub fn unpack(archive: &Path, root: &Path, max_bytes: u64, progress: &dyn Progress) -> Result<usize, Error> {
    unpack_with(archive, root, max_bytes, progress, |_, _| Ok(()))
}

/// [`unpack`], with something more to do in the folder before it gets its name: it is given the folder and the number of files.
pub(crate) fn unpack_with(
    archive: &Path,
    root: &Path,
    max_bytes: u64,
    progress: &dyn Progress,
    complete: impl FnOnce(&Path, usize) -> Result<(), Error>,
) -> Result<usize, Error> {
    let parent = match root.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let file = File::open(archive).map_err(io_error("reading", archive))?;
    if let Err(TryLockError::WouldBlock) = file.try_lock() {
        let expected = "an archive that no other process unpacks";
        return Err(Error::unexpected(archive.display(), expected, "one that is locked"));
    }
    let mut name = OsString::from(".tweedie-unpack-");
    name.push(root.file_name().unwrap_or_default());
    let unpacked = parent.join(name);
    // What a killed process left: nobody is at work while the archive is locked.
    remove(&unpacked)?;
    fs::create_dir(&unpacked).map_err(io_error("making the folder", &unpacked))?;
    let result = entries(archive, &file, &unpacked, max_bytes, progress).and_then(|files| {
        complete(&unpacked, files)?;
        fs::rename(&unpacked, root).map_err(io_error("writing", root))?;
        Ok(files)
    });
    if result.is_err() {
        // The error that is reported is the first one.
        let _ = remove(&unpacked);
    }
    result
}

/// Removes a folder, if it is there.
fn remove(folder: &Path) -> Result<(), Error> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(io_error("removing", folder)(error)),
        _ => Ok(()),
    }
}

fn entries(path: &Path, file: &File, folder: &Path, max_bytes: u64, progress: &dyn Progress) -> Result<usize, Error> {
    let damaged = |source| Error::Zip {
        path: path.to_path_buf(),
        source,
    };
    let refused = |expected: String, got: String| Error::unexpected(path.display(), expected, got);
    let mut archive = ZipArchive::new(file).map_err(damaged)?;
    // The reader keeps the last of two entries with one name.
    if archive.has_duplicate_names() {
        return Err(refused(
            "names that occur once".to_owned(),
            "a name that occurs twice".to_owned(),
        ));
    }
    if archive.len() > MAX_ENTRIES {
        return Err(refused(
            format!("at most {MAX_ENTRIES} entries"),
            archive.len().to_string(),
        ));
    }
    let (mut files, mut left) = (0, max_bytes);
    for index in 0..archive.len() {
        if progress.is_cancelled() {
            return Err(Error::Cancelled);
        }
        let mut entry = archive.by_index(index).map_err(damaged)?;
        let name = entry.name().map_err(damaged)?.into_owned();
        let Some(relative) = entry.enclosed_name() else {
            return Err(refused("names within the folder".to_owned(), format!("'{name}'")));
        };
        let target = folder.join(relative);
        if entry.is_dir() {
            fs::create_dir_all(&target).map_err(io_error("making the folder", &target))?;
            continue;
        }
        if entry.is_symlink() || !entry.is_file() {
            return Err(refused("ordinary files".to_owned(), format!("the link '{name}'")));
        }
        let parent = target.parent().unwrap_or(folder);
        fs::create_dir_all(parent).map_err(io_error("making the folder", parent))?;
        // Names that differ may still be one path: `a` and `./a`, or `A` on some file systems.
        let mut file = match OpenOptions::new().write(true).create_new(true).open(&target) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                return Err(refused("names that occur once".to_owned(), format!("'{name}' twice")));
            }
            Err(error) => return Err(io_error("writing", &target)(error)),
        };
        // The size in the archive's list may be a lie; what comes out counts.
        let written = io::copy(&mut entry.by_ref().take(left.saturating_add(1)), &mut file)
            .map_err(|error| damaged(error.into()))?;
        if written > left {
            return Err(refused(
                format!("at most {max_bytes} unpacked bytes"),
                "more".to_owned(),
            ));
        }
        left -= written;
        file.sync_all().map_err(io_error("writing", &target))?;
        files += 1;
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    use super::*;
    use crate::error::one_line;

    /// A ZIP file of these names, each with ten bytes. The writer refuses a name that it has written: `~` becomes `a` after it.
    fn archive(folder: &Path, names: &[&str]) -> std::path::PathBuf {
        let path = folder.join("a.zip");
        let mut zip = ZipWriter::new(File::create(&path).unwrap());
        for name in names {
            match name.strip_prefix("link:") {
                Some(name) => zip
                    .add_symlink(name, "/etc/passwd", SimpleFileOptions::default())
                    .unwrap(),
                None => {
                    zip.start_file(*name, SimpleFileOptions::default()).unwrap();
                    zip.write_all(&[7; 10]).unwrap();
                }
            }
        }
        zip.finish().unwrap();
        let mut bytes = fs::read(&path).unwrap();
        bytes
            .iter_mut()
            .filter(|byte| **byte == b'~')
            .for_each(|byte| *byte = b'a');
        fs::write(&path, bytes).unwrap();
        path
    }

    #[test]
    fn files_come_out_as_they_went_in() {
        let folder = tempfile::tempdir().unwrap();
        let path = archive(folder.path(), &["a/b.png", "c.png"]);
        let root = folder.path().join("set");
        assert_eq!(unpack(&path, &root, 20, &()).unwrap(), 2);
        assert_eq!(fs::read(root.join("a/b.png")).unwrap(), [7; 10]);
        assert!(root.join("c.png").is_file());
    }

    #[test]
    fn leftovers_of_a_killed_process_go_and_two_at_once_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = archive(folder.path(), &["a.png"]);
        let left = folder.path().join(".tweedie-unpack-set/half");
        fs::create_dir_all(&left).unwrap();
        let root = folder.path().join("set");
        let other = File::open(&path).unwrap();
        other.lock().unwrap();
        let error = unpack(&path, &root, 20, &()).unwrap_err().to_string();
        assert!(error.ends_with("got one that is locked") && left.exists(), "{error}");
        drop(other);
        assert_eq!(unpack(&path, &root, 20, &()).unwrap(), 1);
        assert_eq!(fs::read_dir(&root).unwrap().count(), 1);
        assert!(!left.exists());
    }

    #[test]
    fn what_leads_out_or_is_too_large_is_refused() {
        for (names, message) in [
            (&["../evil.png"][..], "within the folder"),
            (&["a/../../evil.png"], "within the folder"),
            (&["link:passwd"], "ordinary files"),
            (&["a.png", "b.png", "c.png"], "at most 25 unpacked"),
            (&["a.png", "b.png", "~.png"], "occur once"),
            (&["a.png", "./a.png"], "occur once"),
            (&["a.png", "a.png/b.png"], "a.png"),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let path = archive(folder.path(), names);
            let root = folder.path().join("in/set");
            fs::create_dir(folder.path().join("in")).unwrap();
            let error = one_line(&unpack(&path, &root, 25, &()).unwrap_err());
            assert!(error.contains(message), "{names:?}: {error}");
            assert!(!root.exists() && !folder.path().join("evil.png").exists());
            assert_eq!(
                fs::read_dir(folder.path().join("in")).unwrap().count(),
                0,
                "nothing is left behind"
            );
        }
    }
}
