//! The small matrix products of the transformed domain.

use crate::blocks::Blocks;
use crate::simd::{Job, Simd};

/// Tiles in a batch: the rows of the matrix product's register block. Twice as many compete with the weights for the
/// second-level cache, which was 5-10 % slower.
pub(crate) const BATCH: usize = 6;

/// `v[6, cout] = v[6, cin] u[cin, cout]`, in place.
///
/// `u` is packed as `[block][cin][lanes of the block]` with the blocks of [`Blocks`].
///
/// # Safety of running it
/// `v` is valid for 6 rows of `stride >= max(cin, cout)`, `u` for `cin * cout` reads, and `rows` for `6 * cin` writes.
/// `cout` is a multiple of the lanes.
pub(crate) struct Multiply {
    pub v: *mut f32,
    pub stride: usize,
    pub u: *const f32,
    pub cin: usize,
    pub cout: usize,
    pub rows: *mut f32,
}

impl Job for Multiply {
    #[inline(always)]
    unsafe fn run<V: Simd>(self) {
        let Self {
            v,
            stride,
            u,
            cin,
            cout,
            rows,
        } = self;
        let registers = cout / V::LANES;
        // SAFETY: as the caller vouches; one block reads all of `v` before it writes, several read the copy.
        unsafe {
            if registers <= V::BLOCK {
                multiply_block::<V>(registers, v, stride, cin, u, v, stride);
                return;
            }
            for r in 0..BATCH {
                std::ptr::copy_nonoverlapping(v.add(r * stride), rows.add(r * cin), cin);
            }
            for (start, len) in Blocks::new(registers, V::BLOCK) {
                let (first, u) = (start * V::LANES, u.add(start * V::LANES * cin));
                multiply_block::<V>(len, rows, cin, cin, u, v.add(first), stride);
            }
        }
    }
}

/// Picks the register block for `registers <= 4`.
///
/// # Safety
/// As [`block`].
#[inline(always)]
unsafe fn multiply_block<V: Simd>(
    registers: usize,
    a: *const f32,
    a_stride: usize,
    k: usize,
    u: *const f32,
    out: *mut f32,
    out_stride: usize,
) {
    // SAFETY: as the caller vouches. Types with few registers never ask for more than their block.
    unsafe {
        match registers {
            1 => block::<V, 1>(a, a_stride, k, u, out, out_stride),
            2 => block::<V, 2>(a, a_stride, k, u, out, out_stride),
            3 if V::BLOCK >= 3 => block::<V, 3>(a, a_stride, k, u, out, out_stride),
            4 if V::BLOCK >= 4 => block::<V, 4>(a, a_stride, k, u, out, out_stride),
            _ => unreachable!("blocks have at most {} registers", V::BLOCK),
        }
    }
}

/// `out[6, N lanes] = a[6, k] u[k, N lanes]`, all accumulators in registers.
///
/// # Safety
/// The CPU supports the instruction set of `V`; pointers are valid for these shapes and strides. `out` may overlap `a`.
#[inline(always)]
unsafe fn block<V: Simd, const N: usize>(
    a: *const f32,
    a_stride: usize,
    k: usize,
    u: *const f32,
    out: *mut f32,
    out_stride: usize,
) {
    // SAFETY: as the caller vouches.
    unsafe {
        let mut acc = [[V::zero(); N]; BATCH];
        let mut u = u;
        for k in 0..k {
            let mut b = [V::zero(); N];
            for (j, b) in b.iter_mut().enumerate() {
                *b = V::load(u.add(j * V::LANES));
            }
            for (r, acc) in acc.iter_mut().enumerate() {
                let a = V::splat(*a.add(r * a_stride + k));
                for (acc, b) in acc.iter_mut().zip(b) {
                    *acc = a.mul_add(b, *acc);
                }
            }
            u = u.add(N * V::LANES);
        }
        for (r, acc) in acc.into_iter().enumerate() {
            for (j, v) in acc.into_iter().enumerate() {
                v.store(out.add(r * out_stride + j * V::LANES));
            }
        }
    }
}

/// `du[cin, cout] (+)= v[tiles, cin]^T d[tiles, cout]`; replaces `du` if `first`.
///
/// # Safety of running it
/// Pointers are valid for these shapes, rows contiguous. `cin` is even, `cout` is a multiple of the lanes.
pub(crate) struct AccumulateOuter {
    pub v: *const f32,
    pub d: *const f32,
    pub du: *mut f32,
    pub tiles: usize,
    pub cin: usize,
    pub cout: usize,
    pub first: bool,
}

impl Job for AccumulateOuter {
    #[inline(always)]
    unsafe fn run<V: Simd>(self) {
        let Self {
            v,
            d,
            du,
            tiles,
            cin,
            cout,
            first,
        } = self;
        // SAFETY: as the caller vouches.
        unsafe {
            for (start, len) in Blocks::new(cout / V::LANES, V::BLOCK) {
                let column = start * V::LANES;
                let (d, du) = (d.add(column), du.add(column));
                let dims = [tiles, cin, cout];
                match len {
                    1 => outer_columns::<V, 1>(v, d, du, dims, first),
                    2 => outer_columns::<V, 2>(v, d, du, dims, first),
                    3 if V::BLOCK >= 3 => outer_columns::<V, 3>(v, d, du, dims, first),
                    4 if V::BLOCK >= 4 => outer_columns::<V, 4>(v, d, du, dims, first),
                    _ => unreachable!("blocks have at most {} registers", V::BLOCK),
                }
            }
        }
    }
}

/// A block of `N` registers of columns of [`AccumulateOuter`], by groups of 6, 4 or 2 rows.
///
/// # Safety
/// As [`AccumulateOuter`].
#[inline(always)]
unsafe fn outer_columns<V: Simd, const N: usize>(
    v: *const f32,
    d: *const f32,
    du: *mut f32,
    dims: [usize; 3],
    first: bool,
) {
    let [_, cin, cout] = dims;
    let mut ci = 0;
    // SAFETY: as the caller vouches.
    unsafe {
        while ci + 6 <= cin {
            outer_block::<V, 6, N>(v.add(ci), d, du.add(ci * cout), dims, first);
            ci += 6;
        }
        while ci + 4 <= cin {
            outer_block::<V, 4, N>(v.add(ci), d, du.add(ci * cout), dims, first);
            ci += 4;
        }
        while ci + 2 <= cin {
            outer_block::<V, 2, N>(v.add(ci), d, du.add(ci * cout), dims, first);
            ci += 2;
        }
    }
}

/// `du[R, N lanes] (+)= v[tiles, R]^T d[tiles, N lanes]`, all accumulators in registers.
///
/// # Safety
/// As [`AccumulateOuter`].
#[inline(always)]
unsafe fn outer_block<V: Simd, const R: usize, const N: usize>(
    v: *const f32,
    d: *const f32,
    du: *mut f32,
    [tiles, cin, cout]: [usize; 3],
    first: bool,
) {
    // SAFETY: as the caller vouches.
    unsafe {
        let mut acc = [[V::zero(); N]; R];
        if !first {
            for (r, acc) in acc.iter_mut().enumerate() {
                for (j, acc) in acc.iter_mut().enumerate() {
                    *acc = V::load(du.add(r * cout + j * V::LANES));
                }
            }
        }
        for t in 0..tiles {
            let mut b = [V::zero(); N];
            for (j, b) in b.iter_mut().enumerate() {
                *b = V::load(d.add(t * cout + j * V::LANES));
            }
            for (r, acc) in acc.iter_mut().enumerate() {
                let a = V::splat(*v.add(t * cin + r));
                for (acc, b) in acc.iter_mut().zip(b) {
                    *acc = a.mul_add(b, *acc);
                }
            }
        }
        for (r, acc) in acc.into_iter().enumerate() {
            for (j, v) in acc.into_iter().enumerate() {
                v.store(du.add(r * cout + j * V::LANES));
            }
        }
    }
}
