//! Forward pass and input gradient: batches of tiles through the three steps of Winograd's method.

use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::ops::Range;

use rayon::prelude::*;

use super::gemm::{BATCH, Multiply};
use super::transform::{F4, F6, Transform};
use crate::Kernel;
use crate::buffer::with_scratch;
use crate::grid::{Grid, TilePlace};
use crate::layout::Tile;
use crate::output::OutputPtr;
use crate::simd::{Job, Simd, dispatch};

/// Batches of tiles in one task: about 0.2 ms of work, and long enough for the prefetch of the next batch to pay.
const TASK_BATCHES: usize = 4;

/// One convolution in the padded layout, `out = max(floor, conv(x * gate) + bias)`.
///
/// Channels are padded: `x` and `gate` have `cin` of them, `u`, `bias` and `out` have `cout`.
#[derive(Clone, Copy)]
pub(crate) struct Conv<'a> {
    pub grid: Grid,
    pub tile: Tile,
    pub cin: usize,
    pub cout: usize,
    pub x: &'a [f32],
    /// Where this is not positive, `x` counts as zero.
    pub gate: Option<&'a [f32]>,
    /// From [`transform_weights`](super::transform_weights).
    pub u: &'a [f32],
    pub bias: &'a [f32],
    /// 0 for ReLU, minus infinity for no activation.
    pub floor: f32,
}

/// Runs the convolution; writes every element of `out`.
pub(crate) fn conv(kernel: Kernel, conv: Conv<'_>, out: &mut [f32]) {
    let pixels = conv.grid.n * conv.grid.hp * conv.grid.wp;
    let positions = (conv.tile.outputs() + 2).pow(2);
    // What the unsafe code below relies on.
    assert!(conv.x.len() == pixels * conv.cin && out.len() == pixels * conv.cout);
    assert!(conv.gate.is_none_or(|gate| gate.len() == conv.x.len()) && conv.bias.len() == conv.cout);
    assert!(conv.u.len() == positions * conv.cin * conv.cout && conv.grid.outputs == conv.tile.outputs());
    let out = OutputPtr::new(out);
    let stride = conv.cin.max(conv.cout);
    let scratch_len = positions * BATCH * stride + BATCH * conv.cin;
    let tiles = conv.grid.tiles();
    let task = BATCH * TASK_BATCHES;
    (0..tiles.div_ceil(task)).into_par_iter().for_each(|i| {
        let tiles = i * task..tiles.min((i + 1) * task);
        with_scratch(scratch_len, |scratch| match (conv.tile, conv.gate) {
            (Tile::F4, None) => dispatch(kernel, Task::<F4, 4, 6, false>::new(&conv, out, tiles, scratch)),
            (Tile::F4, Some(_)) => dispatch(kernel, Task::<F4, 4, 6, true>::new(&conv, out, tiles, scratch)),
            (Tile::F6, None) => dispatch(kernel, Task::<F6, 6, 8, false>::new(&conv, out, tiles, scratch)),
            (Tile::F6, Some(_)) => dispatch(kernel, Task::<F6, 6, 8, true>::new(&conv, out, tiles, scratch)),
        });
    });
}

/// A range of tiles, computed by one thread.
struct Task<'a, T, const M: usize, const A: usize, const GATED: bool> {
    conv: &'a Conv<'a>,
    out: OutputPtr<'a>,
    tiles: Range<usize>,
    /// `[A * A][BATCH][max(cin, cout)]`, then `[BATCH][cin]` for the matrix product.
    scratch: &'a mut [f32],
    tile: PhantomData<T>,
}

impl<'a, T: Transform<M, A>, const M: usize, const A: usize, const GATED: bool> Task<'a, T, M, A, GATED> {
    fn new(conv: &'a Conv<'a>, out: OutputPtr<'a>, tiles: Range<usize>, scratch: &'a mut [f32]) -> Self {
        Self {
            conv,
            out,
            tiles,
            scratch,
            tile: PhantomData,
        }
    }
}

impl<T: Transform<M, A>, const M: usize, const A: usize, const GATED: bool> Job for Task<'_, T, M, A, GATED> {
    #[inline(always)]
    unsafe fn run<V: Simd>(self) {
        let Self {
            conv,
            out,
            tiles,
            scratch,
            ..
        } = self;
        let Conv { grid, cin, cout, .. } = *conv;
        let stride = cin.max(cout);
        let gate = conv.gate.map_or(std::ptr::null(), <[f32]>::as_ptr);
        let (v, rows) = scratch.split_at_mut(A * A * BATCH * stride);
        let (v, rows) = (v.as_mut_ptr(), rows.as_mut_ptr());
        let mut places = [grid.place(tiles.start); BATCH];
        let mut next = places;
        place_batch(&grid, &tiles, tiles.start, &mut next);
        for start in tiles.clone().step_by(BATCH) {
            places = next;
            place_batch(&grid, &tiles, start + BATCH, &mut next);
            let count = BATCH.min(tiles.end - start);
            // SAFETY: the caller vouches for the instruction set. `conv` checked the lengths; tiles and their halos lie
            // within the padded images and are disjoint, so no other task touches what this one writes.
            unsafe {
                for (i, place) in places.iter().enumerate().take(count) {
                    let origin = place.origin * cin;
                    let source = Source {
                        x: conv.x.as_ptr().add(origin),
                        gate: if GATED { gate.add(origin) } else { gate },
                        row: grid.wp * cin,
                        pixel: cin,
                    };
                    input_tile::<V, T, M, A, GATED>(source, cin, v.add(i * stride), BATCH * stride);
                }
                for position in 0..A * A {
                    let (y, x) = (position / A, position % A);
                    for place in &next {
                        let ahead = (place.origin + y * grid.wp + x) * cin;
                        prefetch_channels::<V>(conv.x.as_ptr().wrapping_add(ahead), cin);
                        if GATED {
                            prefetch_channels::<V>(gate.wrapping_add(ahead), cin);
                        }
                    }
                    if y < M && x < M {
                        for place in &places {
                            let at = (place.origin + (y + 1) * grid.wp + x + 1) * cout;
                            prefetch_write_channels::<V>(out.get().wrapping_add(at), cout);
                        }
                    }
                    let u = conv.u.as_ptr().add(position * cin * cout);
                    let v = v.add(position * BATCH * stride);
                    V::isolate(Multiply {
                        v,
                        stride,
                        u,
                        cin,
                        cout,
                        rows,
                    });
                }
                for (i, place) in places.iter().enumerate().take(count) {
                    output_tile::<V, T, M, A>(conv, place, v.add(i * stride), BATCH * stride, out.get());
                }
            }
        }
    }
}

/// The places of the batch that starts at tile `start`; past the end of the range, places stay as they were.
fn place_batch(grid: &Grid, tiles: &Range<usize>, start: usize, places: &mut [TilePlace; BATCH]) {
    for (t, place) in (start..tiles.end).zip(places) {
        *place = grid.place(t);
    }
}

/// Prefetches the channels of a pixel.
///
/// # Safety
/// The CPU supports the instruction set of `V`.
#[inline(always)]
pub(super) unsafe fn prefetch_channels<V: Simd>(pixel: *const f32, channels: usize) {
    for c in (0..channels).step_by(16) {
        // SAFETY: the caller vouches for the instruction set.
        unsafe { V::prefetch(pixel.wrapping_add(c)) }
    }
}

/// Prefetches the channels of a pixel for writing.
///
/// # Safety
/// The CPU supports the instruction set of `V`.
#[inline(always)]
unsafe fn prefetch_write_channels<V: Simd>(pixel: *mut f32, channels: usize) {
    for c in (0..channels).step_by(16) {
        // SAFETY: the caller vouches for the instruction set.
        unsafe { V::prefetch_write(pixel.wrapping_add(c)) }
    }
}

/// Where a tile is read: the first pixel, and the distances in floats between rows and between pixels.
#[derive(Clone, Copy)]
pub(super) struct Source {
    pub x: *const f32,
    pub gate: *const f32,
    pub row: usize,
    pub pixel: usize,
}

impl Source {
    /// The lanes of channels from `c` on of pixel `(y, x)`, zero where the gate is closed.
    ///
    /// # Safety
    /// The CPU supports the instruction set of `V`, and the pixel lies within the source.
    #[inline(always)]
    pub(super) unsafe fn load<V: Simd, const GATED: bool>(&self, y: usize, x: usize, c: usize) -> V {
        let at = y * self.row + x * self.pixel + c;
        // SAFETY: as the caller vouches.
        unsafe {
            let v = V::load(self.x.add(at));
            if GATED {
                v.where_positive(V::load(self.gate.add(at)))
            } else {
                v
            }
        }
    }
}

/// `B^T d B` of one tile, to `out[position * stride + c]`.
///
/// # Safety
/// The CPU supports the instruction set of `V`; `channels` is a multiple of its lanes; the tile's `A x A` pixels can
/// be read and its positions can be written.
#[inline(always)]
pub(super) unsafe fn input_tile<V: Simd, T: Transform<M, A>, const M: usize, const A: usize, const GATED: bool>(
    source: Source,
    channels: usize,
    out: *mut f32,
    stride: usize,
) {
    for c in (0..channels).step_by(V::LANES) {
        // Zeroing this array instead was measured as a quarter of the transform's time.
        let mut columns = MaybeUninit::<[[V; A]; A]>::uninit();
        let columns = columns.as_mut_ptr().cast::<[V; A]>();
        // SAFETY: as the caller vouches; all columns are written before they are read.
        unsafe {
            for x in 0..A {
                let mut d = [V::zero(); A];
                for (y, d) in d.iter_mut().enumerate() {
                    *d = source.load::<V, GATED>(y, x, c);
                }
                columns.add(x).write(T::input(d));
            }
            for i in 0..A {
                let mut d = [V::zero(); A];
                for (x, d) in d.iter_mut().enumerate() {
                    *d = *columns.add(x).cast::<V>().add(i);
                }
                for (j, v) in T::input(d).into_iter().enumerate() {
                    v.store(out.add((i * A + j) * stride + c));
                }
            }
        }
    }
}

/// `max(floor, A^T m A + bias)` of one tile from `m[position * stride + c]`, into the padded image, with zeros outside
/// the image and in the halo next to the tile.
///
/// # Safety
/// The CPU supports the instruction set of `V`; `conv.cout` is a multiple of its lanes; the tile's positions can be
/// read and its outputs written.
#[inline(always)]
unsafe fn output_tile<V: Simd, T: Transform<M, A>, const M: usize, const A: usize>(
    conv: &Conv<'_>,
    place: &TilePlace,
    m: *const f32,
    stride: usize,
    out: *mut f32,
) {
    let Conv { grid, cout, .. } = *conv;
    let whole = place.rows == M && place.cols == M;
    // SAFETY: as the caller vouches; all columns are written before they are read.
    unsafe {
        let first = out.add((place.origin + grid.wp + 1) * cout);
        for c in (0..cout).step_by(V::LANES) {
            let mut columns = MaybeUninit::<[[V; M]; A]>::uninit();
            let columns = columns.as_mut_ptr().cast::<[V; M]>();
            for x in 0..A {
                let mut d = [V::zero(); A];
                for (y, d) in d.iter_mut().enumerate() {
                    *d = V::load(m.add((y * A + x) * stride + c));
                }
                columns.add(x).write(T::output(d));
            }
            let (bias, floor) = (V::load(conv.bias.as_ptr().add(c)), V::splat(conv.floor));
            for i in 0..M {
                let mut d = [V::zero(); A];
                for (x, d) in d.iter_mut().enumerate() {
                    *d = *columns.add(x).cast::<V>().add(i);
                }
                let row = first.add(i * grid.wp * cout + c);
                for (j, v) in T::output(d).into_iter().enumerate() {
                    let v = if whole || (i < place.rows && j < place.cols) {
                        v.add(bias).at_least(floor)
                    } else {
                        V::zero()
                    };
                    v.store(row.add(j * cout));
                }
            }
        }
        grid.for_each_halo(place, |start, len| out.add(start * cout).write_bytes(0, len * cout));
    }
}
