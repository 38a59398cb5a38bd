//! Where results go.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::ValueEnum;
use tweedie_imaging::{Depth, Image, depth_for, write_image};

use crate::inputs::Input;

/// What `--depth` takes: the precision of images that are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DepthOption {
    #[value(name = "8", help = "8-bit PNG")]
    Eight,
    #[value(name = "16", help = "16-bit PNG")]
    Sixteen,
    #[value(name = "float", help = ".npy array of f32, nothing clipped or rounded")]
    Float,
}

impl DepthOption {
    /// The ending of files that are named after their input.
    pub fn ending_of(depth: Option<Self>) -> &'static str {
        match depth {
            None | Some(Self::Eight | Self::Sixteen) => "png",
            Some(Self::Float) => "npy",
        }
    }
}

impl From<DepthOption> for Depth {
    fn from(depth: DepthOption) -> Self {
        match depth {
            DepthOption::Eight => Self::Eight,
            DepthOption::Sixteen => Self::Sixteen,
            DepthOption::Float => Self::Float,
        }
    }
}

/// Makes a folder for results and checks that files can be made in it, before any work is done.
pub fn folder(path: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(path).with_context(|| format!("making the folder {}", path.display()))?;
    let probe = path.join(format!(".tweedie-{}.part", std::process::id()));
    std::fs::write(&probe, "").with_context(|| format!("writing into the folder {}", path.display()))?;
    std::fs::remove_file(&probe).with_context(|| format!("writing into the folder {}", path.display()))
}

/// The file of a result in a folder of results; folders in the name are made.
pub fn path_in(folder: &Path, stem: &str, ending: &str) -> anyhow::Result<PathBuf> {
    let path = folder.join(format!("{stem}{ending}"));
    if stem.contains('/')
        && let Some(parent) = path.parent()
    {
        std::fs::create_dir_all(parent).with_context(|| format!("making the folder {}", parent.display()))?;
    }
    Ok(path)
}

/// Writes a result named `stem` into a folder: PNG of the input's depth, or as `depth` says.
pub fn write_in(
    folder: &Path,
    stem: &str,
    image: &Image,
    depth: Option<DepthOption>,
    source: Depth,
) -> anyhow::Result<PathBuf> {
    let path = path_in(folder, stem, &format!(".{}", DepthOption::ending_of(depth)))?;
    write(&path, image, depth, source)?;
    Ok(path)
}

/// Writes a result to a file whose ending chooses the format; without `depth` the input's depth as far as it has it.
pub fn write(path: &Path, image: &Image, depth: Option<DepthOption>, source: Depth) -> anyhow::Result<()> {
    let depth = match depth {
        Some(depth) => depth.into(),
        None => depth_for(path, source)?,
    };
    write_image(path, image, depth).map_err(|error| match error {
        // Shape errors do not know the file.
        tweedie_imaging::Error::Shape { .. } => anyhow::Error::from(error).context(path.display().to_string()),
        _ => error.into(),
    })
}

/// Refuses to replace an input by its result.
pub fn require_other_file(out: &Path, inputs: &[Input]) -> anyhow::Result<()> {
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
