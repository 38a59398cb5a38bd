//! One `.npy` array, alone or inside an `.npz` file: magic number, version, a header in Python's syntax, values.
//!
//! NumPy enhancement proposal 1, <https://numpy.org/neps/nep-0001-npy-format.html>.

mod header;
mod wrong;

use std::io::{self, Read, Write};

use self::header::Header;
use self::wrong::{Wrong, wrong};
use super::Array;
use super::samples::MAX_VALUES;

/// Longest header that is read. NumPy's own are 118 bytes for a plain array.
const MAX_HEADER: u32 = 1 << 16;

/// Bytes that are read at once.
const CHUNK: usize = 1 << 16;

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
    /// Real and imaginary part, one after the other: the array has one more axis, of 2, than the file says.
    Complex,
}

/// Numbers that are written.
pub(super) trait Number: Copy {
    /// The type's name.
    const DESCR: &'static str;
    /// Its bytes, the lowest first.
    fn bytes(self) -> impl AsRef<[u8]>;
}

impl Number for f32 {
    const DESCR: &'static str = "<f4";
    fn bytes(self) -> impl AsRef<[u8]> {
        self.to_le_bytes()
    }
}

impl Number for f64 {
    const DESCR: &'static str = "<f8";
    fn bytes(self) -> impl AsRef<[u8]> {
        self.to_le_bytes()
    }
}

/// Writes an array in C order, with `T` as its type.
pub(super) fn write<T: Number>(
    mut file: impl Write,
    shape: &[usize],
    values: impl Iterator<Item = T>,
) -> io::Result<()> {
    let header = Header {
        descr: T::DESCR.to_owned(),
        is_fortran: false,
        shape: shape.iter().map(|&size| size as u64).collect(),
    };
    file.write_all(&header.bytes())?;
    for value in values {
        file.write_all(value.bytes().as_ref())?;
    }
    Ok(())
}

/// Reads an array; nothing is allocated for values that are not there.
pub(super) fn read(mut reader: impl Read) -> Result<Npy, Wrong> {
    let header = read_header(&mut reader)?;
    let (shape, count) = checked_shape(&header.shape)?;
    let (values, element) = read_values(reader, &header.descr, count)?;
    let values = match (header.is_fortran, element) {
        (false, _) => values,
        (true, Element::Complex) => return Err(wrong("complex numbers in C order", "Fortran order")),
        (true, _) => c_order(&values, &shape),
    };
    let shape = match element {
        Element::Complex => [shape, vec![2]].concat(),
        _ => shape,
    };
    Ok(Npy {
        array: Array { shape, values },
        element,
    })
}

fn read_header(reader: &mut impl Read) -> Result<Header, Wrong> {
    let truncated = |_| wrong("a .npy array", "a truncated header");
    // 6 bytes of magic, 2 of version, and the length of the text in 2 (version 1) or 4 bytes.
    let mut start = [0; 10];
    reader.read_exact(&mut start).map_err(truncated)?;
    if !start.starts_with(b"\x93NUMPY") {
        return Err(wrong("a .npy array", "another kind of content"));
    }
    let mut length = u32::from(u16::from_le_bytes([start[8], start[9]]));
    match start[6] {
        1 => {}
        2 | 3 => {
            let mut upper = [0; 2];
            reader.read_exact(&mut upper).map_err(truncated)?;
            length |= u32::from(u16::from_le_bytes(upper)) << 16;
        }
        version => return Err(wrong("a .npy array of version 1 to 3", format!("version {version}"))),
    }
    if length > MAX_HEADER {
        return Err(wrong(
            format!("a header of at most {MAX_HEADER} bytes"),
            format!("{length} bytes"),
        ));
    }
    let mut text = vec![0; length as usize];
    reader.read_exact(&mut text).map_err(truncated)?;
    Header::parse(&text)
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

fn read_values(reader: impl Read, descr: &str, count: usize) -> Result<(Vec<f64>, Element), Wrong> {
    let (order, kind) = match descr.split_at_checked(1) {
        Some((order @ ("<" | ">" | "|" | "="), kind)) => (order, kind),
        _ => ("", descr),
    };
    // "=" is the order of the machine that wrote the file, which NumPy never writes; a single byte has none.
    let is_big = order == ">" || (order == "=" && cfg!(target_endian = "big"));
    // Above 2^53 an f64 does not hold every integer.
    let exact = |value: f64| if value.abs() <= 2f64.powi(53) { value } else { f64::NAN };
    let from = Values { reader, count, is_big };
    let (values, element) = match kind {
        "f4" => (from.collect(|bytes| f32::from_le_bytes(bytes).into()), Element::Float),
        "f8" => (from.collect(f64::from_le_bytes), Element::Float),
        "c8" => (
            from.pairs()?.collect(|bytes| f32::from_le_bytes(bytes).into()),
            Element::Complex,
        ),
        "c16" => (from.pairs()?.collect(f64::from_le_bytes), Element::Complex),
        "b1" => (from.collect(|[byte]| f64::from(u8::from(byte != 0))), Element::Bool),
        "u1" => (from.collect(|[byte]| byte.into()), Element::U8),
        "u2" => (from.collect(|bytes| u16::from_le_bytes(bytes).into()), Element::U16),
        "u4" => (
            from.collect(|bytes| u32::from_le_bytes(bytes).into()),
            Element::OtherInteger,
        ),
        "u8" => (
            from.collect(|bytes| exact(u64::from_le_bytes(bytes) as f64)),
            Element::OtherInteger,
        ),
        "i1" => (
            from.collect(|bytes| i8::from_le_bytes(bytes).into()),
            Element::OtherInteger,
        ),
        "i2" => (
            from.collect(|bytes| i16::from_le_bytes(bytes).into()),
            Element::OtherInteger,
        ),
        "i4" => (
            from.collect(|bytes| i32::from_le_bytes(bytes).into()),
            Element::OtherInteger,
        ),
        "i8" => (
            from.collect(|bytes| exact(i64::from_le_bytes(bytes) as f64)),
            Element::OtherInteger,
        ),
        // Texts from files are shown in part, and without what is not printed.
        _ => {
            let shown: String = descr.chars().filter(|c| !c.is_control()).take(16).collect();
            return Err(wrong(
                "an array of f32, f64, complex64, complex128, integers or bool",
                format!("type {shown}"),
            ));
        }
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

/// `count` values to be read.
struct Values<R> {
    reader: R,
    count: usize,
    is_big: bool,
}

impl<R: Read> Values<R> {
    /// Two numbers for each.
    fn pairs(self) -> Result<Self, Wrong> {
        let count = 2 * self.count;
        if count > MAX_VALUES {
            return Err(wrong(format!("at most {MAX_VALUES} values"), format!("{count}")));
        }
        Ok(Self { count, ..self })
    }

    /// Reads values of `SIZE` bytes, which `convert` is given with the lowest byte first.
    fn collect<const SIZE: usize>(mut self, convert: impl Fn([u8; SIZE]) -> f64) -> io::Result<Vec<f64>> {
        // Grows with the data: a shape without data behind it costs nothing.
        let mut values = Vec::new();
        let mut buffer = [0; CHUNK];
        while values.len() < self.count {
            let bytes = &mut buffer[..CHUNK.min((self.count - values.len()) * SIZE)];
            self.reader.read_exact(bytes)?;
            for bytes in bytes.as_chunks_mut::<SIZE>().0 {
                if self.is_big {
                    bytes.reverse();
                }
                values.push(convert(*bytes));
            }
        }
        Ok(values)
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
