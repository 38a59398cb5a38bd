//! Folders that are either whole or not there.

use std::io;
use std::path::Path;

use crate::Result;
use crate::error::Context as _;

/// Makes a folder whose content is whole from the moment on that it has its name. One that is there is replaced in one
/// step where the system can exchange two names, so that at no moment there is none.
///
/// The folder in the making, `.tweedie-*.part`, has a name of its own and is removed if `write` fails; only a killed
/// process can leave it behind.
///
/// # Errors
/// What `write` says, and if the folder cannot be made.
pub(crate) fn place(folder: &Path, write: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let parent = match folder.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    std::fs::create_dir_all(parent).with_context(|| format!("making the folder {}", parent.display()))?;
    let mut builder = tempfile::Builder::new();
    builder.prefix(".tweedie-").suffix(".part");
    // Temporary folders are private by default; the result gets the permissions of an ordinary one, less the umask.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o777));
    let new = builder
        .tempdir_in(parent)
        .with_context(|| format!("making a folder in {}", parent.display()))?;
    write(new.path())?;
    replace(folder, new).with_context(|| format!("writing {}", folder.display()))
}

/// Gives `new` the name of `folder`; what had it is removed.
fn replace(folder: &Path, new: tempfile::TempDir) -> io::Result<()> {
    if !folder.exists() {
        std::fs::rename(new.path(), folder)?;
        // Its name is another one now.
        let _ = new.keep();
        return Ok(());
    }
    match exchange(new.path(), folder) {
        // The old one has the temporary name now, and goes with it.
        Ok(()) => new.close(),
        Err(error) if error.kind() == io::ErrorKind::Unsupported => by_two_renames(folder, new),
        Err(error) => Err(error),
    }
}

/// Exchanges the names of two folders in one step.
#[cfg(target_os = "linux")]
fn exchange(a: &Path, b: &Path) -> io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    use rustix::io::Errno;

    renameat_with(CWD, a, CWD, b, RenameFlags::EXCHANGE).map_err(|error| match error {
        // What file systems and kernels say that cannot.
        Errno::INVAL | Errno::NOSYS => io::ErrorKind::Unsupported.into(),
        error => error.into(),
    })
}

#[cfg(not(target_os = "linux"))]
fn exchange(_a: &Path, _b: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Without an exchange there is a moment between two renames; a failed second one takes back the first.
fn by_two_renames(folder: &Path, new: tempfile::TempDir) -> io::Result<()> {
    let old = new.path().with_extension("old.part");
    std::fs::rename(folder, &old)?;
    if let Err(error) = std::fs::rename(new.path(), folder) {
        std::fs::rename(&old, folder)?;
        return Err(error);
    }
    let _ = new.keep();
    std::fs::remove_dir_all(old)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;
    use crate::error::usage;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    }

    fn write(folder: &Path, text: &str) -> Result<()> {
        fs::write(folder.join("content"), text).with_context(|| "writing".to_owned())
    }

    #[test]
    fn a_failure_keeps_what_was_there_and_leaves_nothing_behind() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("name");
        place(&folder, |folder| write(folder, "old")).unwrap();
        let failed = place(&folder, |folder| {
            write(folder, "half")?;
            Err(usage("no"))
        });
        assert!(failed.is_err());
        assert_eq!(fs::read_to_string(folder.join("content")).unwrap(), "old");
        place(&folder, |folder| write(folder, "new")).unwrap();
        assert_eq!(fs::read_to_string(folder.join("content")).unwrap(), "new");
        assert_eq!(names(parent.path()), ["name"]);
    }

    /// A reader that looks all the time never finds the folder gone.
    #[cfg(target_os = "linux")]
    #[test]
    fn at_no_moment_there_is_none() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("name");
        place(&folder, |folder| write(folder, "first")).unwrap();
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let reader = scope.spawn(|| {
                let mut missing = 0;
                while !done.load(Ordering::Relaxed) {
                    missing += usize::from(!folder.exists());
                }
                missing
            });
            for count in 0..300 {
                place(&folder, |folder| write(folder, &count.to_string())).unwrap();
            }
            done.store(true, Ordering::Relaxed);
            assert_eq!(reader.join().unwrap(), 0);
        });
    }

    #[test]
    fn without_an_exchange_the_new_one_takes_the_name_too() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("name");
        place(&folder, |folder| write(folder, "old")).unwrap();
        let new = tempfile::tempdir_in(parent.path()).unwrap();
        write(new.path(), "new").unwrap();
        by_two_renames(&folder, new).unwrap();
        assert_eq!(fs::read_to_string(folder.join("content")).unwrap(), "new");
        assert_eq!(names(parent.path()), ["name"]);
    }
}
