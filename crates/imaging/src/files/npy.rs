//! Decoding one `.npy` array, alone or inside an `.npz` file.

use std::io::{self, Cursor, Read};

use npyz::{DType, Deserialize, NpyFile, Order, TypeChar};

use super::{Array, MAX_VALUES};

/// Longest header that is read. NumPy's own are 118 bytes for a plain array.
const MAX_HEADER: u32 = 1 << 16;

/// Most brackets in a header. A plain array has two pairs; the parser of the header recurses into each, and a hostile
/// one could exhaust the stack.
const MAX_BRACKETS: usize = 16;

/// The numbers of an array as they are stored.
pub(super) struct Npy {
    /// Values in C order, not scaled.
    pub(super) array: Array,
    pub(super) element: Element,
}

/// Element types that differ in what they mean for an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Element {
    Bool,
    U8,
    U16,
    /// Integers without a natural range for images.
    OtherInteger,
    Float,
}

/// What is wrong with an array.
pub(super) struct Wrong {
    pub(super) expected: String,
    pub(super) got: String,
}

fn wrong(expected: impl Into<String>, got: impl ToString) -> Wrong {
    Wrong {
        expected: expected.into(),
        got: got.to_string(),
    }
}

/// Reads an array; nothing is allocated for values that are not there.
pub(super) fn read(mut reader: impl Read) -> Result<Npy, Wrong> {
    let header = read_header(&mut reader)?;
    let npy = NpyFile::new(Cursor::new(header).chain(reader)).map_err(|error| wrong("a .npy array", error))?;
    let order = npy.order();
    let (shape, count) = checked_shape(npy.shape())?;
    let (values, element) = read_values(npy, count)?;
    let values = match order {
        Order::C => values,
        Order::Fortran => c_order(&values, &shape),
    };
    Ok(Npy {
        array: Array { shape, values },
        element,
    })
}

/// The bytes up to the data, after a check that they can be parsed safely.
fn read_header(reader: &mut impl Read) -> Result<Vec<u8>, Wrong> {
    let truncated = |_| wrong("a .npy array", "a truncated header");
    // 6 bytes of magic, 2 of version, and the length of the text in 2 (version 1) or 4 bytes.
    let mut header = vec![0; 10];
    reader.read_exact(&mut header).map_err(truncated)?;
    let mut length = u32::from(u16::from_le_bytes([header[8], header[9]]));
    if header[6] > 1 {
        let mut upper = [0; 2];
        reader.read_exact(&mut upper).map_err(truncated)?;
        header.extend(upper);
        length |= u32::from(u16::from_le_bytes(upper)) << 16;
    }
    if length > MAX_HEADER {
        return Err(wrong(
            format!("a header of at most {MAX_HEADER} bytes"),
            format!("{length} bytes"),
        ));
    }
    let start = header.len();
    header.resize(start + length as usize, 0);
    reader.read_exact(&mut header[start..]).map_err(truncated)?;
    let brackets = header[start..].iter().filter(|byte| b"([{".contains(byte)).count();
    if brackets > MAX_BRACKETS {
        return Err(wrong("an array of plain numbers", "a nested type"));
    }
    Ok(header)
}

/// The shape and the number of values.
fn checked_shape(shape: &[u64]) -> Result<(Vec<usize>, usize), Wrong> {
    let too_large = || wrong(format!("at most {MAX_VALUES} values"), format!("shape {shape:?}"));
    let mut sizes = Vec::with_capacity(shape.len());
    let mut count = 1_usize;
    for &size in shape {
        let size = usize::try_from(size).map_err(|_| too_large())?;
        count = count
            .checked_mul(size)
            .filter(|&count| count <= MAX_VALUES)
            .ok_or_else(too_large)?;
        sizes.push(size);
    }
    if count == 0 {
        Err(wrong("an array with values", format!("shape {shape:?}")))
    } else {
        Ok((sizes, count))
    }
}

fn read_values(npy: NpyFile<impl Read>, count: usize) -> Result<(Vec<f64>, Element), Wrong> {
    let unsupported = |type_name: String| wrong("an array of f32, f64, integers or bool", format!("type {type_name}"));
    let dtype = npy.dtype();
    let DType::Plain(kind) = &dtype else {
        return Err(unsupported(dtype.descr()));
    };
    // Above 2^53 an f64 does not hold every integer.
    let exact = |value: f64| if value.abs() <= 2f64.powi(53) { value } else { f64::NAN };
    let (values, element) = match (kind.type_char(), kind.size_field()) {
        (TypeChar::Float, 4) => (collect(npy, count, |v: f32| v.into()), Element::Float),
        (TypeChar::Float, 8) => (collect(npy, count, |v: f64| v), Element::Float),
        (TypeChar::Bool, _) => (collect(npy, count, |v: bool| f64::from(u8::from(v))), Element::Bool),
        (TypeChar::Uint, 1) => (collect(npy, count, |v: u8| v.into()), Element::U8),
        (TypeChar::Uint, 2) => (collect(npy, count, |v: u16| v.into()), Element::U16),
        (TypeChar::Uint, 4) => (collect(npy, count, |v: u32| v.into()), Element::OtherInteger),
        (TypeChar::Uint, 8) => (collect(npy, count, |v: u64| exact(v as f64)), Element::OtherInteger),
        (TypeChar::Int, 1) => (collect(npy, count, |v: i8| v.into()), Element::OtherInteger),
        (TypeChar::Int, 2) => (collect(npy, count, |v: i16| v.into()), Element::OtherInteger),
        (TypeChar::Int, 4) => (collect(npy, count, |v: i32| v.into()), Element::OtherInteger),
        (TypeChar::Int, 8) => (collect(npy, count, |v: i64| exact(v as f64)), Element::OtherInteger),
        _ => return Err(unsupported(kind.to_string())),
    };
    let values = values.map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => wrong(format!("{count} values"), "fewer: the data is truncated"),
        _ => wrong(format!("{count} values"), error),
    })?;
    if element == Element::OtherInteger && values.iter().any(|value| value.is_nan()) {
        return Err(wrong("integers of at most 2^53", "larger ones"));
    }
    Ok((values, element))
}

fn collect<T: Deserialize>(npy: NpyFile<impl Read>, count: usize, convert: impl Fn(T) -> f64) -> io::Result<Vec<f64>> {
    let reader = npy.data::<T>().map_err(io::Error::other)?;
    // Grows with the data: a shape without data behind it costs nothing.
    let values: Vec<f64> = reader.map(|value| value.map(&convert)).collect::<io::Result<_>>()?;
    if values.len() == count {
        Ok(values)
    } else {
        Err(io::ErrorKind::UnexpectedEof.into())
    }
}

/// Values that are stored with the first axis fastest, in the order with the last axis fastest.
fn c_order(values: &[f64], shape: &[usize]) -> Vec<f64> {
    let mut strides = Vec::with_capacity(shape.len());
    let mut stride = 1;
    for size in shape {
        strides.push(stride);
        stride *= size;
    }
    let mut index = vec![0; shape.len()];
    let mut offset = 0;
    let mut out = Vec::with_capacity(values.len());
    for _ in 0..values.len() {
        out.push(values[offset]);
        for axis in (0..shape.len()).rev() {
            index[axis] += 1;
            offset += strides[axis];
            if index[axis] < shape[axis] {
                break;
            }
            offset -= strides[axis] * shape[axis];
            index[axis] = 0;
        }
    }
    out
}
