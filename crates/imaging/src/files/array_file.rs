//! Files of arrays.

use std::path::Path;

use super::bytes::{FileBytes, FileKind, shown};
use super::npy::{self, Element, Npy};
use super::samples::{Decoded, Depth, require_finite};
use super::{Array, npz};
use crate::{Error, write_atomic};

/// Reads the array of an `.npy` file, or the only one of an `.npz` file, of any shape.
///
/// f32, f64, all integers (up to 2^53) and bool keep their values: nothing is scaled, true is 1. Complex numbers (in C order) get one more
/// axis, the last, of real and imaginary part.
///
/// # Errors
/// [`Error::Io`]; [`Error::Format`] for other files and types, truncated data and more than [`super::MAX_VALUES`] values;
/// [`Error::NonFinite`] for NaN and infinities.
pub fn read_array(path: &Path) -> Result<Array, Error> {
    let Npy { array, .. } = only(&FileBytes::read(path)?)?;
    require_finite(path.display().to_string(), &array.values)?;
    Ok(array)
}

/// Reads all arrays of an `.npz` file with their names, in the order of the file; types as [`read_array`].
///
/// # Errors
/// As [`read_array`].
pub fn read_npz(path: &Path) -> Result<Vec<(String, Array)>, Error> {
    let bytes = FileBytes::read(path)?;
    if bytes.kind != FileKind::Npz {
        return Err(bytes.wrong("an .npz file", "another format"));
    }
    arrays(&bytes)
}

/// The arrays in the content of an `.npz` file with their names, or the only one, without a name, of an `.npy` file; `name`
/// is named in errors.
///
/// # Errors
/// As [`read_array`], but for those of the file system.
pub fn decode_arrays(name: &Path, content: Vec<u8>) -> Result<Vec<(String, Array)>, Error> {
    let bytes = FileBytes::new(name, content)?;
    if bytes.kind == FileKind::Npz {
        return arrays(&bytes);
    }
    let Npy { array, .. } = only(&bytes)?;
    require_finite(name.display().to_string(), &array.values)?;
    Ok(vec![(String::new(), array)])
}

fn arrays(bytes: &FileBytes) -> Result<Vec<(String, Array)>, Error> {
    let mut arrays = Vec::new();
    for (name, Npy { array, .. }) in npz::read(bytes)? {
        require_finite(
            format!("{}, array '{}'", bytes.path.display(), shown(&name)),
            &array.values,
        )?;
        arrays.push((name, array));
    }
    Ok(arrays)
}

/// Writes an array as an `.npy` file of f64, atomically. The name may have any ending.
///
/// # Errors
/// [`Error::Shape`] if shape and values do not fit; [`Error::Io`].
pub fn write_array(path: &Path, array: &Array) -> Result<(), Error> {
    array.check("write_array")?;
    write_atomic(path, |file| {
        npy::write(file, &array.shape, array.values.iter().copied())
    })
}

/// Writes arrays with their names as a compressed `.npz` file of f64, atomically. Equal arrays give equal files.
///
/// # Errors
/// [`Error::Shape`] if shape and values of an array do not fit; [`Error::Io`], also if two arrays have the same name.
pub fn write_npz(path: &Path, arrays: &[(&str, &Array)]) -> Result<(), Error> {
    for (_, array) in arrays {
        array.check("write_npz")?;
    }
    write_atomic(path, |file| npz::write(file, arrays))
}

/// The array of an `.npy` file or the only one of an `.npz` file.
fn only(bytes: &FileBytes) -> Result<Npy, Error> {
    match bytes.kind {
        FileKind::Npy => npy::read(&bytes.content[..]).map_err(|wrong| bytes.wrong(wrong.expected, wrong.got)),
        FileKind::Npz => {
            let mut arrays = npz::read(bytes)?;
            match (arrays.pop(), arrays.is_empty()) {
                (Some((_, npy)), true) => Ok(npy),
                (last, _) => {
                    let names: Vec<&str> = arrays.iter().chain(&last).map(|(name, _)| name.as_str()).collect();
                    Err(bytes.wrong("an .npz file with a single array", names.join(", ")))
                }
            }
        }
        FileKind::Raster(format) => Err(bytes.wrong(
            "an .npy or .npz file",
            format!("a file of type {}", format.to_mime_type()),
        )),
    }
}

/// The image in an array file, by the rules of [`super::read_image`].
pub(super) fn decode_image(bytes: &FileBytes) -> Result<Decoded, Error> {
    let Npy { array, element } = only(bytes)?;
    let (largest, depth) = match element {
        Element::Bool => (1.0, Depth::Eight),
        Element::U8 => (f64::from(u8::MAX), Depth::Eight),
        Element::U16 => (f64::from(u16::MAX), Depth::Sixteen),
        Element::Float => (1.0, Depth::Float),
        Element::Complex => {
            return Err(bytes.wrong("an image of f32, f64, u8, u16 or bool", "complex numbers"));
        }
        Element::OtherInteger => {
            return Err(bytes.wrong(
                "an image of f32, f64, u8, u16 or bool",
                "integers without a known range",
            ));
        }
    };
    // f64 values beyond f32 become infinite here and are refused with NaN.
    let scaled = |values: &[f64]| values.iter().map(|value| (value / largest) as f32).collect();
    let (dims, values) = match *array.shape.as_slice() {
        [h, w] => ([1, 1, h, w], scaled(&array.values)),
        [c @ (1 | 3), h, w] => ([1, c, h, w], scaled(&array.values)),
        [h, w, c @ (1 | 3)] => {
            let plane = |channel| array.values.iter().copied().skip(channel).step_by(c);
            ([1, c, h, w], scaled(&(0..c).flat_map(plane).collect::<Vec<_>>()))
        }
        [n, c, h, w] => ([n, c, h, w], scaled(&array.values)),
        _ => {
            let expected = "an image of shape [H,W], [C,H,W] or [H,W,C] with 1 or 3 channels, or [N,C,H,W]";
            return Err(bytes.wrong(expected, format!("shape {:?}", array.shape)));
        }
    };
    Ok(Decoded {
        dims,
        values,
        depth,
        alpha: None,
        metadata: super::Metadata::default(),
        compression: None,
    })
}
