//! AVX2 with fused multiply-add: 8 lanes, 16 registers.

use std::arch::x86_64::*;

use super::{Job, Simd};

/// Runs a job with AVX2 and FMA enabled.
///
/// # Safety
/// The CPU supports AVX2 and FMA.
#[target_feature(enable = "avx2,fma")]
#[inline(never)]
pub(super) unsafe fn run<J: Job>(job: J) {
    // SAFETY: the caller vouches for AVX2 and FMA.
    unsafe { job.run::<F32x8>() }
}

/// 8 f32 in a YMM register.
#[derive(Clone, Copy)]
pub(super) struct F32x8(__m256);

/// Sign bits set in the first `n <= 8` lanes.
///
/// # Safety
/// The CPU supports AVX2.
#[inline(always)]
unsafe fn first(n: usize) -> __m256i {
    // SAFETY: the caller vouches for AVX2.
    unsafe { _mm256_cmpgt_epi32(_mm256_set1_epi32(n as i32), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7)) }
}

impl Simd for F32x8 {
    const LANES: usize = 8;
    const BLOCK: usize = 2;
    const TAP_BLOCK: usize = 1;

    #[inline(always)]
    unsafe fn zero() -> Self {
        // SAFETY: as the trait requires.
        unsafe { Self(_mm256_setzero_ps()) }
    }
    #[inline(always)]
    unsafe fn splat(v: f32) -> Self {
        // SAFETY: as the trait requires.
        unsafe { Self(_mm256_set1_ps(v)) }
    }
    #[inline(always)]
    unsafe fn load(p: *const f32) -> Self {
        // SAFETY: as the trait requires.
        unsafe { Self(_mm256_loadu_ps(p)) }
    }
    #[inline(always)]
    unsafe fn load_partial(p: *const f32, n: usize) -> Self {
        // SAFETY: as the trait requires; masked lanes are not accessed.
        unsafe { Self(_mm256_maskload_ps(p, first(n))) }
    }
    #[inline(always)]
    unsafe fn store(self, p: *mut f32) {
        // SAFETY: as the trait requires.
        unsafe { _mm256_storeu_ps(p, self.0) }
    }
    #[inline(always)]
    unsafe fn store_partial(self, p: *mut f32, n: usize) {
        // SAFETY: as the trait requires; masked lanes are not accessed.
        unsafe { _mm256_maskstore_ps(p, first(n), self.0) }
    }
    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        // SAFETY: as the trait requires.
        unsafe { Self(_mm256_add_ps(self.0, other.0)) }
    }
    #[inline(always)]
    unsafe fn sub(self, other: Self) -> Self {
        // SAFETY: as the trait requires.
        unsafe { Self(_mm256_sub_ps(self.0, other.0)) }
    }
    #[inline(always)]
    unsafe fn mul(self, other: Self) -> Self {
        // SAFETY: as the trait requires.
        unsafe { Self(_mm256_mul_ps(self.0, other.0)) }
    }
    #[inline(always)]
    unsafe fn mul_add(self, b: Self, c: Self) -> Self {
        // SAFETY: as the trait requires.
        unsafe { Self(_mm256_fmadd_ps(self.0, b.0, c.0)) }
    }
    #[inline(always)]
    unsafe fn at_least(self, floor: Self) -> Self {
        // The second operand is returned if either is NaN.
        // SAFETY: as the trait requires.
        unsafe { Self(_mm256_max_ps(floor.0, self.0)) }
    }
    #[inline(always)]
    unsafe fn where_positive(self, y: Self) -> Self {
        // SAFETY: as the trait requires.
        unsafe {
            Self(_mm256_and_ps(
                _mm256_cmp_ps::<_CMP_GT_OQ>(y.0, _mm256_setzero_ps()),
                self.0,
            ))
        }
    }
    #[inline(always)]
    unsafe fn sum(self) -> f32 {
        // SAFETY: as the trait requires.
        unsafe {
            let four = _mm_add_ps(_mm256_castps256_ps128(self.0), _mm256_extractf128_ps::<1>(self.0));
            let two = _mm_add_ps(four, _mm_movehl_ps(four, four));
            _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)))
        }
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
