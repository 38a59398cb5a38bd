//! Eigenvalues of small symmetric matrices.

/// Sweeps after which Jacobi's method has converged to rounding for any matrix of this size (it needs 6 to 10).
const SWEEPS: usize = 30;

/// The eigenvalues of the symmetric `n` x `n` matrix `a` (row order), not sorted, by Jacobi's cyclic rotations (Golub and Van Loan,
/// *Matrix computations*, section 8.5).
pub(super) fn symmetric_eigenvalues(mut a: Vec<f64>, n: usize) -> Vec<f64> {
    let scale: f64 = a.iter().map(|value| value * value).sum();
    for _ in 0..SWEEPS {
        let off: f64 = (0..n * n).filter(|i| i / n != i % n).map(|i| a[i] * a[i]).sum();
        if off <= 1e-28 * scale {
            break;
        }
        for p in 0..n {
            for q in p + 1..n {
                rotate(&mut a, n, p, q);
            }
        }
    }
    (0..n).map(|i| a[i * n + i]).collect()
}

/// Makes the entry (p, q) zero by a rotation of these two axes.
fn rotate(a: &mut [f64], n: usize, p: usize, q: usize) {
    let apq = a[p * n + q];
    if apq == 0.0 {
        return;
    }
    let tau = (a[q * n + q] - a[p * n + p]) / (2.0 * apq);
    // The smaller root of t^2 + 2 tau t - 1, without overflow.
    let t = tau.signum() / (tau.abs() + tau.hypot(1.0));
    let c = 1.0 / t.hypot(1.0);
    let s = t * c;
    for k in 0..n {
        let (x, y) = (a[k * n + p], a[k * n + q]);
        (a[k * n + p], a[k * n + q]) = (c * x - s * y, s * x + c * y);
    }
    for k in 0..n {
        let (x, y) = (a[p * n + k], a[q * n + k]);
        (a[p * n + k], a[q * n + k]) = (c * x - s * y, s * x + c * y);
    }
}

#[cfg(test)]
mod tests {
    use tweedie_testing::{Tolerance, assert_close};

    use super::*;

    #[test]
    fn second_differences_have_their_known_eigenvalues() {
        let n = 12;
        let entry = |i: usize| match (i / n).abs_diff(i % n) {
            0 => 2.0,
            1 => -1.0,
            _ => 0.0,
        };
        let mut got = symmetric_eigenvalues((0..n * n).map(entry).collect(), n);
        got.sort_by(f64::total_cmp);
        let known = |k: usize| 2.0 - 2.0 * ((k + 1) as f64 * std::f64::consts::PI / (n + 1) as f64).cos();
        let expected: Vec<f64> = (0..n).map(known).collect();
        assert_close("eigenvalues", &got, &expected, Tolerance::absolute(1e-12));
        assert_eq!(symmetric_eigenvalues(vec![0.0; 4], 2), [0.0, 0.0]);
    }
}
