//! The one-dimensional transforms of F(4,3) and F(6,3); two passes of them transform a tile.

use crate::simd::Simd;

/// The matrices of F(M, 3), with `A = M + 2` positions, applied to vectors of channels.
///
/// # Safety of all methods
/// The CPU supports the instruction set of `V`.
pub(crate) trait Transform<const M: usize, const A: usize> {
    /// `B^T d`.
    unsafe fn input<V: Simd>(d: [V; A]) -> [V; A];
    /// `A^T m`.
    unsafe fn output<V: Simd>(m: [V; A]) -> [V; M];
    /// `A y`, the transpose of [`Transform::output`].
    unsafe fn output_transposed<V: Simd>(y: [V; M]) -> [V; A];
    /// `G w`.
    unsafe fn filter<V: Simd>(w: [V; 3]) -> [V; A];
    /// `G^T u`, the transpose of [`Transform::filter`].
    unsafe fn filter_transposed<V: Simd>(u: [V; A]) -> [V; 3];
}

/// The position whose row of `A` is all ones, in both transforms: the point 1.
pub(crate) const ONES: usize = 1;

/// F(4,3) with the points 0, 1, -1, 2, -2 and infinity.
pub(crate) struct F4;

/// F(6,3) with the points 0, 1, -1, 2, -2, 1/2, -1/2 and infinity.
pub(crate) struct F6;

/// `a * s + b` for a constant `s`.
///
/// # Safety
/// The CPU supports the instruction set of `V`.
#[inline(always)]
unsafe fn axpy<V: Simd>(a: V, s: f32, b: V) -> V {
    // SAFETY: the caller vouches for the instruction set.
    unsafe { a.mul_add(V::splat(s), b) }
}

impl Transform<4, 6> for F4 {
    #[inline(always)]
    unsafe fn input<V: Simd>(d: [V; 6]) -> [V; 6] {
        // SAFETY: the caller vouches for the instruction set.
        unsafe {
            let (a, b) = (axpy(d[2], -4.0, d[4]), axpy(d[1], -4.0, d[3]));
            let (c, e) = (d[4].sub(d[2]), d[3].sub(d[1]));
            [
                axpy(d[0], 4.0, axpy(d[2], -5.0, d[4])),
                a.add(b),
                a.sub(b),
                axpy(e, 2.0, c),
                axpy(e, -2.0, c),
                axpy(d[1], 4.0, axpy(d[3], -5.0, d[5])),
            ]
        }
    }

    #[inline(always)]
    unsafe fn output<V: Simd>(m: [V; 6]) -> [V; 4] {
        // SAFETY: the caller vouches for the instruction set.
        unsafe {
            let (a, b) = (m[1].add(m[2]), m[1].sub(m[2]));
            let (c, d) = (m[3].add(m[4]), m[3].sub(m[4]));
            [
                m[0].add(a).add(c),
                axpy(d, 2.0, b),
                axpy(c, 4.0, a),
                axpy(d, 8.0, b).add(m[5]),
            ]
        }
    }

    #[inline(always)]
    unsafe fn output_transposed<V: Simd>(y: [V; 4]) -> [V; 6] {
        // SAFETY: the caller vouches for the instruction set.
        unsafe {
            let (a, b) = (y[0].add(y[2]), y[1].add(y[3]));
            let (c, d) = (axpy(y[2], 4.0, y[0]), axpy(y[3], 4.0, y[1]));
            [y[0], a.add(b), a.sub(b), axpy(d, 2.0, c), axpy(d, -2.0, c), y[3]]
        }
    }

    #[inline(always)]
    unsafe fn filter<V: Simd>(w: [V; 3]) -> [V; 6] {
        // SAFETY: the caller vouches for the instruction set.
        unsafe {
            let (a, b) = (w[0].add(w[2]).mul(V::splat(-1.0 / 6.0)), w[1].mul(V::splat(-1.0 / 6.0)));
            let (c, d) = (
                axpy(w[2], 4.0, w[0]).mul(V::splat(1.0 / 24.0)),
                w[1].mul(V::splat(1.0 / 12.0)),
            );
            [w[0].mul(V::splat(0.25)), a.add(b), a.sub(b), c.add(d), c.sub(d), w[2]]
        }
    }

    #[inline(always)]
    unsafe fn filter_transposed<V: Simd>(u: [V; 6]) -> [V; 3] {
        // SAFETY: the caller vouches for the instruction set.
        unsafe {
            let (a, b) = (
                u[1].add(u[2]).mul(V::splat(-1.0 / 6.0)),
                u[1].sub(u[2]).mul(V::splat(-1.0 / 6.0)),
            );
            let (c, d) = (u[3].add(u[4]), u[3].sub(u[4]));
            [
                axpy(u[0], 0.25, axpy(c, 1.0 / 24.0, a)),
                axpy(d, 1.0 / 12.0, b),
                axpy(c, 1.0 / 6.0, a).add(u[5]),
            ]
        }
    }
}

impl Transform<6, 8> for F6 {
    #[inline(always)]
    unsafe fn input<V: Simd>(d: [V; 8]) -> [V; 8] {
        // SAFETY: the caller vouches for the instruction set.
        unsafe {
            let (a, b) = (axpy(d[4], -4.25, d[2].add(d[6])), axpy(d[3], -4.25, d[1].add(d[5])));
            let c = axpy(d[2], 0.25, axpy(d[4], -1.25, d[6]));
            let e = axpy(d[5], 2.0, axpy(d[3], -2.5, d[1].mul(V::splat(0.5))));
            let f = axpy(axpy(d[4], -1.25, d[2]), 4.0, d[6]);
            let g = axpy(d[1], 2.0, axpy(d[3], -2.5, d[5].mul(V::splat(0.5))));
            [
                axpy(d[4].sub(d[2]), 5.25, d[0].sub(d[6])),
                a.add(b),
                a.sub(b),
                c.add(e),
                c.sub(e),
                f.add(g),
                f.sub(g),
                axpy(d[3].sub(d[5]), 5.25, d[7].sub(d[1])),
            ]
        }
    }

    #[inline(always)]
    unsafe fn output<V: Simd>(m: [V; 8]) -> [V; 6] {
        // SAFETY: the caller vouches for the instruction set.
        unsafe {
            let (a, b) = (m[1].add(m[2]), m[1].sub(m[2]));
            let (c, d) = (m[3].add(m[4]), m[3].sub(m[4]));
            let (e, f) = (m[5].add(m[6]), m[5].sub(m[6]));
            [
                axpy(e, 32.0, m[0].add(a).add(c)),
                axpy(f, 16.0, axpy(d, 2.0, b)),
                axpy(e, 8.0, axpy(c, 4.0, a)),
                axpy(f, 4.0, axpy(d, 8.0, b)),
                axpy(e, 2.0, axpy(c, 16.0, a)),
                axpy(d, 32.0, m[7].add(b).add(f)),
            ]
        }
    }

    #[inline(always)]
    unsafe fn output_transposed<V: Simd>(y: [V; 6]) -> [V; 8] {
        // SAFETY: the caller vouches for the instruction set.
        unsafe {
            let (a, b) = (y[0].add(y[2]).add(y[4]), y[1].add(y[3]).add(y[5]));
            let c = axpy(y[4], 16.0, axpy(y[2], 4.0, y[0]));
            let d = axpy(y[5], 32.0, axpy(y[3], 8.0, y[1].add(y[1])));
            let e = axpy(y[0], 32.0, axpy(y[2], 8.0, y[4].add(y[4])));
            let f = axpy(y[1], 16.0, axpy(y[3], 4.0, y[5]));
            [y[0], a.add(b), a.sub(b), c.add(d), c.sub(d), e.add(f), e.sub(f), y[5]]
        }
    }

    #[inline(always)]
    unsafe fn filter<V: Simd>(w: [V; 3]) -> [V; 8] {
        // SAFETY: the caller vouches for the instruction set.
        unsafe {
            let (a, b) = (w[0].add(w[2]).mul(V::splat(-2.0 / 9.0)), w[1].mul(V::splat(-2.0 / 9.0)));
            let (c, d) = (
                axpy(w[2], 4.0, w[0]).mul(V::splat(1.0 / 90.0)),
                w[1].mul(V::splat(1.0 / 45.0)),
            );
            let (e, f) = (
                axpy(w[0], 4.0, w[2]).mul(V::splat(1.0 / 180.0)),
                w[1].mul(V::splat(1.0 / 90.0)),
            );
            [w[0], a.add(b), a.sub(b), c.add(d), c.sub(d), e.add(f), e.sub(f), w[2]]
        }
    }

    #[inline(always)]
    unsafe fn filter_transposed<V: Simd>(u: [V; 8]) -> [V; 3] {
        // SAFETY: the caller vouches for the instruction set.
        unsafe {
            let (a, b) = (
                u[1].add(u[2]).mul(V::splat(-2.0 / 9.0)),
                u[1].sub(u[2]).mul(V::splat(-2.0 / 9.0)),
            );
            let (c, d) = (u[3].add(u[4]), u[3].sub(u[4]));
            let (e, f) = (u[5].add(u[6]), u[5].sub(u[6]));
            [
                axpy(e, 1.0 / 45.0, axpy(c, 1.0 / 90.0, a)).add(u[0]),
                axpy(f, 1.0 / 90.0, axpy(d, 1.0 / 45.0, b)),
                axpy(e, 1.0 / 180.0, axpy(c, 2.0 / 45.0, a)).add(u[7]),
            ]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Kernel;
    use crate::simd::{Job, dispatch};

    /// Each transform against its transpose, and the product against a convolution, lane by lane.
    struct Check<T, const M: usize, const A: usize>(std::marker::PhantomData<T>);

    impl<T: Transform<M, A>, const M: usize, const A: usize> Job for Check<T, M, A> {
        #[inline(always)]
        unsafe fn run<V: Simd>(self) {
            let d: [f32; A] = std::array::from_fn(|i| [0.5, -1.0, 2.0, 3.0, -0.25, 1.5, -2.0, 0.75][i]);
            let w = [0.3_f32, -0.7, 1.1];
            let y: [f32; M] = std::array::from_fn(|i| [1.0, 0.5, -0.75, 2.0, -1.0, 0.25][i]);
            // SAFETY: the caller vouches for the instruction set.
            unsafe {
                let splat = |v: f32| V::splat(v);
                let value = |v: V| v.sum() / V::LANES as f32;
                let (td, tw) = (T::input(d.map(splat)), T::filter(w.map(splat)));
                let product: [V; A] = std::array::from_fn(|i| td[i].mul(tw[i]));
                for (i, got) in T::output(product).map(value).into_iter().enumerate() {
                    let expected: f32 = (0..3).map(|k| w[k] * d[i + k]).sum();
                    assert!((got - expected).abs() < 1e-4, "output {i}: {got} not {expected}");
                }
                // <A^T d, y> = <d, A y> and <G w, d> = <w, G^T d>.
                let dot = |a: &[V], b: &[f32]| a.iter().zip(b).map(|(&a, b)| value(a) * b).sum::<f32>();
                let (left, right) = (
                    dot(&T::output(d.map(splat)), &y),
                    dot(&T::output_transposed(y.map(splat)), &d),
                );
                assert!((left - right).abs() < 1e-3, "output: {left} not {right}");
                let (left, right) = (dot(&tw, &d), dot(&T::filter_transposed(d.map(splat)), &w));
                assert!((left - right).abs() < 1e-4, "filter: {left} not {right}");
                assert!((value(T::output_transposed(y.map(splat))[ONES]) - y.iter().sum::<f32>()).abs() < 1e-5);
            }
        }
    }

    #[test]
    fn transforms_compute_a_convolution() {
        for kernel in Kernel::NAMES.iter().filter_map(|name| Kernel::from_name(name).ok()) {
            dispatch(kernel, Check::<F4, 4, 6>(std::marker::PhantomData));
            dispatch(kernel, Check::<F6, 6, 8>(std::marker::PhantomData));
        }
    }
}
