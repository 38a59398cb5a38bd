//! Buffers that are used again: fresh pages cost as much as a third of a convolution.

use std::sync::{Mutex, PoisonError};

use burn_flex::FlexTensor;

/// Free buffers, the most recently freed last.
static FREE: Mutex<Vec<Vec<f32>>> = Mutex::new(Vec::new());

/// A stack of layers frees two buffers per layer in its backward pass; more than this are given back to the system.
const MAX_BUFFERS: usize = 64;

/// Memory that may lie unused in the pool, in values (512 MiB).
const MAX_VALUES: usize = 1 << 27;

/// A buffer of `len` values, with whatever was in it before.
pub fn take(len: usize) -> Vec<f32> {
    let mut free = FREE.lock().unwrap_or_else(PoisonError::into_inner);
    let found = free.iter().rposition(|buffer| buffer.len() == len);
    match found {
        Some(index) => free.remove(index),
        None => {
            drop(free);
            vec![0.0; len]
        }
    }
}

/// Keeps a buffer for [`take`].
pub fn give(buffer: Vec<f32>) {
    let mut free = FREE.lock().unwrap_or_else(PoisonError::into_inner);
    free.push(buffer);
    let mut values: usize = free.iter().map(Vec::len).sum();
    while free.len() > MAX_BUFFERS || values > MAX_VALUES {
        values -= free.remove(0).len();
    }
}

/// Keeps the buffer of a tensor that nobody else holds.
pub fn recycle(tensor: FlexTensor) {
    if tensor.is_unique()
        && tensor.is_contiguous()
        && let Ok(buffer) = tensor.into_data().try_into_vec::<f32>()
    {
        give(buffer);
    }
}
