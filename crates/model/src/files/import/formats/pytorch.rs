//! Tensors in the pickled object of a PyTorch file.

use std::collections::{BTreeMap, HashMap};

use super::number::element_count;
use super::pickle::{Id, Node, Pickle, TensorView};
use crate::files::import::wrong::{Wrong, printable};
use crate::weights::{Values, Weights};

/// Deeper than any checkpoint nests its dictionaries.
const MAX_DEPTH: usize = 16;
/// More than any checkpoint has; references can make few values look like many.
const MAX_VISITS: usize = 1 << 20;
/// A longer key is no part of a parameter's name.
const MAX_KEY_BYTES: usize = 256;
/// Bytes of all names together, for the same reason.
const MAX_NAME_BYTES: usize = 16 << 20;

/// All tensors below the root, named by the keys and positions on the way, joined by dots.
pub(super) fn tensors(pickle: &Pickle) -> Result<BTreeMap<String, &TensorView>, Wrong> {
    let mut walk = Walk {
        pickle,
        found: BTreeMap::new(),
        visits: 0,
        name_bytes: 0,
    };
    walk.visit(pickle.root, &mut Vec::new())?;
    Ok(walk.found)
}

/// The floating point tensors, given the bytes of the storages; integers are counters of no use here.
///
/// # Errors
/// If a tensor does not lie in its storage, or all together are larger than the file of `file_bytes` could hold.
pub(super) fn weights_from_views(
    views: &BTreeMap<String, &TensorView>,
    file_bytes: usize,
    storages: &HashMap<String, impl AsRef<[u8]>>,
) -> Result<Weights, Wrong> {
    let mut total = 0usize;
    let mut weights = Weights::new();
    for (name, view) in views {
        let Some(number) = view.storage.number else { continue };
        let named = |wrong: &str| Wrong::new(format!("{} inside its storage", printable(name)), wrong.to_owned());
        // Many tensors may share one storage; their sum still has to be something that the file could hold.
        total = element_count(&view.size)
            .and_then(|count| total.checked_add(count))
            .filter(|total| total * 2 <= file_bytes)
            .ok_or_else(|| named(&format!("the size {:?}", view.size)))?;
        let bytes = storages
            .get(&view.storage.key)
            .ok_or_else(|| named("no such storage"))?
            .as_ref();
        if bytes.len() < view.storage.bytes {
            return Err(named(&format!("{} of {} bytes", bytes.len(), view.storage.bytes)));
        }
        let values = number.strided(&bytes[..view.storage.bytes], view.offset, &view.size, &view.stride)?;
        let dims = view.size.clone();
        weights.insert(name.clone(), Values { dims, values });
    }
    Ok(weights)
}

struct Walk<'a> {
    pickle: &'a Pickle,
    found: BTreeMap<String, &'a TensorView>,
    visits: usize,
    name_bytes: usize,
}

impl<'a> Walk<'a> {
    fn visit(&mut self, id: Id, path: &mut Vec<String>) -> Result<(), Wrong> {
        self.visits += 1;
        if self.visits > MAX_VISITS || path.len() > MAX_DEPTH || self.name_bytes > MAX_NAME_BYTES {
            return Err(Wrong::new(
                "a pickle of tensors and plain data",
                "values inside themselves",
            ));
        }
        let pickle = self.pickle;
        match &pickle.nodes[id] {
            Node::Tensor(view) => {
                let name = path.join(".");
                self.name_bytes += name.len();
                self.found.insert(name, view);
            }
            Node::Dict(entries) => {
                for (key, value) in entries {
                    let key = match &pickle.nodes[*key] {
                        Node::Text(text) if text.len() <= MAX_KEY_BYTES => text.clone(),
                        Node::Int(number) => number.to_string(),
                        _ => continue,
                    };
                    self.child(key, *value, path)?;
                }
            }
            Node::List(items) | Node::Tuple(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.child(index.to_string(), *item, path)?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn child(&mut self, name: String, id: Id, path: &mut Vec<String>) -> Result<(), Wrong> {
        path.push(name);
        self.visit(id, path)?;
        path.pop();
        Ok(())
    }
}
