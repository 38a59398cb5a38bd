//! Transformed weights, kept from one forward pass to the next.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use burn_flex::FlexTensor;
use tweedie_kernels::Transformed;

/// The transformed weights of one layer, at most one entry per kind of transform.
///
/// An entry is keyed by the storage of the weight that it was made from. It holds a handle to that storage, so the
/// storage can neither be written in place nor freed and its address used again: an entry found is never stale.
#[derive(Clone, Default)]
pub struct WeightCache(Arc<Mutex<Vec<Entry>>>);

struct Entry {
    weight: FlexTensor,
    kind: Kind,
    transformed: Arc<Transformed>,
}

/// Which transform of the weights, and for which tile of the image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    /// For the gradient with respect to the input rather than the forward pass.
    pub input_grad: bool,
    /// Output pixels of a tile.
    pub tile: usize,
}

impl WeightCache {
    /// The transform of `weight`, made by `transform` unless it is there.
    pub fn get(&self, weight: &FlexTensor, kind: Kind, transform: impl FnOnce() -> Transformed) -> Arc<Transformed> {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = entries
            .iter()
            .find(|entry| entry.kind == kind && same_storage(&entry.weight, weight))
        {
            return Arc::clone(&entry.transformed);
        }
        let transformed = Arc::new(transform());
        entries.retain(|entry| entry.kind != kind);
        entries.push(Entry {
            weight: weight.clone(),
            kind,
            transformed: Arc::clone(&transformed),
        });
        transformed
    }
}

fn same_storage(a: &FlexTensor, b: &FlexTensor) -> bool {
    std::ptr::eq(a.bytes(), b.bytes()) && a.layout() == b.layout()
}

impl fmt::Debug for WeightCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WeightCache")
    }
}
