//! Weight gradient, accumulated in the transformed domain.

use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::ops::Range;

use rayon::prelude::*;

use super::conv::{Source, input_tile, prefetch_channels};
use super::gemm::AccumulateOuter;
use super::transform::{F4, F6, ONES, Transform};
use crate::Kernel;
use crate::buffer::with_scratch;
use crate::chunks::sum_chunks;
use crate::grid::Grid;
use crate::layout::Tile;
use crate::simd::{Job, Simd, dispatch};

/// Tiles in a batch. `dU` (1 MB for 64 channels) is read and written once per batch, so batches should be long; the
/// transformed tiles (2 x 16 KB each) should stay in the second-level cache, so they should be short.
const BATCH: usize = 32;

/// Tiles in a chunk at the least, so that the back-transform of `dU` stays below a few percent of the work.
const MIN_CHUNK: usize = 2 * BATCH;

/// Chunks at the most: each keeps a weight gradient until all are summed.
const MAX_CHUNKS: usize = 32;

/// Floats between positions beyond the batch itself: keeps the strides of a power-of-two number of channels from
/// mapping all positions to one set of the first-level cache.
const SKEW: usize = 16;

/// The weight gradient of one convolution in the padded layout.
#[derive(Clone, Copy)]
pub(crate) struct WeightGrad<'a> {
    pub grid: Grid,
    pub tile: Tile,
    /// Padded channels of `x`, and of `dy` and `gate`.
    pub cin: usize,
    pub cout: usize,
    pub x: &'a [f32],
    pub dy: &'a [f32],
    /// Where this is not positive, `dy` counts as zero.
    pub gate: Option<&'a [f32]>,
}

/// Returns `dw` as `[9][cin][cout]` followed by `db` as `[cout]`.
///
/// Chunks of tiles are fixed by the shape and summed in order, so the result does not depend on the threads.
pub(crate) fn weight_grad(kernel: Kernel, job: WeightGrad<'_>) -> Vec<f32> {
    let WeightGrad { grid, cin, cout, .. } = job;
    let pixels = grid.n * grid.hp * grid.wp;
    // What the unsafe code below relies on.
    assert!(job.x.len() == pixels * cin && job.dy.len() == pixels * cout);
    assert!(job.gate.is_none_or(|gate| gate.len() == job.dy.len()) && grid.outputs == job.tile.outputs());
    let tiles = grid.tiles();
    let chunk = tiles.div_ceil(MAX_CHUNKS).next_multiple_of(BATCH).max(MIN_CHUNK);
    let positions = (job.tile.outputs() + 2).pow(2);
    let scratch_len = positions * (BATCH * (cin + cout) + 2 * SKEW + cin * cout);
    let result_len = (9 * cin + 1) * cout;
    let mut results = vec![0.0; result_len * tiles.div_ceil(chunk)];
    results.par_chunks_mut(result_len).enumerate().for_each(|(i, result)| {
        let tiles = i * chunk..tiles.min((i + 1) * chunk);
        with_scratch(scratch_len, |scratch| match (job.tile, job.gate) {
            (Tile::F4, None) => dispatch(kernel, Chunk::<F4, 4, 6, false>::new(&job, tiles, scratch, result)),
            (Tile::F4, Some(_)) => dispatch(kernel, Chunk::<F4, 4, 6, true>::new(&job, tiles, scratch, result)),
            (Tile::F6, None) => dispatch(kernel, Chunk::<F6, 6, 8, false>::new(&job, tiles, scratch, result)),
            (Tile::F6, Some(_)) => dispatch(kernel, Chunk::<F6, 6, 8, true>::new(&job, tiles, scratch, result)),
        });
    });
    sum_chunks(&mut results, result_len);
    results
}

/// A range of tiles, computed by one thread.
struct Chunk<'a, T, const M: usize, const A: usize, const GATED: bool> {
    job: &'a WeightGrad<'a>,
    tiles: Range<usize>,
    /// `V` and `D` as `[A * A][BATCH][channels]` (skewed), and `dU` as `[A * A][cin][cout]`.
    scratch: &'a mut [f32],
    /// `[9][cin][cout]`, then `[cout]`.
    result: &'a mut [f32],
    tile: PhantomData<T>,
}

impl<'a, T: Transform<M, A>, const M: usize, const A: usize, const GATED: bool> Chunk<'a, T, M, A, GATED> {
    fn new(job: &'a WeightGrad<'a>, tiles: Range<usize>, scratch: &'a mut [f32], result: &'a mut [f32]) -> Self {
        Self {
            job,
            tiles,
            scratch,
            result,
            tile: PhantomData,
        }
    }
}

impl<T: Transform<M, A>, const M: usize, const A: usize, const GATED: bool> Job for Chunk<'_, T, M, A, GATED> {
    #[inline(always)]
    unsafe fn run<V: Simd>(self) {
        let Self {
            job,
            tiles,
            scratch,
            result,
            ..
        } = self;
        let WeightGrad {
            grid, cin, cout, x, dy, ..
        } = *job;
        let (v_stride, d_stride) = (BATCH * cin + SKEW, BATCH * cout + SKEW);
        let (v, rest) = scratch.split_at_mut(A * A * v_stride);
        let (d, du) = rest.split_at_mut(A * A * d_stride);
        let (v, d, du) = (v.as_mut_ptr(), d.as_mut_ptr(), du.as_mut_ptr());
        let gate = job.gate.map_or(std::ptr::null(), <[f32]>::as_ptr);
        let (dw, db) = result.split_at_mut(9 * cin * cout);
        db.fill(0.0);
        for start in tiles.clone().step_by(BATCH) {
            let count = BATCH.min(tiles.end - start);
            // SAFETY: the caller vouches for the instruction set. `weight_grad` checked the lengths, and tiles lie
            // within the padded images.
            unsafe {
                for i in 0..count {
                    let origin = grid.place(start + i).origin;
                    let source = Source {
                        x: x.as_ptr().add(origin * cin),
                        gate: std::ptr::null(),
                        row: grid.wp * cin,
                        pixel: cin,
                    };
                    input_tile::<V, T, M, A, false>(source, cin, v.add(i * cin), v_stride);
                    let first = (origin + grid.wp + 1) * cout;
                    let source = Source {
                        x: dy.as_ptr().add(first),
                        gate: if GATED { gate.add(first) } else { gate },
                        row: grid.wp * cout,
                        pixel: cout,
                    };
                    output_gradient_tile::<V, T, M, A, GATED>(source, cout, d.add(i * cout), d_stride);
                    // The position (1, 1) of `A dY A^T` is the sum over the tile.
                    for c in (0..cout).step_by(V::LANES) {
                        let sum = V::load(d.add((ONES * A + ONES) * d_stride + i * cout + c));
                        let db = db.as_mut_ptr().add(c);
                        V::load(db).add(sum).store(db);
                    }
                }
                let next = start + BATCH..tiles.end.min(start + 2 * BATCH);
                for position in 0..A * A {
                    let (row, col) = (position / A, position % A);
                    for t in next.clone() {
                        let pixel = grid.place(t).origin + row * grid.wp + col;
                        prefetch_channels::<V>(x.as_ptr().wrapping_add(pixel * cin), cin);
                        if row < M && col < M {
                            let first = (pixel + grid.wp + 1) * cout;
                            prefetch_channels::<V>(dy.as_ptr().wrapping_add(first), cout);
                            if GATED {
                                prefetch_channels::<V>(gate.wrapping_add(first), cout);
                            }
                        }
                    }
                    V::isolate(AccumulateOuter {
                        v: v.add(position * v_stride),
                        d: d.add(position * d_stride),
                        du: du.add(position * cin * cout),
                        tiles: count,
                        cin,
                        cout,
                        first: start == tiles.start,
                    });
                }
            }
        }
        // SAFETY: as above; `du` is complete.
        unsafe { filter_gradient::<V, T, M, A>(du, cin * cout, dw.as_mut_ptr()) }
    }
}

/// `A dY A^T` of one tile, to `out[position * stride + c]`.
///
/// # Safety
/// The CPU supports the instruction set of `V`; `channels` is a multiple of its lanes; the tile's `M x M` pixels can
/// be read and its positions can be written.
#[inline(always)]
unsafe fn output_gradient_tile<V: Simd, T: Transform<M, A>, const M: usize, const A: usize, const GATED: bool>(
    source: Source,
    channels: usize,
    out: *mut f32,
    stride: usize,
) {
    for c in (0..channels).step_by(V::LANES) {
        let mut columns = MaybeUninit::<[[V; A]; M]>::uninit();
        let columns = columns.as_mut_ptr().cast::<[V; A]>();
        // SAFETY: as the caller vouches; all columns are written before they are read.
        unsafe {
            for x in 0..M {
                let mut y = [V::zero(); M];
                for (i, y) in y.iter_mut().enumerate() {
                    *y = source.load::<V, GATED>(i, x, c);
                }
                columns.add(x).write(T::output_transposed(y));
            }
            for i in 0..A {
                let mut y = [V::zero(); M];
                for (x, y) in y.iter_mut().enumerate() {
                    *y = *columns.add(x).cast::<V>().add(i);
                }
                for (j, v) in T::output_transposed(y).into_iter().enumerate() {
                    v.store(out.add((i * A + j) * stride + c));
                }
            }
        }
    }
}

/// `G^T dU G` for all pairs of channels: `[A * A][pairs]` to `[9][pairs]`.
///
/// # Safety
/// The CPU supports the instruction set of `V`; `pairs` is a multiple of its lanes; pointers are valid for the shapes.
#[inline(always)]
unsafe fn filter_gradient<V: Simd, T: Transform<M, A>, const M: usize, const A: usize>(
    du: *const f32,
    pairs: usize,
    dw: *mut f32,
) {
    for p in (0..pairs).step_by(V::LANES) {
        let mut columns = MaybeUninit::<[[V; 3]; A]>::uninit();
        let columns = columns.as_mut_ptr().cast::<[V; 3]>();
        // SAFETY: as the caller vouches; all columns are written before they are read.
        unsafe {
            for x in 0..A {
                let mut u = [V::zero(); A];
                for (y, u) in u.iter_mut().enumerate() {
                    *u = V::load(du.add((y * A + x) * pairs + p));
                }
                columns.add(x).write(T::filter_transposed(u));
            }
            for i in 0..3 {
                let mut u = [V::zero(); A];
                for (x, u) in u.iter_mut().enumerate() {
                    *u = *columns.add(x).cast::<V>().add(i);
                }
                for (j, v) in T::filter_transposed(u).into_iter().enumerate() {
                    v.store(dw.add((i * 3 + j) * pairs + p));
                }
            }
        }
    }
}
