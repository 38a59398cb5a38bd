//! Unpacking an archive that nobody vouches for.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _};
use std::path::Path;

use anyhow::{Context as _, bail};
use zip::ZipArchive;

/// Most entries of an archive.
const MAX_ENTRIES: usize = 100_000;

/// Unpacks a ZIP file as the new folder `root` and says how many files it holds.
///
/// Names that lead out of the folder, links, names that occur twice, more than [`MAX_ENTRIES`] entries or `max_bytes`
/// unpacked bytes are refused, and `root` does not come into being.
pub fn unpack(archive: &Path, root: &Path, max_bytes: u64) -> anyhow::Result<usize> {
    let parent = root.parent().filter(|parent| !parent.as_os_str().is_empty());
    let unpacked = tempfile::Builder::new()
        .prefix(".tweedie-unpack-")
        .tempdir_in(parent.unwrap_or(Path::new(".")))
        .context("making a folder to unpack into")?;
    let files =
        entries(archive, unpacked.path(), max_bytes).with_context(|| format!("unpacking {}", archive.display()))?;
    fs::rename(unpacked.path(), root).with_context(|| format!("writing {}", root.display()))?;
    // It has another name now.
    let _ = unpacked.keep();
    Ok(files)
}

fn entries(archive: &Path, folder: &Path, max_bytes: u64) -> anyhow::Result<usize> {
    let mut archive = ZipArchive::new(File::open(archive)?)?;
    if archive.len() > MAX_ENTRIES {
        bail!("expected at most {MAX_ENTRIES} entries, got {}", archive.len());
    }
    let (mut files, mut left) = (0, max_bytes);
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index)?;
        let name = entry.name()?.into_owned();
        let Some(relative) = entry.enclosed_name() else {
            bail!("expected names within the folder, got '{name}'");
        };
        if entry.is_dir() {
            fs::create_dir_all(folder.join(relative))?;
            continue;
        }
        if entry.is_symlink() || !entry.is_file() {
            bail!("'{name}': expected an ordinary file, got a link");
        }
        let path = folder.join(relative);
        fs::create_dir_all(path.parent().unwrap_or(folder))?;
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&path)
            .with_context(|| format!("'{name}': expected a name that occurs once"))?;
        // The size in the archive's list may be a lie; what comes out counts.
        let written = io::copy(&mut entry.by_ref().take(left.saturating_add(1)), &mut file)
            .with_context(|| format!("'{name}'"))?;
        if written > left {
            bail!("expected at most {max_bytes} unpacked bytes, got more");
        }
        left -= written;
        file.sync_all()?;
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

    /// A ZIP file of these names, each with ten bytes.
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
        path
    }

    #[test]
    fn files_come_out_as_they_went_in() {
        let folder = tempfile::tempdir().unwrap();
        let path = archive(folder.path(), &["a/b.png", "c.png"]);
        let root = folder.path().join("set");
        assert_eq!(unpack(&path, &root, 20).unwrap(), 2);
        assert_eq!(fs::read(root.join("a/b.png")).unwrap(), [7; 10]);
        assert!(root.join("c.png").is_file());
    }

    #[test]
    fn what_leads_out_or_is_too_large_is_refused() {
        for (names, message) in [
            (&["../evil.png"][..], "within the folder"),
            (&["a/../../evil.png"], "within the folder"),
            (&["link:passwd"], "ordinary file"),
            (&["a.png", "b.png", "c.png"], "at most 25 unpacked"),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let path = archive(folder.path(), names);
            let root = folder.path().join("in/set");
            fs::create_dir(folder.path().join("in")).unwrap();
            let error = format!("{:#}", unpack(&path, &root, 25).unwrap_err());
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
