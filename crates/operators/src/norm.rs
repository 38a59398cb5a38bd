//! Upper bounds on operator norms.

/// Most steps of power iteration before the bound is taken; the shared test list checks that the bound is tight.
const STEPS: usize = 20;

/// A bound this close, relatively, to a lower one (the Rayleigh quotient) is not improved any further.
const TIGHT: f64 = 0.01;

/// The smallest value of the test vector relative to its largest. Any positive vector gives a valid bound; this one keeps
/// rounding errors of the f32 product at most 1e-4 of a ratio.
const FLOOR: f32 = 1e-3;

/// An upper bound on the largest eigenvalue of M = A^T A for a matrix A without negative entries.
///
/// For any vector p > 0, lambda_max(M) <= max_i (M p)_i / p_i (Collatz and Wielandt; Horn and Johnson, *Matrix Analysis*,
/// theorem 8.1.26); power iteration from ones makes the bound tight. `normal(p, out)` writes M p. The factor 1 + 1e-4
/// covers the rounding of f32 products.
pub(crate) fn nonnegative_norm_sq(length: usize, mut normal: impl FnMut(&[f32], &mut [f32])) -> f64 {
    let mut p = vec![1.0f32; length];
    let mut image = vec![0.0f32; length];
    let mut bound = f64::INFINITY;
    for _ in 0..STEPS {
        normal(&p, &mut image);
        let ratio = p
            .iter()
            .zip(&image)
            .map(|(&p, &q)| f64::from(q) / f64::from(p))
            .fold(0.0, f64::max);
        bound = bound.min(ratio);
        let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum::<f64>();
        if bound <= (1.0 + TIGHT) * dot(&p, &image) / dot(&p, &p) {
            break;
        }
        let largest = image.iter().copied().fold(0.0, f32::max);
        if largest <= 0.0 {
            return 0.0;
        }
        for (p, &q) in p.iter_mut().zip(&image) {
            *p = (q / largest).max(FLOOR);
        }
    }
    bound * (1.0 + 1e-4)
}
