//! Memory aligned to cache lines: transformed weights and per-thread scratch.

use std::cell::RefCell;
use std::fmt;

/// One cache line, and one register of 16 lanes.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([f32; 16]);

/// Zero-initialised `f32`s whose first element starts a cache line.
#[derive(Clone, Default)]
pub(crate) struct Buffer {
    lines: Vec<Line>,
    len: usize,
}

impl Buffer {
    pub(crate) fn zeroed(len: usize) -> Self {
        Self {
            lines: vec![Line([0.0; 16]); len.div_ceil(16)],
            len,
        }
    }

    pub(crate) fn as_slice(&self) -> &[f32] {
        &self.lines.as_flattened_lines()[..self.len]
    }

    pub(crate) fn as_mut_slice(&mut self) -> &mut [f32] {
        &mut self.lines.as_flattened_lines_mut()[..self.len]
    }
}

impl fmt::Debug for Buffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Buffer").field("len", &self.len).finish_non_exhaustive()
    }
}

/// Lines seen as the floats in them.
trait Flatten {
    fn as_flattened_lines(&self) -> &[f32];
    fn as_flattened_lines_mut(&mut self) -> &mut [f32];
}

impl Flatten for [Line] {
    fn as_flattened_lines(&self) -> &[f32] {
        // SAFETY: `Line` is `repr(C)`, exactly 16 initialised f32 and no padding (64 bytes at alignment 64).
        unsafe { std::slice::from_raw_parts(self.as_ptr().cast(), self.len() * 16) }
    }

    fn as_flattened_lines_mut(&mut self) -> &mut [f32] {
        // SAFETY: as above, and the borrow is exclusive.
        unsafe { std::slice::from_raw_parts_mut(self.as_mut_ptr().cast(), self.len() * 16) }
    }
}

/// Calls `f` with this thread's scratch memory of `len` floats: initialised, cache-line aligned, of any content.
///
/// The memory is kept for the next call. `f` must not use rayon: a stolen job would find the scratch borrowed, so such
/// a nested call gets memory of its own.
pub(crate) fn with_scratch<R>(len: usize, f: impl FnOnce(&mut [f32]) -> R) -> R {
    thread_local! {
        static SCRATCH: RefCell<Buffer> = RefCell::default();
    }
    SCRATCH.with(|scratch| match scratch.try_borrow_mut() {
        Ok(mut scratch) => {
            if scratch.len < len {
                *scratch = Buffer::zeroed(len);
            }
            f(&mut scratch.as_mut_slice()[..len])
        }
        Err(_) => f(Buffer::zeroed(len).as_mut_slice()),
    })
}
