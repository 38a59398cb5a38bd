//! Files that are either whole or not there.

mod part;

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use crate::Error;
use crate::replace::{folder_of, require_replaceable, writing};

/// Writes a file under a temporary name in the same folder, syncs it to disk and renames it to `path`: at no moment
/// does a half-written file stand under its final name, and a file that was there stays whole until it is replaced.
///
/// Only an ordinary file is replaced; a link to one is followed, see [`require_replaceable`]. The temporary file,
/// `.tweedie-*.part`, is removed if `write` fails. What a killed process leaves behind is removed by the next one that writes
/// into the folder.
///
/// # Errors
/// [`Error::Io`] naming `path`; those of [`require_replaceable`].
pub fn write_atomic(path: &Path, write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>) -> Result<(), Error> {
    let target = require_replaceable(path)?;
    let io = |source| writing(path, source);
    let folder = folder_of(&target);
    let (file, name) = part::create(folder).map_err(io)?;
    let mut buffered = BufWriter::new(file);
    write(&mut buffered).and_then(|()| buffered.flush()).map_err(io)?;
    buffered.get_ref().sync_all().map_err(io)?;
    name.persist(&target).map_err(|error| io(error.error))?;
    // The rename itself is durable once the folder is synced; not every file system allows that.
    if let Ok(folder) = File::open(folder) {
        let _ = folder.sync_all();
    }
    Ok(())
}

/// Checks that files can be made in a folder, before any work is done for them.
///
/// # Errors
/// [`Error::Io`] naming the folder.
pub fn require_writable(folder: &Path) -> Result<(), Error> {
    part::create(folder).map(drop).map_err(|source| Error::Io {
        operation: "writing into the folder",
        path: folder.to_path_buf(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    }

    #[test]
    fn a_failed_write_keeps_the_old_file_and_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt");
        write_atomic(&path, |file| file.write_all(b"old")).unwrap();
        let failed = write_atomic(&path, |file| {
            file.write_all(b"new, but")?;
            Err(io::Error::other("disk full"))
        });
        assert_eq!(failed.unwrap_err().to_string(), format!("writing {}", path.display()));
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(names(folder.path()), ["a.txt"]);
    }

    #[test]
    fn replaces_a_file_and_names_a_missing_folder() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt");
        for text in ["one", "two"] {
            write_atomic(&path, |file| file.write_all(text.as_bytes())).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
        let missing = folder.path().join("none/a.txt");
        let error = write_atomic(&missing, |_| Ok(())).unwrap_err();
        assert!(matches!(error, Error::Io { path, .. } if path == missing));
        assert_eq!(names(folder.path()), ["a.txt"]);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_stays_and_a_device_is_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("a"), folder.path().join("b"));
        fs::write(&file, "old").unwrap();
        std::os::unix::fs::symlink("a", &link).unwrap();
        write_atomic(&link, |file| file.write_all(b"new")).unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"new");
        assert!(link.is_symlink());
        let error = write_atomic(Path::new("/dev/null"), |_| Ok(())).unwrap_err();
        assert!(error.to_string().ends_with("got a device"), "{error}");
        let error = write_atomic(folder.path(), |_| Ok(())).unwrap_err();
        assert!(error.to_string().ends_with("got a folder"), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn the_file_has_the_permissions_of_an_ordinary_one() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let (atomic, ordinary) = (folder.path().join("a"), folder.path().join("b"));
        write_atomic(&atomic, |_| Ok(())).unwrap();
        fs::write(&ordinary, "").unwrap();
        let mode = |path| fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode(&atomic), mode(&ordinary));
    }
}
