//! Where results go.

use std::path::{Path, PathBuf};

use crate::error::{Context as _, bail};
use tweedie_imaging::{Depth, Image, depth_for, write_image};

use crate::inputs::Input;
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
    let probe = path.join(format!(".tweedie-{}.part", std::process::id()));
    std::fs::write(&probe, "").with_context(|| format!("writing into the folder {}", path.display()))?;
    std::fs::remove_file(&probe).with_context(|| format!("writing into the folder {}", path.display()))
}

/// The file of a result in a folder of results; folders in the name are made.
pub fn path_in(folder: &Path, stem: &str, ending: &str) -> Result<PathBuf> {
    let path = folder.join(format!("{stem}{ending}"));
    if stem.contains('/')
        && let Some(parent) = path.parent()
    {
        std::fs::create_dir_all(parent).with_context(|| format!("making the folder {}", parent.display()))?;
    }
    Ok(path)
}

/// Writes a result named `stem` into a folder: PNG of the input's depth, or as `depth` says.
pub fn write_in(folder: &Path, stem: &str, image: &Image, depth: Option<Depth>, source: Depth) -> Result<PathBuf> {
    let path = path_in(folder, stem, &format!(".{}", ending_of(depth)))?;
    write(&path, image, depth, source)?;
    Ok(path)
}

/// Writes a result to a file whose ending chooses the format; without `depth` the input's depth as far as it has it.
pub fn write(path: &Path, image: &Image, depth: Option<Depth>, source: Depth) -> Result<()> {
    let depth = match depth {
        Some(depth) => depth,
        None => depth_for(path, source)?,
    };
    write_image(path, image, depth).map_err(|error| match error {
        // Shape errors do not know the file.
        tweedie_imaging::Error::Shape { .. } => Error::from(error).in_file(path),
        _ => error.into(),
    })
}

/// Refuses to replace an input by its result.
pub fn require_other_file(out: &Path, inputs: &[Input]) -> Result<()> {
    let Ok(out_path) = out.canonicalize() else {
        return Ok(());
    };
    if inputs
        .iter()
        .any(|input| input.path.canonicalize().is_ok_and(|path| path == out_path))
    {
        bail!(
            "{}: expected an output that is not an input, got an input",
            out.display()
        );
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
