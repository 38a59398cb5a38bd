//! Filters into the transformed domain: `U = G w G^T`.

use std::marker::PhantomData;
use std::mem::MaybeUninit;

use rayon::prelude::*;

use super::transform::{F4, F6, Transform};
use crate::Kernel;
use crate::blocks::Blocks;
use crate::buffer::Buffer;
use crate::filter::Filter;
use crate::layout::{CHANNEL_BLOCK, Tile};
use crate::output::OutputPtr;
use crate::simd::{Job, Simd, dispatch, lanes};

/// `U` as `[position][block of output channels][cin][lanes of the block]`, channels padded with zeros.
pub(crate) fn transform_weights(kernel: Kernel, tile: Tile, filter: Filter<'_>) -> Buffer {
    let (cin, cout) = (
        filter.cin.next_multiple_of(CHANNEL_BLOCK),
        filter.cout.next_multiple_of(CHANNEL_BLOCK),
    );
    let positions = (tile.outputs() + 2).pow(2);
    let mut u = Buffer::zeroed(positions * cin * cout);
    let out = OutputPtr::new(u.as_mut_slice());
    (0..cout / lanes(kernel))
        .into_par_iter()
        .for_each(|register| match tile {
            Tile::F4 => dispatch(kernel, Register::<F4, 4, 6>::new(&filter, out, [cin, cout], register)),
            Tile::F6 => dispatch(kernel, Register::<F6, 6, 8>::new(&filter, out, [cin, cout], register)),
        });
    u
}

/// The filters of one register of output channels, transformed by one thread.
struct Register<'a, T, const M: usize, const A: usize> {
    filter: &'a Filter<'a>,
    out: OutputPtr<'a>,
    padded: [usize; 2],
    register: usize,
    tile: PhantomData<T>,
}

impl<'a, T: Transform<M, A>, const M: usize, const A: usize> Register<'a, T, M, A> {
    fn new(filter: &'a Filter<'a>, out: OutputPtr<'a>, padded: [usize; 2], register: usize) -> Self {
        Self {
            filter,
            out,
            padded,
            register,
            tile: PhantomData,
        }
    }
}

impl<T: Transform<M, A>, const M: usize, const A: usize> Job for Register<'_, T, M, A> {
    #[inline(always)]
    unsafe fn run<V: Simd>(self) {
        let Self {
            filter,
            out,
            padded: [cin, cout],
            register,
            ..
        } = self;
        for (start, len) in Blocks::new(cout / V::LANES, V::BLOCK) {
            if !(start..start + len).contains(&register) {
                continue;
            }
            for ci in 0..filter.cin {
                let offset = start * V::LANES * cin + (ci * len + register - start) * V::LANES;
                // SAFETY: the caller vouches for the instruction set. The offsets lie within `U`, and those of
                // different registers are disjoint.
                unsafe {
                    let positions = filter_tile::<V, T, M, A>(filter, register * V::LANES, ci);
                    for (position, v) in positions.into_iter().flatten().enumerate() {
                        v.store(out.get().add(position * cin * cout + offset));
                    }
                }
            }
        }
    }
}

/// `G w G^T` for the output channels from `co` on, one per lane.
///
/// # Safety
/// The CPU supports the instruction set of `V`.
#[inline(always)]
unsafe fn filter_tile<V: Simd, T: Transform<M, A>, const M: usize, const A: usize>(
    filter: &Filter<'_>,
    co: usize,
    ci: usize,
) -> [[V; A]; A] {
    let mut taps = [[0.0_f32; CHANNEL_BLOCK]; 9];
    for lane in 0..V::LANES.min(filter.cout.saturating_sub(co)) {
        for (tap, taps) in taps.iter_mut().enumerate() {
            taps[lane] = filter.at(co + lane, ci, tap);
        }
    }
    // SAFETY: the caller vouches for the instruction set; `taps` has at least `LANES` columns, and all of `rows` and
    // `out` is written before it is read.
    unsafe {
        let mut columns = [[V::zero(); A]; 3];
        for (x, column) in columns.iter_mut().enumerate() {
            let w = [
                V::load(taps[x].as_ptr()),
                V::load(taps[3 + x].as_ptr()),
                V::load(taps[6 + x].as_ptr()),
            ];
            *column = T::filter(w);
        }
        let [left, middle, right] = columns;
        let mut out = MaybeUninit::<[[V; A]; A]>::uninit();
        let rows = out.as_mut_ptr().cast::<[V; A]>();
        for (i, ((left, middle), right)) in left.into_iter().zip(middle).zip(right).enumerate() {
            rows.add(i).write(T::filter([left, middle, right]));
        }
        out.assume_init()
    }
}
