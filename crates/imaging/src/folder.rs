//! Folders of images.

use std::collections::HashSet;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::{Error, regular};

/// File names with these endings, in any case, are taken for images when a folder is listed.
const ENDINGS: [&str; 6] = ["png", "jpg", "jpeg", "tif", "tiff", "npy"];

/// What is in a folder.
#[derive(Debug, Default)]
pub struct Listing {
    /// The images, sorted by path.
    pub images: Vec<PathBuf>,
    /// What could not be looked at: links that lead nowhere, folders that cannot be read, pipes with the name of an image.
    pub skipped: Vec<Error>,
}

/// The images in a folder and the folders below it.
///
/// Images are recognised by their names: .png, .jpg, .jpeg, .tif, .tiff, .npy in upper or lower case. Names that start
/// with a dot are skipped. Links are followed; a folder that is reached twice is listed once. What cannot be looked at stops
/// nothing and is told in [`Listing::skipped`].
///
/// # Errors
/// [`Error::Io`] if `folder` itself cannot be read; [`Error::Format`] if there is no image.
pub fn list_images(folder: &Path) -> Result<Listing, Error> {
    let mut listing = Listing::default();
    list(folder, &mut HashSet::new(), &mut listing)?;
    listing.images.sort();
    if !listing.images.is_empty() {
        return Ok(listing);
    }
    // What was skipped may have been the images.
    Err(listing.skipped.into_iter().next().unwrap_or_else(|| Error::Format {
        path: folder.to_path_buf(),
        expected: format!("a folder with images ({})", ENDINGS.join(", ")),
        got: "no such file in it".to_owned(),
    }))
}

/// [`list_images`] where nothing may be missing: test sets, for instance.
///
/// # Errors
/// As [`list_images`], and the first of [`Listing::skipped`].
pub fn image_files(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let Listing { images, skipped } = list_images(folder)?;
    skipped.into_iter().next().map_or(Ok(images), Err)
}

fn list(folder: &Path, seen: &mut HashSet<PathBuf>, listing: &mut Listing) -> Result<(), Error> {
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
        match fs::metadata(&path) {
            Ok(metadata) if metadata.is_dir() => {
                let below = list(&path, seen, listing);
                listing.skipped.extend(below.err());
            }
            Ok(_) if !has_image_ending(&path) => {}
            Ok(metadata) if metadata.is_file() => listing.images.push(path),
            Ok(metadata) => listing.skipped.push(Error::Format {
                expected: "a file".to_owned(),
                got: regular::description(metadata.file_type()).to_owned(),
                path,
            }),
            // A link that leads nowhere is of interest where it has the name of an image.
            Err(error) if error.kind() == ErrorKind::NotFound && !has_image_ending(&path) => {}
            Err(error) => listing.skipped.push(io(&path)(error)),
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

    /// Links that lead nowhere or in a circle, pipes, paths that are longer than the system takes, folders without permission.
    #[cfg(unix)]
    #[test]
    fn what_cannot_be_read_is_skipped_and_told() {
        use std::os::unix::fs::{PermissionsExt as _, symlink};
        use std::process::Command;

        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        fs::write(root.join("a.png"), "").unwrap();
        symlink("none", root.join("b.png")).unwrap();
        symlink("none", root.join("b.txt")).unwrap();
        symlink("c.png", root.join("c.png")).unwrap();
        assert!(
            Command::new("mkfifo")
                .arg(root.join("d.png"))
                .status()
                .unwrap()
                .success()
        );
        // Twice 12 folders with names of 200 bytes, one below the other: more than the 4,096 bytes that a path may have.
        let deep = |start: &str| (0..12).fold(root.join(start), |path, _| path.join("n".repeat(200)));
        fs::create_dir_all(deep("e")).unwrap();
        fs::create_dir_all(deep("f")).unwrap();
        fs::rename(root.join("f"), deep("e").join("f")).unwrap();
        fs::create_dir(root.join("closed")).unwrap();
        fs::set_permissions(root.join("closed"), fs::Permissions::from_mode(0o000)).unwrap();
        // The superuser reads everything.
        let is_closed = fs::read_dir(root.join("closed")).is_err();

        let listing = list_images(root).unwrap();
        assert_eq!(listing.images, [root.join("a.png")]);
        let skipped: Vec<String> = listing
            .skipped
            .iter()
            .map(|error| match error {
                Error::Io { path, source, .. } => format!("{}: {source}", path.strip_prefix(root).unwrap().display()),
                error => error.to_string(),
            })
            .collect();
        let told = |part: &str| skipped.iter().any(|line| line.contains(part));
        for part in [
            "b.png: No such file",
            "c.png: ",
            "d.png: expected a file, got a pipe",
            "File name too long",
        ] {
            assert!(told(part), "{part}: {skipped:#?}");
        }
        assert_eq!(told("closed"), is_closed, "{skipped:#?}");
        assert_eq!(skipped.len(), 4 + usize::from(is_closed), "{skipped:#?}");
        assert!(image_files(root).is_err());
        fs::set_permissions(root.join("closed"), fs::Permissions::from_mode(0o700)).unwrap();
        // A folder of nothing else says why it has no images.
        fs::remove_file(root.join("a.png")).unwrap();
        assert!(matches!(list_images(root), Err(Error::Io { .. })));
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
