//! Few channels in: lanes are output channels, and each input value is broadcast.

use rayon::prelude::*;

use super::{Thin, gated_rows, image_row};
use crate::Kernel;
use crate::blocks::Blocks;
use crate::buffer::{Buffer, with_scratch};
use crate::filter::Filter;
use crate::layout::padded_channels;
use crate::simd::{Job, Simd, dispatch, lanes};

/// Pixels in a register block: 6 pixels x 4 registers, as in the matrix products of Winograd's method.
const PIXELS: usize = 6;

/// The filters as `[row][column][cin][cout in whole registers]`.
pub(crate) fn pack_thin_input(kernel: Kernel, filter: Filter<'_>) -> Buffer {
    let columns = padded_channels(filter.cout).next_multiple_of(lanes(kernel));
    let mut u = Buffer::zeroed(9 * filter.cin * columns);
    for (k, row) in u.as_mut_slice().chunks_exact_mut(columns).enumerate() {
        for (co, u) in row.iter_mut().enumerate().take(filter.cout) {
            *u = filter.at(co, k % filter.cin, k / filter.cin);
        }
    }
    u
}

/// Runs the convolution; writes every element of `out`.
pub(crate) fn thin_input(kernel: Kernel, conv: Thin<'_>, out: &mut [f32]) {
    let columns = conv.cout.next_multiple_of(lanes(kernel));
    conv.check(9 * conv.cin * columns, columns, out.len());
    let row_len = conv.grid.wp * conv.cin;
    let scratch_len = if conv.gate.is_some() { 3 * row_len } else { 0 };
    out.par_chunks_mut(conv.grid.wp * conv.cout)
        .with_min_len(4)
        .enumerate()
        .for_each(|(row, out)| {
            if let Some((row, out)) = image_row(&conv.grid, conv.cout, row, out) {
                with_scratch(scratch_len, |scratch| {
                    let x = gated_rows(conv.x, conv.gate, row_len, row, scratch);
                    dispatch(kernel, Row { conv: &conv, x, out });
                });
            }
        });
}

/// One row of outputs.
struct Row<'a> {
    conv: &'a Thin<'a>,
    /// Three padded rows.
    x: &'a [f32],
    /// The pixels of the image.
    out: &'a mut [f32],
}

impl Job for Row<'_> {
    #[inline(always)]
    unsafe fn run<V: Simd>(self) {
        let Self { conv, x, out } = self;
        let w = conv.grid.w;
        debug_assert!(x.len() == 3 * conv.grid.wp * conv.cin && out.len() == w * conv.cout);
        let mut start = 0;
        while start < w {
            // SAFETY: the caller vouches for the instruction set; pixels `start..start + P` lie within the row, and
            // the row of `x` has a pixel more on either side.
            unsafe {
                if w >= PIXELS {
                    // The last block overlaps the one before, and computes the same values again.
                    let first = start.min(w - PIXELS);
                    pixels::<V, PIXELS>(conv, x.as_ptr(), out.as_mut_ptr(), first);
                    start += PIXELS;
                } else {
                    pixels::<V, 1>(conv, x.as_ptr(), out.as_mut_ptr(), start);
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
unsafe fn pixels<V: Simd, const P: usize>(conv: &Thin<'_>, x: *const f32, out: *mut f32, first: usize) {
    // SAFETY: as the caller vouches. Types with few registers never ask for more than their block.
    unsafe {
        for (start, len) in Blocks::new(conv.cout.div_ceil(V::LANES), V::BLOCK) {
            let (x, out) = (x.add(first * conv.cin), out.add(first * conv.cout));
            match len {
                1 => block::<V, P, 1>(conv, x, out, start),
                2 => block::<V, P, 2>(conv, x, out, start),
                3 if V::BLOCK >= 3 => block::<V, P, 3>(conv, x, out, start),
                4 if V::BLOCK >= 4 => block::<V, P, 4>(conv, x, out, start),
                _ => unreachable!("blocks have at most {} registers", V::BLOCK),
            }
        }
    }
}

/// `P` pixels by `N` registers from register `start` on, all accumulators in registers.
///
/// # Safety
/// As [`pixels`].
#[inline(always)]
unsafe fn block<V: Simd, const P: usize, const N: usize>(conv: &Thin<'_>, x: *const f32, out: *mut f32, start: usize) {
    let Thin { cin, cout, .. } = *conv;
    let columns = cout.next_multiple_of(V::LANES);
    let first = start * V::LANES;
    // SAFETY: as the caller vouches; `Thin::check` has checked the lengths of `u` and `bias`.
    unsafe {
        let mut acc = [[V::zero(); N]; P];
        for acc in &mut acc {
            for (j, acc) in acc.iter_mut().enumerate() {
                *acc = V::load(conv.bias.as_ptr().add(first + j * V::LANES));
            }
        }
        let mut u = conv.u.as_ptr().add(first);
        for row in 0..3 {
            let x = x.add(row * conv.grid.wp * cin);
            // The three columns of a row of taps are contiguous.
            for k in 0..3 * cin {
                let mut b = [V::zero(); N];
                for (j, b) in b.iter_mut().enumerate() {
                    *b = V::load(u.add(j * V::LANES));
                }
                for (p, acc) in acc.iter_mut().enumerate() {
                    let a = V::splat(*x.add(p * cin + k));
                    for (acc, b) in acc.iter_mut().zip(b) {
                        *acc = a.mul_add(b, *acc);
                    }
                }
                u = u.add(columns);
            }
        }
        let floor = V::splat(conv.floor);
        for (p, acc) in acc.into_iter().enumerate() {
            for (j, v) in acc.into_iter().enumerate() {
                let (v, at) = (v.at_least(floor), first + j * V::LANES);
                let out = out.add(p * cout + at);
                if at + V::LANES <= cout {
                    v.store(out)
                } else {
                    v.store_partial(out, cout - at)
                }
            }
        }
    }
}
