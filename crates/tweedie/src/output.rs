//! Where results go.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use crate::error::{Context as _, bail};
use tweedie_imaging::{
    Depth, Encoding, FileId, Image, LoadedImage, Metadata, depth_for, require_replaceable, require_writable,
    write_image_as,
};

use crate::{Error, Result};

/// The ending of files that are named after their input: `npy` for arrays of floats, else `png`.
pub fn ending_of(depth: Option<Depth>) -> &'static str {
    match depth {
        None | Some(Depth::Eight | Depth::Sixteen) => "png",
        Some(Depth::Float) => "npy",
    }
}

/// Makes a folder for results and checks that files can be made in it, before any work is done.
pub fn folder(path: &Path) -> Result<()> {
    std::fs::create_dir_all(path).with_context(|| format!("making the folder {}", path.display()))?;
    Ok(require_writable(path)?)
}

/// Makes the folder of a file.
///
/// # Errors
/// Names the folder.
pub fn parent(path: &Path) -> Result<()> {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => {
            std::fs::create_dir_all(parent).with_context(|| format!("making the folder {}", parent.display()))
        }
        _ => Ok(()),
    }
}

/// The file of a result in a folder of results; folders in the name are made.
///
/// # Errors
/// Names the folder that cannot be made.
pub fn path_in(folder: &Path, stem: &str, ending: &str) -> Result<PathBuf> {
    let path = folder.join(format!("{stem}{ending}"));
    if stem.contains('/') {
        parent(&path)?;
    }
    Ok(path)
}

/// What a result takes over from its input.
#[derive(Clone, Debug, PartialEq)]
pub struct Origin {
    /// Precision of the input.
    pub depth: Depth,
    /// EXIF and colour profile.
    pub metadata: Metadata,
}

impl Default for Origin {
    /// A measurement that was simulated: pictures of it have 8 bits.
    fn default() -> Self {
        Self {
            depth: Depth::Eight,
            metadata: Metadata::default(),
        }
    }
}

impl From<&LoadedImage> for Origin {
    fn from(loaded: &LoadedImage) -> Self {
        Self {
            depth: loaded.depth,
            metadata: loaded.metadata.clone(),
        }
    }
}

/// How results are written.
#[derive(Clone, Copy, Debug)]
pub struct Precision {
    /// Without it that of the input, as far as the format has it.
    pub depth: Option<Depth>,
    /// Of JPEG files, 1 to 100.
    pub jpeg_quality: u8,
}

/// Writes a result named `stem` into a folder: PNG of the input's depth, or as `precision` says.
///
/// # Errors
/// Names the file.
pub fn write_in(folder: &Path, stem: &str, image: &Image, precision: Precision, origin: &Origin) -> Result<PathBuf> {
    let path = path_in(folder, stem, &format!(".{}", ending_of(precision.depth)))?;
    write(&path, image, precision, origin)?;
    Ok(path)
}

/// Writes a result to a file whose ending chooses the format.
///
/// # Errors
/// Names the file.
pub fn write(path: &Path, image: &Image, precision: Precision, origin: &Origin) -> Result<()> {
    let encoding = Encoding {
        depth: match precision.depth {
            Some(depth) => depth,
            None => depth_for(path, origin.depth)?,
        },
        jpeg_quality: precision.jpeg_quality,
        metadata: Some(&origin.metadata),
    };
    write_image_as(path, image, &encoding).map_err(|error| match error {
        // Shape errors do not know the file.
        tweedie_imaging::Error::Shape { .. } => Error::from(error).in_file(path),
        _ => error.into(),
    })
}

/// Checks, before a job starts, that it may write its outputs: each is new or replaces an ordinary file, none is one of
/// the inputs, whatever way leads to it, and no two are the same file.
///
/// # Errors
/// Names the output.
pub fn require_separate<I, O>(outputs: O, inputs: I) -> Result<()>
where
    I: IntoIterator,
    I::Item: AsRef<Path>,
    O: IntoIterator,
    O::Item: AsRef<Path>,
{
    // What is not there is not read either; the job will say so.
    let inputs: HashSet<FileId> = inputs
        .into_iter()
        .filter_map(|input| FileId::of(input.as_ref()).ok())
        .collect();
    let mut taken = HashSet::new();
    for output in outputs {
        let output = output.as_ref();
        require_replaceable(output)?;
        // In a folder that is not there yet there is no input, and a name stands for one file.
        let id = FileId::of(output).map_err(|_| output.to_path_buf());
        if id.as_ref().is_ok_and(|id| inputs.contains(id)) {
            bail!(
                "{}: expected an output that is not an input, got an input",
                output.display()
            );
        }
        if !taken.insert(id) {
            bail!(
                "{}: expected a name for each output, got it for two of them",
                output.display()
            );
        }
    }
    Ok(())
}

/// Mean of the values that there are.
pub fn mean(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    let (sum, count) = values
        .into_iter()
        .fold((0.0, 0_u32), |(sum, count), value| (sum + value, count + 1));
    (count > 0).then(|| sum / f64::from(count))
}

/// The name of a file or folder without its ending.
pub fn stem(path: &Path) -> String {
    path.file_stem()
        .map_or_else(|| "run".to_owned(), |name| name.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn inputs_and_what_is_no_file_are_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir_all(at("d/sub")).unwrap();
        for name in ["d/in.png", "d/old.png"] {
            fs::write(at(name), "").unwrap();
        }
        let inputs = [at("d/in.png"), at("d/missing.png")];
        let refused = |outputs: &[PathBuf]| require_separate(outputs, &inputs).map_err(|error| error.to_string());
        for good in [
            &[at("d/old.png")][..],
            &[at("d/new.png"), at("d/newer.png")],
            &[at("not/there/a.png")],
        ] {
            assert_eq!(refused(good), Ok(()));
        }
        for (wrong, why) in [
            (vec![at("d/in.png")], "not an input"),
            (vec![at("d/sub/../in.png")], "not an input"),
            (vec![at("d/new.png"), at("d/./new.png")], "for each output"),
            (vec![at("not/there.png"), at("not/there.png")], "for each output"),
            (vec![at("d/sub")], "got a folder"),
        ] {
            let error = refused(&wrong).unwrap_err();
            assert!(error.contains(why), "{error}");
        }
    }

    #[test]
    #[cfg(unix)]
    fn links_do_not_hide_an_input() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("d")).unwrap();
        fs::write(at("d/in.png"), "").unwrap();
        std::os::unix::fs::symlink(at("d"), at("linked")).unwrap();
        std::os::unix::fs::symlink(at("d/in.png"), at("link.png")).unwrap();
        for output in [at("linked/in.png"), at("link.png")] {
            assert!(
                require_separate([&output], [at("d/in.png")]).is_err(),
                "{}",
                output.display()
            );
        }
        assert!(require_separate(["/dev/null"], [at("d/in.png")]).is_err());
    }
}
