//! Few channels out: lanes are input channels, summed at the end.

use rayon::prelude::*;

use super::{ImageRow, Thin, image_row};
use crate::Kernel;
use crate::blocks::Blocks;
use crate::buffer::Buffer;
use crate::filter::Filter;
use crate::layout::CHANNEL_BLOCK;
use crate::simd::{Job, Simd, dispatch};

/// Pixels in a register block, so that each register of weights is used 4 times: 4 x 4 accumulators of 32 registers,
/// or 4 x 2 of 16.
const PIXELS: usize = 4;

/// The filters as `[cout][row][column][padded cin]`.
pub(crate) fn pack_thin_output(filter: Filter<'_>) -> Buffer {
    let cin = filter.cin.next_multiple_of(CHANNEL_BLOCK);
    let mut u = Buffer::zeroed(filter.cout * 9 * cin);
    for (k, row) in u.as_mut_slice().chunks_exact_mut(cin).enumerate() {
        for (ci, u) in row.iter_mut().enumerate().take(filter.cin) {
            *u = filter.at(k / 9, ci, k % 9);
        }
    }
    u
}

/// Runs the convolution; writes every element of `out`.
pub(crate) fn thin_output(kernel: Kernel, conv: Thin<'_>, out: &mut [f32]) {
    conv.check(conv.cout * 9 * conv.cin, conv.cout, out.len());
    assert!(conv.cin.is_multiple_of(CHANNEL_BLOCK));
    out.par_chunks_mut(conv.grid.wp * conv.cout)
        .with_min_len(4)
        .enumerate()
        .for_each(|(row, out)| {
            if let Some((row, out)) = image_row(&conv.grid, conv.cout, row, out) {
                match conv.gate {
                    None => dispatch(kernel, Row::<false> { conv: &conv, row, out }),
                    Some(_) => dispatch(kernel, Row::<true> { conv: &conv, row, out }),
                }
            }
        });
}

/// One row of outputs.
struct Row<'a, const GATED: bool> {
    conv: &'a Thin<'a>,
    row: ImageRow,
    /// The pixels of the image.
    out: &'a mut [f32],
}

impl<const GATED: bool> Job for Row<'_, GATED> {
    #[inline(always)]
    unsafe fn run<V: Simd>(self) {
        let Self { conv, row, out } = self;
        let w = conv.grid.w;
        let mut start = 0;
        while start < w {
            // SAFETY: the caller vouches for the instruction set; pixels `start..start + P` lie within the row, and
            // the rows of `x` have a pixel more on either side.
            unsafe {
                if w >= PIXELS {
                    // The last block overlaps the one before, and computes the same values again.
                    pixels::<V, PIXELS, GATED>(conv, row, out, start.min(w - PIXELS));
                    start += PIXELS;
                } else {
                    pixels::<V, 1, GATED>(conv, row, out, start);
                    start += 1;
                }
            }
        }
    }
}

/// All output channels of pixels `first..first + P`.
///
/// # Safety
/// The CPU supports the instruction set of `V`, and the pixels lie within the row.
#[inline(always)]
unsafe fn pixels<V: Simd, const P: usize, const GATED: bool>(
    conv: &Thin<'_>,
    row: ImageRow,
    out: &mut [f32],
    first: usize,
) {
    let offset = (row.above * conv.grid.wp + first) * conv.cin;
    // SAFETY: as the caller vouches. Types with few registers never ask for more than their block.
    unsafe {
        for (start, len) in Blocks::new(conv.cout, V::BLOCK) {
            match len {
                1 => V::isolate(Block::<P, 1, GATED> {
                    conv,
                    offset,
                    out,
                    first,
                    co: start,
                }),
                2 => V::isolate(Block::<P, 2, GATED> {
                    conv,
                    offset,
                    out,
                    first,
                    co: start,
                }),
                3 if V::BLOCK >= 3 => V::isolate(Block::<P, 3, GATED> {
                    conv,
                    offset,
                    out,
                    first,
                    co: start,
                }),
                4 if V::BLOCK >= 4 => V::isolate(Block::<P, 4, GATED> {
                    conv,
                    offset,
                    out,
                    first,
                    co: start,
                }),
                _ => unreachable!("blocks have at most {} channels", V::BLOCK),
            }
        }
    }
}

/// `P` pixels from `first` on, by `Q` output channels from `co` on; `offset` is the first input float.
///
/// # Safety of running it
/// The pixels lie within the row.
struct Block<'a, const P: usize, const Q: usize, const GATED: bool> {
    conv: &'a Thin<'a>,
    offset: usize,
    out: &'a mut [f32],
    first: usize,
    co: usize,
}

impl<const P: usize, const Q: usize, const GATED: bool> Job for Block<'_, P, Q, GATED> {
    #[inline(always)]
    unsafe fn run<V: Simd>(self) {
        let Self {
            conv,
            offset,
            out,
            first,
            co,
        } = self;
        let Thin { cin, cout, .. } = *conv;
        // SAFETY: as the caller vouches; `Thin::check` has checked the lengths of `x`, `gate` and `u`.
        unsafe {
            let mut acc = [[V::zero(); Q]; P];
            for tap in 0..9 {
                let u = conv.u.as_ptr().add((co * 9 + tap) * cin);
                let at = offset + (tap / 3 * conv.grid.wp + tap % 3) * cin;
                let x = conv.x.as_ptr().add(at);
                let gate = conv.gate.map_or(x, |gate| gate.as_ptr().add(at));
                for c in (0..cin).step_by(V::LANES) {
                    let mut b = [V::zero(); Q];
                    for (q, b) in b.iter_mut().enumerate() {
                        *b = V::load(u.add(q * 9 * cin + c));
                    }
                    for (p, acc) in acc.iter_mut().enumerate() {
                        let mut a = V::load(x.add(p * cin + c));
                        if GATED {
                            a = a.where_positive(V::load(gate.add(p * cin + c)));
                        }
                        for (acc, b) in acc.iter_mut().zip(b) {
                            *acc = a.mul_add(b, *acc);
                        }
                    }
                }
            }
            for (p, acc) in acc.into_iter().enumerate() {
                for (q, v) in acc.into_iter().enumerate() {
                    let v = v.sum() + conv.bias[co + q];
                    out[(first + p) * cout + co + q] = if conv.floor > v { conv.floor } else { v };
                }
            }
        }
    }
}
