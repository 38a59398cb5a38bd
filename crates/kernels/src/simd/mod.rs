//! Vectors of f32: one trait, one type per instruction set, and the dispatch from a [`Kernel`] to its type.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod portable;

use crate::Kernel;
use crate::kernel::Isa;

/// A register of f32 lanes.
///
/// Algorithms are generic over this trait and marked `#[inline(always)]` down to these methods, so that the whole body
/// is compiled inside the one function that enables the instruction set (see [`dispatch`]).
///
/// # Safety of all methods
/// The CPU supports the type's instruction set. Pointers are valid for the lanes that are accessed; they need no
/// alignment beyond that of f32.
pub(crate) trait Simd: Copy {
    /// Lanes of a register; divides [`CHANNEL_BLOCK`](crate::layout::CHANNEL_BLOCK).
    const LANES: usize;
    /// Registers of output channels in a block of the matrix product, chosen so that 6 rows of accumulators, one row
    /// of the other factor and a broadcast fit into the register file: 6x4+4+1 of 32, or 6x2+2+1 of 16.
    const BLOCK: usize;
    /// Registers per tap where 9 taps are accumulated at once: 9x2 of 32, or 9x1 of 16.
    const TAP_BLOCK: usize;

    unsafe fn zero() -> Self;
    unsafe fn splat(v: f32) -> Self;
    unsafe fn load(p: *const f32) -> Self;
    /// Loads the first `n <= LANES` lanes; the others are zero.
    unsafe fn load_partial(p: *const f32, n: usize) -> Self;
    unsafe fn store(self, p: *mut f32);
    /// Stores the first `n <= LANES` lanes.
    unsafe fn store_partial(self, p: *mut f32, n: usize);
    unsafe fn add(self, other: Self) -> Self;
    unsafe fn sub(self, other: Self) -> Self;
    unsafe fn mul(self, other: Self) -> Self;
    /// `self * b + c`, fused where the instruction set can.
    unsafe fn mul_add(self, b: Self, c: Self) -> Self;
    /// The larger of `self` and `floor`; NaN stays NaN.
    unsafe fn at_least(self, floor: Self) -> Self;
    /// `self` where `y > 0`, else 0.
    unsafe fn where_positive(self, y: Self) -> Self;
    /// The sum of the lanes.
    unsafe fn sum(self) -> f32;
    /// Asks for the cache line at `p` to be brought into the second-level cache. Any address is allowed.
    unsafe fn prefetch(p: *const f32);
    /// As [`Simd::prefetch`], for writing.
    unsafe fn prefetch_write(p: *mut f32);
    /// Runs a job with this type in a function of its own, so that registers are allocated for it alone: constants of
    /// the surrounding code, kept in registers, spilled an accumulator of the inner loop, at half its speed.
    unsafe fn isolate<J: Job>(job: J);
}

/// A piece of work that is generic over the vector type.
pub(crate) trait Job {
    /// Does the work. Implementations are `#[inline(always)]`.
    ///
    /// # Safety
    /// The CPU supports the instruction set of `V`.
    unsafe fn run<V: Simd>(self);
}

/// Runs a job with the kernel's vector type, inside a function that enables its instruction set.
pub(crate) fn dispatch<J: Job>(kernel: Kernel, job: J) {
    match kernel.isa() {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: a `Kernel` with this instruction set exists only if the CPU supports it.
        Isa::Avx512 => unsafe { avx512::run(job) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        Isa::Avx2 => unsafe { avx2::run(job) },
        _ => portable::run(job),
    }
}

/// Lanes of the kernel's vector type.
pub(crate) fn lanes(kernel: Kernel) -> usize {
    struct Lanes<'a>(&'a mut usize);
    impl Job for Lanes<'_> {
        #[inline(always)]
        unsafe fn run<V: Simd>(self) {
            *self.0 = V::LANES;
        }
    }
    let mut lanes = 0;
    dispatch(kernel, Lanes(&mut lanes));
    lanes
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every operation on `LANES` elements, against scalar arithmetic.
    struct Check;

    impl Job for Check {
        #[inline(always)]
        unsafe fn run<V: Simd>(self) {
            let l = V::LANES;
            let a: Vec<f32> = (0..l).map(|i| i as f32 - 2.5).collect();
            let b: Vec<f32> = (0..l).map(|i| 1.0 - i as f32).collect();
            let mut out = vec![0.0_f32; l];
            // SAFETY: the caller vouches for the instruction set; all slices have `LANES` elements.
            unsafe {
                let (va, vb) = (V::load(a.as_ptr()), V::load(b.as_ptr()));
                let cases: [(V, &dyn Fn(usize) -> f32); 9] = [
                    (V::zero(), &|_| 0.0),
                    (V::splat(3.5), &|_| 3.5),
                    (va.add(vb), &|i| a[i] + b[i]),
                    (va.sub(vb), &|i| a[i] - b[i]),
                    (va.mul(vb), &|i| a[i] * b[i]),
                    (va.mul_add(vb, va), &|i| a[i] * b[i] + a[i]),
                    (va.at_least(vb), &|i| a[i].max(b[i])),
                    (va.where_positive(vb), &|i| if b[i] > 0.0 { a[i] } else { 0.0 }),
                    (V::splat(f32::NAN).at_least(V::zero()), &|_| f32::NAN),
                ];
                for (case, (v, expected)) in cases.into_iter().enumerate() {
                    v.store(out.as_mut_ptr());
                    for (i, &got) in out.iter().enumerate() {
                        let expected = expected(i);
                        assert!(
                            got == expected || (got.is_nan() && expected.is_nan()),
                            "case {case} lane {i}"
                        );
                    }
                }
                assert_eq!(va.sum(), a.iter().sum::<f32>());
                for n in 0..=l {
                    out.fill(7.0);
                    V::load_partial(a.as_ptr(), n).store(out.as_mut_ptr());
                    assert!(
                        (0..l).all(|i| out[i] == if i < n { a[i] } else { 0.0 }),
                        "load_partial {n}"
                    );
                    out.fill(7.0);
                    va.store_partial(out.as_mut_ptr(), n);
                    assert!(
                        (0..l).all(|i| out[i] == if i < n { a[i] } else { 7.0 }),
                        "store_partial {n}"
                    );
                }
            }
        }
    }

    #[test]
    fn operations_match_scalar_arithmetic() {
        for name in Kernel::NAMES {
            match Kernel::from_name(name) {
                Ok(kernel) => dispatch(kernel, Check),
                Err(error) => println!("skipped: {error}"),
            }
        }
    }

    #[test]
    fn lanes_follow_the_kernel() {
        for (name, expected) in [("scalar", 4), ("avx2", 8), ("avx512", 16)] {
            match Kernel::from_name(name) {
                Ok(kernel) => assert_eq!(lanes(kernel), expected),
                Err(error) => println!("skipped: {error}"),
            }
        }
    }
}
