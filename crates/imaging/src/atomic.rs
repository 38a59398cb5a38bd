//! Files that are either whole or not there.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use crate::Error;

/// Writes a file under a temporary name in the same folder, syncs it to disk and renames it to `path`: at no moment
/// does a half-written file stand under its final name.
///
/// # Errors
/// [`Error::Io`] naming `path`.
pub fn write_atomic(path: &Path, write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>) -> Result<(), Error> {
    let io = |source| Error::Io { operation: "writing", path: path.to_path_buf(), source };
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let temporary = tempfile::Builder::new().prefix(".tweedie-").suffix(".part").tempfile_in(folder).map_err(io)?;
    // Temporary files are private; the result gets the permissions of an ordinary file.
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        temporary.as_file().set_permissions(std::fs::Permissions::from_mode(0o644)).map_err(io)?;
    }
    let (file, name) = temporary.into_parts();
    let mut buffered = BufWriter::new(file);
    write(&mut buffered).and_then(|()| buffered.flush()).map_err(io)?;
    buffered.get_ref().sync_all().map_err(io)?;
    name.persist(path).map_err(|error| io(error.error))?;
    // The rename itself is durable once the folder is synced; not every file system allows that.
    if let Ok(folder) = File::open(folder) {
        let _ = folder.sync_all();
    }
    Ok(())
}
