//! Small MatConvNet files: just enough of HDF5 for a list of layers.

use std::io::Write;

use flate2::Compression;
use flate2::write::ZlibEncoder;

use super::made::Array;

/// The space before the superblock that MATLAB fills with a text.
pub const USER_BLOCK: usize = 512;
const SUPERBLOCK: usize = 96;

/// A layer of `net.layers`.
pub enum Layer {
    /// Filter [out, in, row, column] and bias.
    Conv(Array, Vec<f32>),
    /// Anything without parameters, by its type.
    Other(&'static str),
}

/// A file under construction; addresses count from the superblock.
pub struct Writer(Vec<u8>);

impl Writer {
    fn new() -> Self {
        Self(vec![0; SUPERBLOCK])
    }

    fn put(&mut self, bytes: &[u8]) -> u64 {
        let address = self.0.len() as u64;
        self.0.extend(bytes);
        address
    }

    /// An object header with these messages.
    pub fn object(&mut self, messages: &[(u16, Vec<u8>)]) -> u64 {
        let mut body = Vec::new();
        for (kind, data) in messages {
            body.extend(kind.to_le_bytes());
            body.extend((data.len() as u16).to_le_bytes());
            body.extend([0; 4]);
            body.extend(data);
        }
        let mut header = vec![1, 0];
        header.extend((messages.len() as u16).to_le_bytes());
        header.extend(1u32.to_le_bytes());
        header.extend((body.len() as u32).to_le_bytes());
        header.extend([0; 4]);
        self.put(&[header, body].concat())
    }

    /// A leaf of a B-tree: pairs of key and child.
    fn tree(&mut self, kind: u8, entries: &[(Vec<u8>, u64)]) -> u64 {
        let mut node = b"TREE".to_vec();
        node.extend([kind, 0]);
        node.extend((entries.len() as u16).to_le_bytes());
        node.extend([0xff; 16]);
        for (key, child) in entries {
            node.extend(key);
            node.extend(child.to_le_bytes());
        }
        node.extend([0; 8]);
        self.put(&node)
    }

    fn group(&mut self, members: &[(&str, u64)]) -> u64 {
        let mut names = vec![0; 8];
        let mut symbols = b"SNOD\x01\x00".to_vec();
        symbols.extend((members.len() as u16).to_le_bytes());
        for (name, address) in members {
            symbols.extend((names.len() as u64).to_le_bytes());
            symbols.extend(address.to_le_bytes());
            symbols.extend([0; 24]);
            names.extend(name.as_bytes());
            names.push(0);
        }
        let length = names.len() as u64;
        let names = self.put(&names);
        let mut heap = b"HEAP\x00\x00\x00\x00".to_vec();
        heap.extend(length.to_le_bytes());
        heap.extend([0xff; 8]);
        heap.extend(names.to_le_bytes());
        let (heap, symbols) = (self.put(&heap), self.put(&symbols));
        let tree = self.tree(0, &[(vec![0; 8], symbols)]);
        let table = [tree.to_le_bytes(), heap.to_le_bytes()].concat();
        self.object(&[(0x11, table)])
    }

    /// A dataset with this layout; `class` and `size` are those of an element.
    fn dataset(&mut self, dims: &[usize], [class, size]: [u8; 2], layout: Vec<u8>, deflated: bool) -> u64 {
        let mut space = vec![1, dims.len() as u8, 0, 0, 0, 0, 0, 0];
        dims.iter().for_each(|&n| space.extend((n as u64).to_le_bytes()));
        let kind = vec![0x10 | class, 0, 0, 0, size, 0, 0, 0];
        let mut messages = vec![(0x01, space), (0x03, kind), (0x08, layout)];
        if deflated {
            messages.push((0x0b, vec![1, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 1, 0]));
        }
        self.object(&messages)
    }

    fn compact(&mut self, dims: &[usize], kind: [u8; 2], data: &[u8]) -> u64 {
        let layout = [&[3, 0][..], &(data.len() as u16).to_le_bytes(), data].concat();
        self.dataset(dims, kind, layout, false)
    }

    /// Two chunks along the first axis, the second of which is not filled if that is odd.
    fn chunked(&mut self, dims: &[usize], data: &[u8]) -> u64 {
        let mut chunk = dims.to_vec();
        chunk[0] = dims[0].div_ceil(2);
        let length = 4 * chunk.iter().product::<usize>();
        let mut entries = Vec::new();
        for (index, part) in data.chunks(length).enumerate() {
            let mut part = part.to_vec();
            part.resize(length, 0);
            let mut packed = ZlibEncoder::new(Vec::new(), Compression::default());
            packed.write_all(&part).unwrap();
            let packed = packed.finish().unwrap();
            let mut key = (packed.len() as u32).to_le_bytes().to_vec();
            key.extend([0; 4]);
            key.extend(((index * chunk[0]) as u64).to_le_bytes());
            key.extend(vec![0; 8 * dims.len()]);
            entries.push((key, self.put(&packed)));
        }
        let tree = self.tree(1, &entries);
        let mut layout = vec![3, 2, dims.len() as u8 + 1];
        layout.extend(tree.to_le_bytes());
        chunk
            .iter()
            .chain(&[4])
            .for_each(|&n| layout.extend((n as u32).to_le_bytes()));
        self.dataset(dims, [1, 4], layout, true)
    }

    fn references(&mut self, addresses: &[u64]) -> u64 {
        let data: Vec<u8> = addresses.iter().flat_map(|address| address.to_le_bytes()).collect();
        self.compact(&[addresses.len(), 1], [7, 8], &data)
    }

    fn layer(&mut self, layer: &Layer) -> u64 {
        let name = match layer {
            Layer::Conv(..) => "conv",
            Layer::Other(name) => name,
        };
        let units: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let mut members = vec![("type", self.compact(&[name.len(), 1], [0, 2], &units))];
        if let Layer::Conv((dims, values), bias) = layer {
            let &[cout, cin, rows, columns] = dims.as_slice() else {
                panic!("{dims:?}")
            };
            // MATLAB's order, seen from here: columns before rows, and no last axis of length 1.
            let at = |i: usize| {
                let (outer, column, row) = (i / (rows * columns), i / rows % columns, i % rows);
                values[(outer * rows + row) * columns + column]
            };
            let filter: Vec<u8> = (0..values.len()).flat_map(|i| at(i).to_le_bytes()).collect();
            let dims = [cout, cin, columns, rows];
            let filter = self.chunked(if cout == 1 { &dims[1..] } else { &dims }, &filter);
            let bias: Vec<u8> = bias.iter().flat_map(|value| value.to_le_bytes()).collect();
            let bias = self.compact(&[1, bias.len() / 4], [1, 4], &bias);
            members.push(("weights", self.references(&[filter, bias])));
        }
        self.group(&members)
    }

    /// The file with this root.
    fn finish(mut self, root: u64) -> Vec<u8> {
        let mut head = b"\x89HDF\r\n\x1a\n".to_vec();
        head.extend([0, 0, 0, 0, 0, 8, 8, 0, 4, 0, 16, 0, 0, 0, 0, 0]);
        head.extend([0; 8]);
        head.extend([0xff; 24]);
        head.extend([0; 8]);
        head.extend(root.to_le_bytes());
        self.0[..head.len()].copy_from_slice(&head);
        [vec![b' '; USER_BLOCK], self.0].concat()
    }
}

/// A MATLAB 7.3 file with `net.layers`.
pub fn matconvnet(layers: &[Layer]) -> Vec<u8> {
    let mut writer = Writer::new();
    let addresses: Vec<u64> = layers.iter().map(|layer| writer.layer(layer)).collect();
    let layers = writer.references(&addresses);
    let net = writer.group(&[("layers", layers)]);
    let root = writer.group(&[("net", net)]);
    writer.finish(root)
}

/// A file whose root is this object.
pub fn with_root(root: impl FnOnce(&mut Writer) -> u64) -> Vec<u8> {
    let mut writer = Writer::new();
    let root = root(&mut writer);
    writer.finish(root)
}
