//! The weight gradient: outer products of pixels and the four fine pixels under them.

use rayon::prelude::*;

use super::{Conv2x2, Rows};
use crate::buffer::with_scratch;
use crate::chunks::sum_chunks;
use crate::layout::CHANNEL_BLOCK;
use crate::simd::dispatch;
use crate::winograd::gemm::AccumulateOuter;

/// Pixels in a batch: the gradient is read and written once per batch.
const BATCH: usize = 32;

/// Chunks at the most: each keeps a gradient until all are summed.
const MAX_CHUNKS: usize = 32;

/// Chunks of rows are fixed by the shape and summed in order, so the result does not depend on the threads. Lengths were
/// checked.
pub(super) fn weight_grad(plan: &Conv2x2, x: &[f32], u: &[f32], out: &mut [f32]) {
    let (fine, coarse) = (Rows::new(&plan.fine), Rows::new(&plan.coarse));
    // The outer product wants an even number of rows and whole registers of columns.
    let (rows, block) = (coarse.cp.next_multiple_of(2), 2 * fine.cp);
    let columns = (2 * block).next_multiple_of(CHANNEL_BLOCK);
    let all = plan.coarse.n() * coarse.h;
    let chunk = all.div_ceil(MAX_CHUNKS);
    let mut sums = vec![0.0; rows * columns * all.div_ceil(chunk)];
    sums.par_chunks_mut(rows * columns)
        .enumerate()
        .for_each(|(index, sum)| {
            with_scratch(BATCH * (rows + columns), |scratch| {
                scratch.fill(0.0);
                let (v, d) = scratch.split_at_mut(BATCH * rows);
                let mut first = true;
                for row in index * chunk..all.min((index + 1) * chunk) {
                    let (n, i) = (row / coarse.h, row % coarse.h);
                    let pixels = &u[coarse.range(n, i)];
                    let sources = [0, 1].map(|p| &x[fine.range(n, 2 * i + p)]);
                    for start in (0..coarse.w).step_by(BATCH) {
                        let tiles = BATCH.min(coarse.w - start);
                        for at in 0..tiles {
                            let from = (start + at) * coarse.cp;
                            v[at * rows..][..coarse.cp].copy_from_slice(&pixels[from..][..coarse.cp]);
                            for (p, source) in sources.iter().enumerate() {
                                let from = (start + at) * block;
                                d[at * columns + p * block..][..block].copy_from_slice(&source[from..][..block]);
                            }
                        }
                        let job = AccumulateOuter {
                            v: v.as_ptr(),
                            d: d.as_ptr(),
                            du: sum.as_mut_ptr(),
                            tiles,
                            cin: rows,
                            cout: columns,
                            first,
                        };
                        dispatch(plan.kernel, job);
                        first = false;
                    }
                }
            });
        });
    sum_chunks(&mut sums, rows * columns);
    let c = plan.fine.c();
    for (index, out) in out.iter_mut().enumerate() {
        let (k, ci, tap) = (index / (4 * c), index / 4 % c, index % 4);
        *out = sums[k * columns + tap / 2 * block + tap % 2 * fine.cp + ci];
    }
}
