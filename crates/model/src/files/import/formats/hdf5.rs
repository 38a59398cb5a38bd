//! The part of HDF5 that MATLAB 7.3 files use: superblock 0, groups as B-trees of symbols, datasets that are compact,
//! contiguous, or chunked with the deflate filter.
//!
//! Source: HDF5 File Format Specification, version 3.0, sections II (superblock), III.A (B-trees), III.B to III.D
//! (groups, heaps) and IV (object headers). Everything else that HDF5 has is refused.

use std::collections::BTreeMap;
use std::io::Read;

use flate2::read::ZlibDecoder;

use super::bytes::Bytes;
use super::number::element_count;
use crate::files::import::wrong::{Wrong, printable};

pub(super) const SIGNATURE: [u8; 8] = *b"\x89HDF\r\n\x1a\n";

/// Deflate cannot shrink further than this (zlib's technical details: 1032 to 1), so a dataset that claims more bytes
/// than this times the file is a lie.
const MAX_RATIO: usize = 1032;
/// Bytes that all datasets together may unpack to; the largest denoisers have 150 MB.
const MAX_UNPACKED: usize = 1 << 29;
/// Headers, nodes and chunks of one file. Addresses may lead in circles; this ends them.
const MAX_VISITS: usize = 1 << 17;
/// MATLAB's arrays have fewer dimensions.
const MAX_RANK: usize = 8;

/// A file.
pub(super) struct Hdf5<'a> {
    /// From the superblock on: addresses count from there.
    data: &'a [u8],
    root: u64,
    visits: usize,
    unpacked: usize,
}

/// An array with its type.
#[derive(Debug)]
pub(super) struct Dataset {
    pub dims: Vec<usize>,
    /// 0: integer, 1: floating point, 7: reference to an object.
    pub class: u8,
    /// Bytes per element.
    pub size: usize,
    pub bytes: Vec<u8>,
}

enum Layout<'a> {
    Here(&'a [u8]),
    Contiguous(u64, u64),
    Chunked { tree: u64, dims: Vec<usize> },
}

/// A message of an object's header.
type Message<'a> = (u16, Bytes<'a>);

/// Where the superblock of an HDF5 file begins: at 0 or at a power of two from 512 on.
pub(super) fn superblock(bytes: &[u8]) -> Option<usize> {
    let places = std::iter::once(0).chain((9..usize::BITS - 1).map(|power| 1 << power));
    places
        .take_while(|&at| at < bytes.len())
        .find(|&at| bytes[at..].starts_with(&SIGNATURE))
}

impl<'a> Hdf5<'a> {
    pub fn open(bytes: &'a [u8]) -> Result<Self, Wrong> {
        let start = superblock(bytes).ok_or_else(|| Wrong::new("an HDF5 file", "no signature"))?;
        let data = &bytes[start..];
        let mut block = Bytes::new(data);
        block.skip(8)?;
        let versions = [block.u8()?, block.u8()?, block.u8()?, block.u8()?, block.u8()?];
        let widths = [block.u8()?, block.u8()?];
        if versions[0] != 0 || widths != [8, 8] {
            return Err(Wrong::new(
                "HDF5 with superblock 0 and addresses of 8 bytes",
                format!("superblock {} and {} bytes", versions[0], widths[0]),
            ));
        }
        // Reserved byte, ranks of trees, flags; base address; free space, end of file, driver, name of the root.
        block.skip(1 + 4 + 4)?;
        block.skip(8 + 3 * 8 + 8)?;
        let root = block.u64()?;
        Ok(Self {
            data,
            root,
            visits: 0,
            unpacked: 0,
        })
    }

    pub fn root(&self) -> u64 {
        self.root
    }

    /// Names and addresses of a group's members.
    pub fn members(&mut self, group: u64) -> Result<BTreeMap<String, u64>, Wrong> {
        let table = self
            .messages(group)?
            .into_iter()
            .find(|(kind, _)| *kind == 0x11)
            .ok_or_else(|| Wrong::new("a group with a symbol table", "another object"))?;
        let (mut table, mut members) = (table.1, BTreeMap::new());
        let (tree, heap) = (table.u64()?, table.u64()?);
        let mut heap = self.at(heap)?;
        signature(&mut heap, b"HEAP")?;
        heap.skip(4 + 8 + 8)?;
        let names = heap.u64()?;
        for node in self.leaves(tree, 0, 0)? {
            let mut node = self.at(node.1)?;
            signature(&mut node, b"SNOD")?;
            node.skip(2)?;
            for _ in 0..node.u16()? {
                let (name, object) = (node.u64()?, node.u64()?);
                node.skip(24)?;
                let mut text = self.at(names.saturating_add(name))?;
                let mut length = 0;
                while text.u8()? != 0 {
                    length += 1;
                    if length > 255 {
                        return Err(Wrong::new("names of at most 255 bytes", "longer ones"));
                    }
                }
                let name = self.at(names.saturating_add(name))?.take(length)?;
                members.insert(String::from_utf8_lossy(name).into_owned(), object);
            }
        }
        Ok(members)
    }

    /// Reads and unpacks a dataset.
    pub fn dataset(&mut self, address: u64) -> Result<Dataset, Wrong> {
        let (mut dims, mut class, mut layout, mut deflated) = (None, None, None, false);
        for (kind, mut message) in self.messages(address)? {
            match kind {
                0x01 => dims = Some(dataspace(&mut message)?),
                0x03 => {
                    let first = message.u8()?;
                    let order = message.u8()? & 1;
                    message.skip(2)?;
                    if order != 0 && first & 15 < 2 {
                        return Err(Wrong::new("little-endian numbers", "big-endian ones"));
                    }
                    class = Some((first & 15, message.u32()? as usize));
                }
                0x08 => layout = Some(data_layout(&mut message)?),
                0x0b => deflated = filters(&mut message)?,
                _ => {}
            }
        }
        let (Some(dims), Some((class, size)), Some(layout)) = (dims, class, layout) else {
            return Err(Wrong::new("a dataset", "another object"));
        };
        let length = element_count(&dims)
            .and_then(|count| count.checked_mul(size))
            .filter(|&length| (1..=8).contains(&size) && length <= self.data.len().saturating_mul(MAX_RATIO))
            .ok_or_else(|| Wrong::new("a dataset that fits into the file", format!("the shape {dims:?}")))?;
        self.unpacked += length;
        if self.unpacked > MAX_UNPACKED {
            return Err(Wrong::new(format!("at most {MAX_UNPACKED} bytes of data"), "more"));
        }
        let stored = |bytes: &'a [u8]| match bytes.get(..length) {
            Some(bytes) => Ok(bytes.to_vec()),
            None => Err(Wrong::new(format!("{length} bytes"), bytes.len().to_string())),
        };
        let bytes = match layout {
            Layout::Here(bytes) => stored(bytes)?,
            Layout::Contiguous(at, _) if length == 0 => stored(self.at(at)?.take(0)?)?,
            Layout::Contiguous(at, count) => {
                let count = usize::try_from(count).unwrap_or(usize::MAX);
                stored(self.at(at)?.take(count)?)?
            }
            Layout::Chunked { tree, dims: chunk } => self.chunks(tree, &dims, &chunk, size, deflated)?,
        };
        Ok(Dataset {
            dims,
            class,
            size,
            bytes,
        })
    }

    fn at(&self, address: u64) -> Result<Bytes<'a>, Wrong> {
        Bytes::starting(self.data, address)
    }

    fn visit(&mut self) -> Result<(), Wrong> {
        self.visits += 1;
        if self.visits > MAX_VISITS {
            return Err(Wrong::new(format!("at most {MAX_VISITS} objects and nodes"), "more"));
        }
        Ok(())
    }

    /// The messages of an object's header of version 1, continuations included.
    fn messages(&mut self, address: u64) -> Result<Vec<Message<'a>>, Wrong> {
        let mut header = self.at(address)?;
        let version = header.u8()?;
        if version != 1 {
            return Err(Wrong::new(
                "an object header of version 1",
                format!("version {version}"),
            ));
        }
        header.skip(1)?;
        let mut left = header.u16()?;
        header.skip(4)?;
        let length = header.u32()? as usize;
        header.skip(4)?;
        let mut blocks = vec![Bytes::new(header.take(length)?)];
        let mut messages = Vec::new();
        while let Some(mut block) = blocks.pop() {
            while left > 0 {
                self.visit()?;
                // Less than a message's head may remain at the end of a block.
                let Ok(kind) = block.u16() else { break };
                let Ok(length) = block.u16() else { break };
                if block.skip(4).is_err() {
                    break;
                }
                let mut message = Bytes::new(block.take(length.into())?);
                left -= 1;
                if kind == 0x10 {
                    let (at, length) = (message.u64()?, message.u64()?);
                    let length = usize::try_from(length).unwrap_or(usize::MAX);
                    blocks.push(Bytes::new(self.at(at)?.take(length)?));
                } else {
                    messages.push((kind, message));
                }
            }
        }
        Ok(messages)
    }

    /// Keys and addresses of a B-tree's leaves; `kind` is 0 for groups and 1 for chunks of `rank` dimensions.
    fn leaves(&mut self, tree: u64, kind: u8, rank: usize) -> Result<Vec<(Bytes<'a>, u64)>, Wrong> {
        let key_length = if kind == 0 { 8 } else { 8 + 8 * (rank + 1) };
        let (mut open, mut leaves) = (vec![(tree, None)], Vec::new());
        while let Some((address, expected)) = open.pop() {
            self.visit()?;
            let mut node = self.at(address)?;
            signature(&mut node, b"TREE")?;
            let (found, level) = (node.u8()?, node.u8()?);
            if found != kind || expected.is_some_and(|expected| expected != level) {
                return Err(Wrong::new(
                    format!("a node of a tree of kind {kind}"),
                    format!("kind {found}, level {level}"),
                ));
            }
            let entries = node.u16()?;
            node.skip(16)?;
            for _ in 0..entries {
                self.visit()?;
                let key = Bytes::new(node.take(key_length)?);
                let child = node.u64()?;
                match level.checked_sub(1) {
                    None => leaves.push((key, child)),
                    below => open.push((child, below)),
                }
            }
        }
        Ok(leaves)
    }

    /// Puts the chunks of a dataset together.
    fn chunks(
        &mut self,
        tree: u64,
        dims: &[usize],
        chunk: &[usize],
        size: usize,
        deflated: bool,
    ) -> Result<Vec<u8>, Wrong> {
        let wrong = |got: String| Wrong::new(format!("all chunks {chunk:?} of an array {dims:?}"), got);
        let length = element_count(chunk).and_then(|count| count.checked_mul(size));
        // Chunks are no larger than arrays, but for an axis that is unlimited; those are not used here.
        let length = length
            .filter(|&length| chunk.len() == dims.len() && !chunk.contains(&0) && length <= MAX_UNPACKED)
            .ok_or_else(|| wrong("chunks of other dimensions".to_owned()))?;
        let grid: Vec<usize> = dims.iter().zip(chunk).map(|(n, part)| n.div_ceil(*part)).collect();
        let cells = element_count(&grid).filter(|&cells| cells <= MAX_VISITS);
        let mut missing = vec![true; cells.ok_or_else(|| wrong("too many".to_owned()))?];
        let leaves = self.leaves(tree, 1, dims.len())?;
        let total = element_count(dims).map_or(0, |count| count * size);
        let mut bytes = vec![0; total];
        for (mut key, address) in leaves {
            let (stored, mask) = (key.u32()? as usize, key.u32()?);
            let start: Vec<usize> = (0..dims.len())
                .map(|_| Ok(usize::try_from(key.u64()?).unwrap_or(usize::MAX)))
                .collect::<Result<_, Wrong>>()?;
            let inside = start.iter().zip(dims).all(|(at, n)| at < n);
            let aligned = start.iter().zip(chunk).all(|(at, part)| at.is_multiple_of(*part));
            if !inside || !aligned || mask != 0 {
                return Err(wrong(format!("one at {start:?}")));
            }
            let cell = start
                .iter()
                .zip(chunk)
                .zip(&grid)
                .fold(0, |cell, ((at, part), n)| cell * n + at / part);
            if !std::mem::take(&mut missing[cell]) {
                return Err(wrong(format!("two at {start:?}")));
            }
            let raw = self.at(address)?.take(stored)?;
            let unpacked;
            let content = if deflated {
                unpacked = inflate(raw, length)?;
                &unpacked[..]
            } else {
                raw
            };
            if content.len() != length {
                return Err(wrong(format!("one of {} bytes", content.len())));
            }
            place(content, chunk, &mut bytes, dims, &start, size);
        }
        if missing.contains(&true) {
            return Err(wrong("fewer".to_owned()));
        }
        Ok(bytes)
    }
}

/// Unpacks at most `length` bytes and one: a bomb is not unpacked to its end.
fn inflate(raw: &[u8], length: usize) -> Result<Vec<u8>, Wrong> {
    let mut content = Vec::new();
    ZlibDecoder::new(raw)
        .take(length as u64 + 1)
        .read_to_end(&mut content)
        .map_err(|error| Wrong::new("deflated data", printable(&error.to_string())))?;
    Ok(content)
}

/// Copies the part of a chunk that lies inside the array.
fn place(chunk: &[u8], chunk_dims: &[usize], array: &mut [u8], dims: &[usize], start: &[usize], size: usize) {
    let Some(last) = dims.len().checked_sub(1) else {
        array.copy_from_slice(&chunk[..array.len()]);
        return;
    };
    let run = chunk_dims[last].min(dims[last] - start[last]) * size;
    let rows = chunk.len() / (chunk_dims[last] * size);
    for row in 0..rows {
        let (mut rest, mut offset, mut step, mut inside) = (row, start[last], dims[last], true);
        for axis in (0..last).rev() {
            let at = start[axis] + rest % chunk_dims[axis];
            rest /= chunk_dims[axis];
            inside &= at < dims[axis];
            offset += at * step;
            step *= dims[axis];
        }
        if inside {
            let from = row * chunk_dims[last] * size;
            array[offset * size..][..run].copy_from_slice(&chunk[from..][..run]);
        }
    }
}

fn signature(input: &mut Bytes<'_>, expected: &[u8; 4]) -> Result<(), Wrong> {
    let got = input.take(4)?;
    if got == expected {
        return Ok(());
    }
    let shown = |bytes: &[u8]| printable(&String::from_utf8_lossy(bytes));
    Err(Wrong::new(format!("the signature {}", shown(expected)), shown(got)))
}

fn dataspace(message: &mut Bytes<'_>) -> Result<Vec<usize>, Wrong> {
    let (version, rank, _flags) = (message.u8()?, usize::from(message.u8()?), message.u8()?);
    match version {
        1 => message.skip(5)?,
        2 => message.skip(1)?,
        _ => return Err(Wrong::new("a dataspace of version 1 or 2", version.to_string())),
    }
    if rank > MAX_RANK {
        return Err(Wrong::new(format!("at most {MAX_RANK} dimensions"), rank.to_string()));
    }
    (0..rank)
        .map(|_| Ok(usize::try_from(message.u64()?).unwrap_or(usize::MAX)))
        .collect()
}

fn data_layout<'a>(message: &mut Bytes<'a>) -> Result<Layout<'a>, Wrong> {
    let (version, class) = (message.u8()?, message.u8()?);
    match (version, class) {
        (3, 0) => {
            let length = message.u16()?;
            message.take(length.into()).map(Layout::Here)
        }
        (3, 1) => Ok(Layout::Contiguous(message.u64()?, message.u64()?)),
        (3, 2) => {
            let rank = usize::from(message.u8()?);
            let tree = message.u64()?;
            if !(1..=MAX_RANK + 1).contains(&rank) {
                return Err(Wrong::new("chunks of a few dimensions", rank.to_string()));
            }
            // The last one is the size of an element.
            let dims: Vec<usize> = (1..rank)
                .map(|_| Ok(message.u32()? as usize))
                .collect::<Result<_, Wrong>>()?;
            Ok(Layout::Chunked { tree, dims })
        }
        _ => Err(Wrong::new(
            "a data layout of version 3",
            format!("version {version}, class {class}"),
        )),
    }
}

/// Whether the data are deflated; any other filter is refused.
fn filters(message: &mut Bytes<'_>) -> Result<bool, Wrong> {
    let (version, count) = (message.u8()?, message.u8()?);
    if version == 1 {
        message.skip(6)?;
    }
    let filter = if count == 1 { Some(message.u16()?) } else { None };
    match (version, count, filter) {
        (_, 0, _) => Ok(false),
        (1 | 2, 1, Some(1)) => Ok(true),
        _ => Err(Wrong::new(
            "deflate as the only filter",
            format!("{count} filters, the first {filter:?}"),
        )),
    }
}
