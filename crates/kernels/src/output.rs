//! A buffer that several threads write, each its own part.

use std::marker::PhantomData;

/// The start of a borrowed buffer, to be written by tasks whose elements are disjoint.
#[derive(Clone, Copy)]
pub(crate) struct OutputPtr<'a> {
    start: *mut f32,
    borrow: PhantomData<&'a mut [f32]>,
}

// SAFETY: the pointer is only dereferenced in unsafe code, which must keep tasks to disjoint elements.
unsafe impl Send for OutputPtr<'_> {}
// SAFETY: as above.
unsafe impl Sync for OutputPtr<'_> {}

impl<'a> OutputPtr<'a> {
    pub(crate) fn new(buffer: &'a mut [f32]) -> Self {
        Self {
            start: buffer.as_mut_ptr(),
            borrow: PhantomData,
        }
    }

    /// The start of the buffer.
    pub(crate) fn get(self) -> *mut f32 {
        self.start
    }
}
