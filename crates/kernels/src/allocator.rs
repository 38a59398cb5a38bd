//! An allocator that suits large buffers of activations.

use std::alloc::{GlobalAlloc, Layout, System};

/// From this size on, blocks start at a cache line.
const LINE_FROM: usize = 64 << 10;

/// A cache line, and a register of 16 lanes: misaligned, each access touches two lines, and the convolutions take
/// about 5 % longer. Huge pages on top of it gained nothing.
const LINE: usize = 64;

/// The system's allocator, but with large blocks aligned for the kernels of this crate.
///
/// The kernels take any slice. A program that installs this allocator gives them aligned ones without any change to
/// the code, or the libraries, that allocate them:
///
/// ```
/// #[global_allocator]
/// static ALLOCATOR: tweedie_kernels::AlignedAllocator = tweedie_kernels::AlignedAllocator;
///
/// let activations = vec![0.0_f32; 1 << 16];
/// assert!(activations.as_ptr().addr().is_multiple_of(64));
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct AlignedAllocator;

/// The layout that is asked of the system for a caller's layout; a function of it alone, so that a block is freed with
/// the layout that it was allocated with.
fn widened(layout: Layout) -> Layout {
    let align = if layout.size() >= LINE_FROM { LINE } else { 1 };
    layout.align_to(align).unwrap_or(layout)
}

// SAFETY: every block comes from the system's allocator with a layout of the same size and at least the alignment that
// was asked for, and goes back with the same layout.
unsafe impl GlobalAlloc for AlignedAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller vouches for a size above zero.
        unsafe { System.alloc(widened(layout)) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if widened(layout) == layout {
            // SAFETY: the caller vouches for a size above zero.
            return unsafe { System.alloc_zeroed(layout) };
        }
        // SAFETY: as above, and the block has the layout's size.
        unsafe {
            let block = self.alloc(layout);
            if !block.is_null() {
                block.write_bytes(0, layout.size());
            }
            block
        }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller vouches that the block was allocated here with this layout.
        unsafe { System.dealloc(block, widened(layout)) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: the caller vouches that the block was allocated here with this layout, and that the new size is
        // above zero and does not overflow. Both blocks have at least the bytes that are copied.
        unsafe {
            let new = Layout::from_size_align_unchecked(new_size, layout.align());
            if widened(layout) == layout && widened(new) == new {
                return System.realloc(block, layout, new_size);
            }
            let moved = self.alloc(new);
            if !moved.is_null() {
                moved.copy_from_nonoverlapping(block, layout.size().min(new_size));
                self.dealloc(block, layout);
            }
            moved
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_aligned_and_keep_their_content() {
        let sizes = [16, 1000, LINE_FROM, LINE_FROM + 8, 4 << 20, 100];
        // SAFETY: sizes are above zero, and every block is used within its size and freed with its last layout.
        unsafe {
            let mut layout = Layout::from_size_align(8, 4).unwrap();
            let mut block = AlignedAllocator.alloc_zeroed(layout);
            for size in sizes {
                *block = 42;
                let kept = layout.size().min(size) - 1;
                *block.add(kept) = 42;
                block = AlignedAllocator.realloc(block, layout, size);
                layout = Layout::from_size_align(size, 4).unwrap();
                assert_eq!((*block, *block.add(kept)), (42, 42), "{size}");
                assert!(block.addr().is_multiple_of(widened(layout).align()), "{size}");

                let zeroed = AlignedAllocator.alloc_zeroed(layout);
                assert!((0..size).all(|i| *zeroed.add(i) == 0), "{size}");
                AlignedAllocator.dealloc(zeroed, layout);
            }
            AlignedAllocator.dealloc(block, layout);
        }
        assert_eq!(widened(Layout::new::<[u8; LINE_FROM]>()).align(), LINE);
        assert_eq!(widened(Layout::new::<u64>()), Layout::new::<u64>());
    }
}
