//! Folders of images.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::Error;

/// File names with these endings, in any case, are taken for images when a folder is listed.
const ENDINGS: [&str; 6] = ["png", "jpg", "jpeg", "tif", "tiff", "npy"];

/// The images in a folder and the folders below it, sorted by path.
///
/// Images are recognised by their names: .png, .jpg, .jpeg, .tif, .tiff, .npy in upper or lower case. Names that start
/// with a dot are skipped. Links are followed; a folder that is reached twice is listed once.
///
/// # Errors
/// [`Error::Io`] if a folder cannot be read; [`Error::Format`] if there is no image.
pub fn image_files(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut files = Vec::new();
    list(folder, &mut HashSet::new(), &mut files)?;
    files.sort();
    if files.is_empty() {
        return Err(Error::Format {
            path: folder.to_path_buf(),
            expected: format!("a folder with images ({})", ENDINGS.join(", ")),
            got: "no such file in it".to_owned(),
        });
    }
    Ok(files)
}

fn list(folder: &Path, seen: &mut HashSet<PathBuf>, files: &mut Vec<PathBuf>) -> Result<(), Error> {
    let io = |path: &Path| {
        let path = path.to_path_buf();
        move |source| Error::Io {
            operation: "listing",
            path,
            source,
        }
    };
    if !seen.insert(fs::canonicalize(folder).map_err(io(folder))?) {
        return Ok(());
    }
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(io(folder))? {
        paths.push(entry.map_err(io(folder))?.path());
    }
    // Which of two links to the same folder is taken must not depend on the order of the file system.
    paths.sort();
    for path in paths {
        let hidden = path
            .file_name()
            .is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if hidden {
            continue;
        }
        if path.is_dir() {
            list(&path, seen, files)?;
        } else if has_image_ending(&path) {
            files.push(path);
        }
    }
    Ok(())
}

fn has_image_ending(path: &Path) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str());
    ending.is_some_and(|ending| ENDINGS.iter().any(|known| ending.eq_ignore_ascii_case(known)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_recursively_in_order_and_skips_the_rest() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        fs::create_dir_all(root.join("b/c")).unwrap();
        fs::create_dir(root.join(".hidden")).unwrap();
        for name in [
            "z.png",
            "a.JPG",
            "b/x.tif",
            "b/c/y.npy",
            "notes.txt",
            "png",
            ".a.png",
            ".hidden/h.png",
            "b.jpeg",
        ] {
            fs::write(root.join(name), "").unwrap();
        }
        let expected = ["a.JPG", "b/c/y.npy", "b/x.tif", "b.jpeg", "z.png"].map(|name| root.join(name));
        assert_eq!(image_files(root).unwrap(), expected);
    }

    #[cfg(unix)]
    #[test]
    fn a_circle_of_links_ends() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        fs::create_dir(root.join("a")).unwrap();
        fs::write(root.join("a/x.png"), "").unwrap();
        std::os::unix::fs::symlink(root, root.join("a/up")).unwrap();
        std::os::unix::fs::symlink(root.join("a"), root.join("b")).unwrap();
        assert_eq!(image_files(root).unwrap(), [root.join("a/x.png")]);
    }

    #[test]
    fn a_folder_without_images_and_a_missing_folder_are_named() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("notes.txt"), "").unwrap();
        let message = image_files(folder.path()).unwrap_err().to_string();
        assert!(message.starts_with(&folder.path().display().to_string()), "{message}");
        let missing = folder.path().join("none");
        assert!(matches!(image_files(&missing), Err(Error::Io { path, .. }) if path == missing));
    }
}
