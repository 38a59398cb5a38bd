//! AVX-512F: 16 lanes, 32 registers.

use std::arch::x86_64::*;

use super::{Job, Simd};

/// Runs a job with AVX-512F enabled.
///
/// # Safety
/// The CPU supports AVX-512F.
#[target_feature(enable = "avx512f")]
#[inline(never)]
pub(super) unsafe fn run<J: Job>(job: J) {
    // SAFETY: the caller vouches for AVX-512F.
    unsafe { job.run::<F32x16>() }
}

/// 16 f32 in a ZMM register.
#[derive(Clone, Copy)]
pub(super) struct F32x16(__m512);

/// The mask of the first `n <= 16` lanes.
#[inline(always)]
fn first(n: usize) -> __mmask16 {
    ((1_u32 << n) - 1) as __mmask16
}

// SAFETY of every block below: `Simd` requires the instruction set and valid pointers of its callers.
impl Simd for F32x16 {
    const LANES: usize = 16;
    const BLOCK: usize = 4;
    const TAP_BLOCK: usize = 2;

    #[inline(always)]
    unsafe fn zero() -> Self {
        // SAFETY: as the trait requires.
        unsafe { Self(_mm512_setzero_ps()) }
    }
    #[inline(always)]
    unsafe fn splat(v: f32) -> Self {
        // SAFETY: as the trait requires.
        unsafe { Self(_mm512_set1_ps(v)) }
    }
    #[inline(always)]
    unsafe fn load(p: *const f32) -> Self {
        // SAFETY: as the trait requires.
        unsafe { Self(_mm512_loadu_ps(p)) }
    }
    #[inline(always)]
    unsafe fn load_partial(p: *const f32, n: usize) -> Self {
        // SAFETY: as the trait requires; masked lanes are not accessed.
        unsafe { Self(_mm512_maskz_loadu_ps(first(n), p)) }
    }
    #[inline(always)]
    unsafe fn store(self, p: *mut f32) {
        // SAFETY: as the trait requires.
        unsafe { _mm512_storeu_ps(p, self.0) }
    }
    #[inline(always)]
    unsafe fn store_partial(self, p: *mut f32, n: usize) {
        // SAFETY: as the trait requires; masked lanes are not accessed.
        unsafe { _mm512_mask_storeu_ps(p, first(n), self.0) }
    }
    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        // SAFETY: as the trait requires.
        unsafe { Self(_mm512_add_ps(self.0, other.0)) }
    }
    #[inline(always)]
    unsafe fn sub(self, other: Self) -> Self {
        // SAFETY: as the trait requires.
        unsafe { Self(_mm512_sub_ps(self.0, other.0)) }
    }
    #[inline(always)]
    unsafe fn mul(self, other: Self) -> Self {
        // SAFETY: as the trait requires.
        unsafe { Self(_mm512_mul_ps(self.0, other.0)) }
    }
    #[inline(always)]
    unsafe fn mul_add(self, b: Self, c: Self) -> Self {
        // SAFETY: as the trait requires.
        unsafe { Self(_mm512_fmadd_ps(self.0, b.0, c.0)) }
    }
    #[inline(always)]
    unsafe fn at_least(self, floor: Self) -> Self {
        // The second operand is returned if either is NaN.
        // SAFETY: as the trait requires.
        unsafe { Self(_mm512_max_ps(floor.0, self.0)) }
    }
    #[inline(always)]
    unsafe fn where_positive(self, y: Self) -> Self {
        // SAFETY: as the trait requires.
        unsafe {
            let positive = _mm512_cmp_ps_mask::<_CMP_GT_OQ>(y.0, _mm512_setzero_ps());
            Self(_mm512_maskz_mov_ps(positive, self.0))
        }
    }
    #[inline(always)]
    unsafe fn sum(self) -> f32 {
        // SAFETY: as the trait requires.
        unsafe { _mm512_reduce_add_ps(self.0) }
    }
    #[inline(always)]
    unsafe fn prefetch(p: *const f32) {
        // SAFETY: prefetching any address is allowed.
        unsafe { _mm_prefetch::<_MM_HINT_T1>(p.cast()) }
    }
    #[inline(always)]
    unsafe fn prefetch_write(p: *mut f32) {
        // SAFETY: prefetching any address is allowed.
        unsafe { _mm_prefetch::<_MM_HINT_ET0>(p.cast_const().cast()) }
    }
    #[inline(always)]
    unsafe fn isolate<J: Job>(job: J) {
        // SAFETY: as the trait requires.
        unsafe { run(job) }
    }
}
