//! Weight gradient with few channels on either side: lanes are the channels of the wide side.

use std::ops::Range;

use rayon::prelude::*;

use super::{ImageRow, gated_rows};
use crate::Kernel;
use crate::blocks::Blocks;
use crate::buffer::with_scratch;
use crate::chunks::sum_chunks;
use crate::grid::Grid;
use crate::simd::{Job, Simd, dispatch, lanes};

/// Chunks of rows at the most: each keeps a result until all are summed.
const MAX_CHUNKS: usize = 32;

/// Pixels in a chunk at the least, so that the results are small beside the work.
const MIN_CHUNK_PIXELS: usize = 1024;

/// The correlation of a wide tensor with a thin one, at the 9 offsets of a `3x3` filter.
#[derive(Clone, Copy)]
pub(crate) struct Correlation<'a> {
    pub grid: Grid,
    /// Channels of the wide tensor as stored.
    pub wide_channels: usize,
    pub wide: &'a [f32],
    /// Where this is not positive, `wide` counts as zero.
    pub wide_gate: Option<&'a [f32]>,
    /// Channels of the thin tensor.
    pub thin_channels: usize,
    pub thin: &'a [f32],
    /// Where this is not positive, `thin` counts as zero.
    pub thin_gate: Option<&'a [f32]>,
}

/// What [`correlate`] returns.
pub(crate) struct Correlated {
    /// `sum_pixels thin[pixel + tap - 1] wide[pixel]` as `[thin channel][tap][columns]`.
    pub taps: Vec<f32>,
    /// Wide channels rounded up to whole registers.
    pub columns: usize,
    /// `sum_pixels wide[pixel]`, `[columns]`.
    pub wide_sum: Vec<f32>,
    /// `sum_pixels thin[pixel]`, `[thin channel]`.
    pub thin_sum: Vec<f32>,
}

/// Correlates chunks of rows that are fixed by the shape, and sums them in order, so that the result does not depend
/// on the threads.
pub(crate) fn correlate(kernel: Kernel, job: Correlation<'_>) -> Correlated {
    let Correlation {
        grid,
        wide_channels,
        thin_channels,
        ..
    } = job;
    let pixels = grid.n * grid.hp * grid.wp;
    // What the unsafe code below relies on.
    assert!(job.wide.len() == pixels * wide_channels && job.thin.len() == pixels * thin_channels);
    assert!(job.wide_gate.is_none_or(|gate| gate.len() == job.wide.len()));
    assert!(job.thin_gate.is_none_or(|gate| gate.len() == job.thin.len()));
    let columns = wide_channels.next_multiple_of(lanes(kernel));
    let rows = grid.n * grid.h;
    let chunk = rows.div_ceil(MAX_CHUNKS).max(MIN_CHUNK_PIXELS.div_ceil(grid.w));
    let taps_len = thin_channels * 9 * columns;
    let result_len = taps_len + columns + thin_channels;
    let mut results = vec![0.0; result_len * rows.div_ceil(chunk)];
    results.par_chunks_mut(result_len).enumerate().for_each(|(i, result)| {
        let rows = i * chunk..rows.min((i + 1) * chunk);
        with_scratch(3 * grid.wp * thin_channels, |scratch| match job.wide_gate {
            None => dispatch(
                kernel,
                Chunk::<false> {
                    job: &job,
                    rows,
                    scratch,
                    result,
                },
            ),
            Some(_) => dispatch(
                kernel,
                Chunk::<true> {
                    job: &job,
                    rows,
                    scratch,
                    result,
                },
            ),
        });
    });
    sum_chunks(&mut results, result_len);
    let thin_sum = results.split_off(taps_len + columns);
    let wide_sum = results.split_off(taps_len);
    Correlated {
        taps: results,
        columns,
        wide_sum,
        thin_sum,
    }
}

/// A range of rows of the batch, computed by one thread.
struct Chunk<'a, const GATED: bool> {
    job: &'a Correlation<'a>,
    rows: Range<usize>,
    /// Three padded rows of the thin tensor.
    scratch: &'a mut [f32],
    /// `[thin channel][tap][columns]`, `[columns]`, `[thin channel]`: zeros.
    result: &'a mut [f32],
}

impl<const GATED: bool> Job for Chunk<'_, GATED> {
    #[inline(always)]
    unsafe fn run<V: Simd>(self) {
        let Self {
            job,
            rows,
            scratch,
            result,
        } = self;
        let Correlation {
            grid,
            wide_channels,
            thin_channels,
            ..
        } = *job;
        let columns = wide_channels.next_multiple_of(V::LANES);
        let (taps, sums) = result.split_at_mut(thin_channels * 9 * columns);
        let (wide_sum, thin_sum) = sums.split_at_mut(columns);
        let row_len = grid.wp * thin_channels;
        for row in rows {
            let above = row / grid.h * grid.hp + row % grid.h;
            let thin = gated_rows(job.thin, job.thin_gate, row_len, ImageRow { above }, scratch);
            // The halo is zero and may be summed too.
            for (c, sum) in thin_sum.iter_mut().enumerate() {
                *sum += thin[row_len..2 * row_len]
                    .iter()
                    .skip(c)
                    .step_by(thin_channels)
                    .sum::<f32>();
            }
            let wide = Wide {
                start: ((above + 1) * grid.wp + 1) * wide_channels,
                values: job.wide.as_ptr(),
                gate: job.wide_gate.map_or(job.wide.as_ptr(), <[f32]>::as_ptr),
                channels: wide_channels,
            };
            // SAFETY: the caller vouches for the instruction set; the row's pixels lie within the padded images, and
            // `correlate` checked the lengths.
            unsafe {
                for (start, len) in Blocks::new(columns / V::LANES, V::TAP_BLOCK) {
                    let first = start * V::LANES;
                    for t in 0..thin_channels {
                        let (thin, taps) = (thin.as_ptr().add(t), taps.as_mut_ptr().add(t * 9 * columns + first));
                        match len {
                            1 => row_taps::<V, 1, GATED>(&grid, &wide, first, thin, thin_channels, taps),
                            2 if V::TAP_BLOCK >= 2 => {
                                row_taps::<V, 2, GATED>(&grid, &wide, first, thin, thin_channels, taps);
                            }
                            _ => unreachable!("blocks have at most {} registers", V::TAP_BLOCK),
                        }
                    }
                }
                for c in (0..columns).step_by(V::LANES) {
                    let sum = wide_sum.as_mut_ptr().add(c);
                    let mut row_sum = V::zero();
                    for x in 0..grid.w {
                        row_sum = row_sum.add(wide.load::<V, GATED>(x, c));
                    }
                    V::load(sum).add(row_sum).store(sum);
                }
            }
        }
    }
}

/// A row of pixels of the wide tensor.
struct Wide {
    /// The first float of the first pixel.
    start: usize,
    values: *const f32,
    gate: *const f32,
    channels: usize,
}

impl Wide {
    /// The channels from `c` on of pixel `x`, zero beyond the last channel and where the gate is closed.
    ///
    /// # Safety
    /// The CPU supports the instruction set of `V`, and the pixel lies within the tensor.
    #[inline(always)]
    unsafe fn load<V: Simd, const GATED: bool>(&self, x: usize, c: usize) -> V {
        let at = self.start + x * self.channels + c;
        let left = self.channels - c;
        // SAFETY: as the caller vouches; no more than the pixel's channels are read.
        unsafe {
            if left >= V::LANES {
                let v = V::load(self.values.add(at));
                if GATED {
                    v.where_positive(V::load(self.gate.add(at)))
                } else {
                    v
                }
            } else {
                let v = V::load_partial(self.values.add(at), left);
                if GATED {
                    v.where_positive(V::load_partial(self.gate.add(at), left))
                } else {
                    v
                }
            }
        }
    }
}

/// Adds one row to the 9 taps of `N` registers of wide channels from `first` on, all accumulators in registers.
///
/// # Safety
/// The CPU supports the instruction set of `V`; `thin` points to three padded rows, `taps` to `[9][columns]` floats.
#[inline(always)]
unsafe fn row_taps<V: Simd, const N: usize, const GATED: bool>(
    grid: &Grid,
    wide: &Wide,
    first: usize,
    thin: *const f32,
    thin_channels: usize,
    taps: *mut f32,
) {
    let columns = wide.channels.next_multiple_of(V::LANES);
    // SAFETY: as the caller vouches.
    unsafe {
        let mut acc = [[V::zero(); N]; 9];
        for (tap, acc) in acc.iter_mut().enumerate() {
            for (j, acc) in acc.iter_mut().enumerate() {
                *acc = V::load(taps.add(tap * columns + j * V::LANES));
            }
        }
        for x in 0..grid.w {
            let mut b = [V::zero(); N];
            for (j, b) in b.iter_mut().enumerate() {
                *b = wide.load::<V, GATED>(x, first + j * V::LANES);
            }
            for (tap, acc) in acc.iter_mut().enumerate() {
                let a = V::splat(*thin.add((tap / 3 * grid.wp + x + tap % 3) * thin_channels));
                for (acc, b) in acc.iter_mut().zip(b) {
                    *acc = a.mul_add(b, *acc);
                }
            }
        }
        for (tap, acc) in acc.into_iter().enumerate() {
            for (j, v) in acc.into_iter().enumerate() {
                v.store(taps.add(tap * columns + j * V::LANES));
            }
        }
    }
}
