//! What an output may replace.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::{Error, regular};

/// Which file a name stands for, whatever way leads to it: two names with equal identities are one file.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FileId(Id);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Id {
    /// Device and inode: equal for hard links too.
    #[cfg(unix)]
    Inode(u64, u64),
    /// The path without links, of a file that is not there yet or on systems without inodes.
    Path(PathBuf),
}

impl FileId {
    /// The identity of a file, or of the file that would be made under this name.
    ///
    /// # Errors
    /// [`Error::Io`] if the name cannot be looked up, also if its folder is not there.
    pub fn of(path: &Path) -> Result<Self, Error> {
        match fs::metadata(path) {
            #[cfg(unix)]
            Ok(metadata) => {
                use std::os::unix::fs::MetadataExt as _;
                Ok(Self(Id::Inode(metadata.dev(), metadata.ino())))
            }
            #[cfg(not(unix))]
            Ok(_) => Ok(Self(Id::Path(fs::canonicalize(path).map_err(Error::reading(path))?))),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let folder = fs::canonicalize(folder_of(path)).map_err(Error::reading(path))?;
                Ok(Self(Id::Path(folder.join(path.file_name().unwrap_or_default()))))
            }
            Err(error) => Err(Error::reading(path)(error)),
        }
    }
}

/// The folder in which a file is.
pub(crate) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Checks that an output may take this name, and gives the path to write: nothing stands there, or an ordinary file does.
///
/// A link to an ordinary file is followed, so that the file is replaced and the link stays. Whether the file is one of the
/// inputs is a question for [`FileId`].
///
/// # Errors
/// [`Error::Format`] for a folder, pipe, device or socket, also behind a link, and for a link that leads nowhere;
/// [`Error::Io`] if the name cannot be looked up.
pub fn require_replaceable(path: &Path) -> Result<PathBuf, Error> {
    let refused = |got: String| Error::Format {
        path: path.to_path_buf(),
        expected: "an output that is new or replaces a file".to_owned(),
        got,
    };
    let kind = match fs::symlink_metadata(path) {
        Ok(metadata) => metadata.file_type(),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(path.to_path_buf()),
        Err(error) => return Err(writing(path, error)),
    };
    if kind.is_file() {
        return Ok(path.to_path_buf());
    }
    if !kind.is_symlink() {
        return Err(refused(regular::description(kind).to_owned()));
    }
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_file() => fs::canonicalize(path).map_err(|error| writing(path, error)),
        Ok(metadata) => Err(refused(format!(
            "a link to {}",
            regular::description(metadata.file_type())
        ))),
        Err(error) if error.kind() == ErrorKind::NotFound => Err(refused("a link that leads nowhere".to_owned())),
        Err(error) => Err(writing(path, error)),
    }
}

pub(crate) fn writing(path: &Path, source: std::io::Error) -> Error {
    Error::Io {
        operation: "writing",
        path: path.to_path_buf(),
        source,
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn ordinary_files_alone_are_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::write(path("file"), "").unwrap();
        fs::create_dir(path("folder")).unwrap();
        symlink("file", path("to-file")).unwrap();
        symlink("to-file", path("to-link")).unwrap();
        symlink("folder", path("to-folder")).unwrap();
        symlink("none", path("to-none")).unwrap();
        symlink("/dev/null", path("to-device")).unwrap();
        symlink("circle", path("circle")).unwrap();
        assert!(
            std::process::Command::new("mkfifo")
                .arg(path("pipe"))
                .status()
                .unwrap()
                .success()
        );
        let real = fs::canonicalize(path("file")).unwrap();
        for (name, target) in [
            ("new", path("new")),
            ("file", path("file")),
            ("to-file", real.clone()),
            ("to-link", real),
        ] {
            assert_eq!(require_replaceable(&path(name)).unwrap(), target);
        }
        for (path, got) in [
            (path("folder"), "a folder"),
            (path("pipe"), "a pipe"),
            (PathBuf::from("/dev/null"), "a device"),
            (path("to-folder"), "a link to a folder"),
            (path("to-none"), "a link that leads nowhere"),
            (path("to-device"), "a link to a device"),
        ] {
            let message = require_replaceable(&path).unwrap_err().to_string();
            let expected = "expected an output that is new or replaces a file";
            assert_eq!(message, format!("{}: {expected}, got {got}", path.display()));
        }
        for path in [path("circle"), path("file/below"), path(&"n".repeat(300))] {
            let error = require_replaceable(&path).unwrap_err();
            assert!(
                matches!(
                    error,
                    Error::Io {
                        operation: "writing",
                        ..
                    }
                ),
                "{error}"
            );
        }
    }

    #[test]
    fn one_file_has_one_identity() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::write(path("a"), "").unwrap();
        fs::write(path("b"), "").unwrap();
        fs::create_dir(path("in")).unwrap();
        symlink("a", path("soft")).unwrap();
        symlink(".", path("in/up")).unwrap();
        symlink("..", path("in/above")).unwrap();
        fs::hard_link(path("a"), path("hard")).unwrap();
        let id = |name: &str| FileId::of(&path(name)).unwrap();
        for name in ["soft", "hard", "in/../a", "in/above/a", "./a", "in/up/above/a"] {
            assert_eq!(id(name), id("a"), "{name}");
        }
        assert_ne!(id("a"), id("b"));
        // Files that are to come.
        for name in ["in/../new", "in/above/new", "./new"] {
            assert_eq!(id(name), id("new"), "{name}");
        }
        assert_ne!(id("new"), id("in/new"));
        assert!(matches!(FileId::of(&path("none/new")), Err(Error::Io { .. })));
    }
}
