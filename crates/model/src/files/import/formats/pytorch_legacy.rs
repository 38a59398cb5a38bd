//! PyTorch files before release 1.6: five pickles (magic number, protocol, system, object, storage keys), then the
//! storages in the order of the keys, each after its number of elements.

use std::collections::HashMap;

use super::bytes::Bytes;
use super::pickle::{self, Node};
use super::pytorch::{tensors, weights_from_views};
use crate::files::import::wrong::{Wrong, printable};
use crate::weights::Weights;

/// The first pickle: protocol 2, a number of ten bytes.
pub(super) const MAGIC: [u8; 14] = [
    0x80, 0x02, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19,
];

pub(super) fn read(bytes: &[u8]) -> Result<Weights, Wrong> {
    let mut input = Bytes::new(bytes);
    for _ in 0..3 {
        pickle::read(&mut input)?;
    }
    let object = pickle::read(&mut input)?;
    let keys = pickle::read(&mut input)?;
    let sizes: HashMap<&str, usize> = object
        .nodes
        .iter()
        .filter_map(|node| match node {
            Node::Storage(storage) => Some((storage.key.as_str(), storage.bytes)),
            _ => None,
        })
        .collect();
    let Node::List(list) = &keys.nodes[keys.root] else {
        return Err(Wrong::new("a list of storages", "something else"));
    };
    let mut storages: HashMap<String, &[u8]> = HashMap::new();
    for id in list {
        let Node::Text(key) = &keys.nodes[*id] else {
            return Err(Wrong::new("the key of a storage", "something else"));
        };
        let size = *sizes
            .get(key.as_str())
            .ok_or_else(|| Wrong::new("storages that the object names", printable(key)))?;
        input.skip(8)?;
        storages.insert(key.clone(), input.take(size)?);
    }
    weights_from_views(&tensors(&object)?, bytes.len(), &storages)
}
