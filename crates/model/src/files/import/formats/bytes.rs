//! Reading little-endian numbers from a slice, with an error instead of a panic at its end.

use crate::files::import::wrong::Wrong;

/// A position in a file's bytes.
#[derive(Clone, Debug)]
pub(crate) struct Bytes<'a> {
    data: &'a [u8],
    at: usize,
}

impl<'a> Bytes<'a> {
    pub fn new(data: &'a [u8]) -> Self {
        Self { data, at: 0 }
    }

    /// From byte `at` of `data` on.
    pub fn starting(data: &'a [u8], at: u64) -> Result<Self, Wrong> {
        match usize::try_from(at) {
            Ok(at) if at <= data.len() => Ok(Self { data, at }),
            _ => Err(Wrong::new(
                format!("addresses below the file's {} bytes", data.len()),
                at.to_string(),
            )),
        }
    }

    pub fn position(&self) -> usize {
        self.at
    }

    pub fn take(&mut self, count: usize) -> Result<&'a [u8], Wrong> {
        let rest = &self.data[self.at..];
        let Some(taken) = rest.get(..count) else {
            return Err(Wrong::new(
                format!("{count} more bytes at {}", self.at),
                format!("{}, then the end of the file", rest.len()),
            ));
        };
        self.at += count;
        Ok(taken)
    }

    pub fn skip(&mut self, count: usize) -> Result<(), Wrong> {
        self.take(count).map(|_| ())
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Wrong> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    pub fn u8(&mut self) -> Result<u8, Wrong> {
        Ok(self.array::<1>()?[0])
    }

    pub fn u16(&mut self) -> Result<u16, Wrong> {
        self.array().map(u16::from_le_bytes)
    }

    pub fn u32(&mut self) -> Result<u32, Wrong> {
        self.array().map(u32::from_le_bytes)
    }

    pub fn i32(&mut self) -> Result<i32, Wrong> {
        self.array().map(i32::from_le_bytes)
    }

    pub fn u64(&mut self) -> Result<u64, Wrong> {
        self.array().map(u64::from_le_bytes)
    }

    /// The bytes before the next line feed, which is taken too.
    pub fn line(&mut self) -> Result<&'a [u8], Wrong> {
        let rest = &self.data[self.at..];
        match rest.iter().position(|&byte| byte == b'\n') {
            Some(length) => {
                self.at += length + 1;
                Ok(&rest[..length])
            }
            None => Err(Wrong::new(
                format!("a line at {}", self.at),
                "the end of the file".to_owned(),
            )),
        }
    }
}
