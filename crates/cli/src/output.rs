//! JSON, results' names and progress bars.

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use tweedie_imaging::write_atomic;

/// Writes an object to a file, or to standard output for "-".
pub fn json<T: Serialize>(target: &str, object: &T) -> anyhow::Result<()> {
    let mut text = serde_json::to_string_pretty(object).context("writing JSON")?;
    text.push('\n');
    if target == "-" {
        return std::io::stdout().write_all(text.as_bytes()).context("writing JSON to standard output");
    }
    Ok(write_atomic(Path::new(target), |file| file.write_all(text.as_bytes()))?)
}

/// Makes a folder for results.
pub fn folder(path: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(path).with_context(|| format!("making the folder {}", path.display()))
}

/// The name of a file without its ending.
pub fn stem(path: &Path) -> String {
    path.file_stem().map_or_else(|| "image".to_owned(), |name| name.to_string_lossy().into_owned())
}

/// The images that the inputs name: files, and the images in folders.
pub fn inputs(paths: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in paths {
        if path.is_dir() {
            files.extend(tweedie_imaging::image_files(path)?);
        } else {
            files.push(path.clone());
        }
    }
    Ok(files)
}

/// A bar on standard error if that is a terminal, else nothing.
pub fn bar(len: u64, quiet: bool, template: &str) -> ProgressBar {
    if quiet || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(len);
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar
}

/// Mean of the values that there are.
pub fn mean(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    let (sum, count) = values.into_iter().fold((0.0, 0_u32), |(sum, count), value| (sum + value, count + 1));
    (count > 0).then(|| sum / f64::from(count))
}
