//! Four lanes in plain Rust, which compilers turn into whatever vectors the target has.

use super::{Job, Simd};

/// Runs a job; no instruction set is needed.
#[inline(never)]
pub(super) fn run<J: Job>(job: J) {
    // SAFETY: every CPU supports plain Rust.
    unsafe { job.run::<F32x4>() }
}

/// 4 f32, aligned as a 128-bit register is.
#[derive(Clone, Copy)]
#[repr(C, align(16))]
pub(super) struct F32x4([f32; 4]);

impl F32x4 {
    #[inline(always)]
    fn map(self, other: Self, f: impl Fn(f32, f32) -> f32) -> Self {
        let (a, b) = (self.0, other.0);
        Self([f(a[0], b[0]), f(a[1], b[1]), f(a[2], b[2]), f(a[3], b[3])])
    }
}

impl Simd for F32x4 {
    const LANES: usize = 4;
    const BLOCK: usize = 2;
    const TAP_BLOCK: usize = 1;

    #[inline(always)]
    unsafe fn zero() -> Self {
        Self([0.0; 4])
    }
    #[inline(always)]
    unsafe fn splat(v: f32) -> Self {
        Self([v; 4])
    }
    #[inline(always)]
    unsafe fn load(p: *const f32) -> Self {
        // SAFETY: the caller vouches for 4 readable floats.
        Self(unsafe { p.cast::<[f32; 4]>().read_unaligned() })
    }
    #[inline(always)]
    unsafe fn load_partial(p: *const f32, n: usize) -> Self {
        let mut v = [0.0; 4];
        for (i, v) in v.iter_mut().enumerate().take(n) {
            // SAFETY: the caller vouches for `n` readable floats.
            *v = unsafe { *p.add(i) };
        }
        Self(v)
    }
    #[inline(always)]
    unsafe fn store(self, p: *mut f32) {
        // SAFETY: the caller vouches for 4 writable floats.
        unsafe { p.cast::<[f32; 4]>().write_unaligned(self.0) }
    }
    #[inline(always)]
    unsafe fn store_partial(self, p: *mut f32, n: usize) {
        for (i, v) in self.0.into_iter().enumerate().take(n) {
            // SAFETY: the caller vouches for `n` writable floats.
            unsafe { *p.add(i) = v }
        }
    }
    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        self.map(other, |a, b| a + b)
    }
    #[inline(always)]
    unsafe fn sub(self, other: Self) -> Self {
        self.map(other, |a, b| a - b)
    }
    #[inline(always)]
    unsafe fn mul(self, other: Self) -> Self {
        self.map(other, |a, b| a * b)
    }
    #[inline(always)]
    unsafe fn mul_add(self, b: Self, c: Self) -> Self {
        // Not `f32::mul_add`, a library call on targets without the instruction.
        self.map(b, |a, b| a * b).map(c, |ab, c| ab + c)
    }
    #[inline(always)]
    unsafe fn at_least(self, floor: Self) -> Self {
        self.map(floor, |v, floor| if floor > v { floor } else { v })
    }
    #[inline(always)]
    unsafe fn where_positive(self, y: Self) -> Self {
        self.map(y, |v, y| if y > 0.0 { v } else { 0.0 })
    }
    #[inline(always)]
    unsafe fn sum(self) -> f32 {
        let [a, b, c, d] = self.0;
        (a + c) + (b + d)
    }
    #[inline(always)]
    unsafe fn prefetch(_: *const f32) {}
    #[inline(always)]
    unsafe fn prefetch_write(_: *mut f32) {}
    #[inline(always)]
    unsafe fn isolate<J: Job>(job: J) {
        run(job);
    }
}
