//! A matrix in the form that the product of six rows reads.

use crate::Kernel;
use crate::blocks::Blocks;
use crate::buffer::Buffer;
use crate::layout::CHANNEL_BLOCK;
use crate::simd::{Job, Simd, dispatch};
use crate::winograd::gemm::{BATCH, Multiply};

/// `[k, n]`, columns padded with zeros to whole registers.
pub(super) struct Matrix {
    k: usize,
    n: usize,
    packed: Buffer,
}

impl Matrix {
    /// The matrix with the entries `at(row, column)`.
    pub(super) fn new(kernel: Kernel, [k, n]: [usize; 2], at: impl Fn(usize, usize) -> f32) -> Self {
        struct Pack<'a, F> {
            at: F,
            dims: [usize; 2],
            columns: usize,
            packed: &'a mut [f32],
        }

        impl<F: Fn(usize, usize) -> f32> Job for Pack<'_, F> {
            #[inline(always)]
            unsafe fn run<V: Simd>(self) {
                let Self {
                    at,
                    dims,
                    columns,
                    packed,
                } = self;
                let [k, n] = dims;
                for (start, len) in Blocks::new(columns / V::LANES, V::BLOCK) {
                    let (first, width) = (start * V::LANES, len * V::LANES);
                    for row in 0..k {
                        for column in first..(first + width).min(n) {
                            packed[first * k + row * width + column - first] = at(row, column);
                        }
                    }
                }
            }
        }

        let columns = n.next_multiple_of(CHANNEL_BLOCK);
        let mut packed = Buffer::zeroed(k * columns);
        let job = Pack {
            at,
            dims: [k, n],
            columns,
            packed: packed.as_mut_slice(),
        };
        dispatch(kernel, job);
        Self { k, n: columns, packed }
    }

    /// Floats from one row of a batch to the next.
    pub(super) fn stride(&self) -> usize {
        self.k.max(self.n)
    }

    /// Floats of scratch memory that [`Self::multiply`] needs: six rows, and a copy of them.
    pub(super) fn scratch_len(&self) -> usize {
        BATCH * (self.stride() + self.k)
    }

    /// Replaces the six rows of `k` values at the start of `scratch` by their products with the matrix.
    pub(super) fn multiply(&self, kernel: Kernel, scratch: &mut [f32]) {
        // What the unsafe code of the product relies on.
        assert!(scratch.len() == self.scratch_len() && self.packed.as_slice().len() == self.k * self.n);
        let (v, rows) = scratch.split_at_mut(BATCH * self.stride());
        let job = Multiply {
            v: v.as_mut_ptr(),
            stride: self.stride(),
            u: self.packed.as_slice().as_ptr(),
            cin: self.k,
            cout: self.n,
            rows: rows.as_mut_ptr(),
        };
        dispatch(kernel, job);
    }
}
