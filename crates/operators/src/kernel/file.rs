//! Kernel files.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use npyz::{DType, NpyFile, Order, TypeChar};

use crate::Error;

/// The content of a kernel file, not yet normalised.
pub(super) struct KernelFile {
    pub(super) rows: usize,
    pub(super) cols: usize,
    pub(super) values: Vec<f64>,
}

pub(super) fn read(path: &Path) -> Result<KernelFile, Error> {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("npy") => read_npy(path),
        _ => read_image(path),
    }
}

fn read_npy(path: &Path) -> Result<KernelFile, Error> {
    let wrong = |got: String| Error::KernelFile {
        path: path.to_path_buf(),
        expected: "a .npy array of two dimensions of f32, f64 or u8".into(),
        got,
    };
    let io = |source| tweedie_imaging::Error::Io {
        operation: "reading",
        path: path.to_path_buf(),
        source,
    };
    let file = File::open(path).map_err(io)?;
    let length = file.metadata().map_err(io)?.len();
    let npy = NpyFile::new(BufReader::new(file)).map_err(|error| wrong(error.to_string()))?;
    let &[rows, cols] = npy.shape() else {
        return Err(wrong(format!("shape {:?}", npy.shape())));
    };
    // Nothing is allocated for more values than the file can hold.
    if rows.checked_mul(cols).is_none_or(|count| count > length) {
        return Err(wrong(format!("{rows} x {cols} values in {length} bytes")));
    }
    let (order, dtype) = (npy.order(), npy.dtype());
    let DType::Plain(kind) = &dtype else {
        return Err(wrong("a structured array".into()));
    };
    let values = match (kind.type_char(), kind.size_field()) {
        (TypeChar::Float, 8) => values::<f64, _>(npy),
        (TypeChar::Float, 4) => values::<f32, _>(npy),
        (TypeChar::Uint, 1) => values::<u8, _>(npy),
        _ => return Err(wrong(format!("type {kind}"))),
    }
    .map_err(|error| wrong(error.to_string()))?;
    let (rows, cols) = (rows as usize, cols as usize);
    let values = match order {
        Order::C => values,
        Order::Fortran => (0..rows * cols).map(|n| values[n % cols * rows + n / cols]).collect(),
    };
    Ok(KernelFile { rows, cols, values })
}

fn values<T: npyz::Deserialize + Into<f64>, R: Read>(npy: NpyFile<R>) -> std::io::Result<Vec<f64>> {
    npy.data::<T>()
        .map_err(std::io::Error::other)?
        .map(|value| value.map(Into::into))
        .collect()
}

fn read_image(path: &Path) -> Result<KernelFile, Error> {
    let io = |source| tweedie_imaging::Error::Io {
        operation: "reading",
        path: path.to_path_buf(),
        source,
    };
    let wrong = |got: String| Error::KernelFile {
        path: path.to_path_buf(),
        expected: "a gray image".into(),
        got,
    };
    let reader = image::ImageReader::open(path).map_err(io)?;
    let image = reader.decode().map_err(|error| wrong(error.to_string()))?;
    if image.color().has_color() {
        return Err(wrong("a colour image".into()));
    }
    let gray = image.to_luma16();
    let values = gray.pixels().map(|pixel| f64::from(pixel.0[0])).collect();
    Ok(KernelFile {
        rows: gray.height() as usize,
        cols: gray.width() as usize,
        values,
    })
}
