//! The largest eigenvalue of a symmetric operator.

use super::vectors::{dot, norm};
use crate::Error;

/// An extreme eigenvalue or singular value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Extreme {
    /// The value; a lower bound on the true one, NaN where a product was not finite.
    pub value: f64,
    /// Whether it had settled to the tolerance.
    pub converged: bool,
    /// Products with the operator.
    pub products: usize,
}

impl Extreme {
    /// The singular value that belongs to an eigenvalue of J^T J.
    pub(super) fn sqrt(self) -> Self {
        Self {
            // Rounding may leave a vanishing eigenvalue below zero; NaN stays what it is.
            value: if self.value < 0.0 { 0.0 } else { self.value.sqrt() },
            ..self
        }
    }
}

/// The largest eigenvalue of the symmetric operator `apply` on R^n, by Lanczos' iteration with full
/// reorthogonalisation; stops when the value changes by less than `tolerance` relatively three times in a row, or after
/// `max_products`. A product that is not finite gives NaN, not converged.
///
/// # Errors
/// What `apply` says.
pub fn largest_eigenvalue(
    n: usize,
    max_products: usize,
    tolerance: f64,
    mut apply: impl FnMut(&[f64]) -> Result<Vec<f64>, Error>,
) -> Result<Extreme, Error> {
    // A fixed start with no symmetry that an operator on images could share.
    let start: Vec<f64> = (0..n)
        .map(|i| 1.0 + 0.5 * (1.7 * i as f64).sin() + 0.3 * (0.61 * i as f64).cos())
        .collect();
    let mut basis = vec![scaled(&start, 1.0 / norm(&start))];
    let (mut diagonal, mut off_diagonal) = (Vec::new(), Vec::new());
    let (mut value, mut quiet) = (f64::NEG_INFINITY, 0);
    for products in 1..=max_products {
        let q = &basis[products - 1];
        let mut next = apply(q)?;
        if next.iter().any(|entry| !entry.is_finite()) {
            return Ok(Extreme {
                value: f64::NAN,
                converged: false,
                products,
            });
        }
        diagonal.push(dot(q, &next));
        // Twice is enough for orthogonality to rounding (Parlett 1980).
        for _ in 0..2 {
            for other in &basis {
                let overlap = dot(other, &next);
                next.iter_mut().zip(other).for_each(|(a, b)| *a -= overlap * b);
            }
        }
        let last = std::mem::replace(&mut value, largest_of_tridiagonal(&diagonal, &off_diagonal));
        quiet = if (value - last).abs() <= tolerance * value.abs() {
            quiet + 1
        } else {
            0
        };
        let length = norm(&next);
        // The space that the start spans is exhausted when nothing new is left.
        let exhausted = length <= 1e-12 * value.abs().max(f64::MIN_POSITIVE) || products == n;
        if quiet >= 3 || exhausted {
            return Ok(Extreme {
                value,
                converged: true,
                products,
            });
        }
        off_diagonal.push(length);
        basis.push(scaled(&next, 1.0 / length));
    }
    Ok(Extreme {
        value,
        converged: false,
        products: max_products,
    })
}

/// The largest eigenvalue of a symmetric tridiagonal matrix, by bisection on Sturm's count.
fn largest_of_tridiagonal(diagonal: &[f64], off_diagonal: &[f64]) -> f64 {
    let beside = |i: usize| off_diagonal.get(i).map_or(0.0, |b| b.abs());
    let reach =
        |i: usize| (if i > 0 { beside(i - 1) } else { 0.0 }) + if i + 1 < diagonal.len() { beside(i) } else { 0.0 };
    let mut low = (0..diagonal.len())
        .map(|i| diagonal[i])
        .fold(f64::NEG_INFINITY, f64::max);
    let mut high = (0..diagonal.len()).map(|i| diagonal[i] + reach(i)).fold(low, f64::max);
    // All pivots of T - x I are negative where x is above all eigenvalues.
    let above_all = |x: f64| {
        let mut pivot = -1.0;
        (0..diagonal.len()).all(|i| {
            let coupling = if i > 0 { beside(i - 1).powi(2) / pivot } else { 0.0 };
            pivot = diagonal[i] - x - coupling;
            pivot < 0.0
        })
    };
    for _ in 0..100 {
        let middle = 0.5 * (low + high);
        if above_all(middle) { high = middle } else { low = middle }
    }
    0.5 * (low + high)
}

fn scaled(a: &[f64], factor: f64) -> Vec<f64> {
    a.iter().map(|v| v * factor).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_largest_eigenvalue_of_a_known_matrix() {
        // The second difference matrix on 50 points: eigenvalues 2 - 2 cos(k pi / 51).
        let n = 50;
        let apply = |v: &[f64]| {
            let at = |i: usize| v.get(i).copied().unwrap_or(0.0);
            Ok((0..n)
                .map(|i| 2.0 * v[i] - at(i + 1) - if i > 0 { v[i - 1] } else { 0.0 })
                .collect())
        };
        let known = 2.0 - 2.0 * (50.0 * std::f64::consts::PI / 51.0).cos();
        let found = largest_eigenvalue(n, 200, 1e-12, apply).unwrap();
        assert!(
            found.converged && (found.value - known).abs() < 1e-10,
            "{found:?} {known}"
        );
    }

    #[test]
    fn negative_and_trivial_spectra_work() {
        let shifted = |v: &[f64]| Ok(v.iter().enumerate().map(|(i, x)| -(1.0 + i as f64) * x).collect());
        let found = largest_eigenvalue(8, 50, 1e-12, shifted).unwrap();
        assert!((found.value + 1.0).abs() < 1e-10, "{found:?}");
        let zero = largest_eigenvalue(8, 50, 1e-12, |v| Ok(vec![0.0; v.len()])).unwrap();
        assert!(zero.converged && zero.value == 0.0, "{zero:?}");
    }

    #[test]
    fn what_is_not_finite_is_no_eigenvalue() {
        for bad in [f64::NAN, f64::INFINITY] {
            let apply = |v: &[f64]| {
                Ok(v.iter()
                    .enumerate()
                    .map(|(i, x)| if i == 3 { bad } else { *x })
                    .collect())
            };
            let found = largest_eigenvalue(8, 50, 1e-12, apply).unwrap();
            assert!(!found.converged && found.value.is_nan(), "{found:?}");
            assert!(found.sqrt().value.is_nan());
        }
    }

    #[test]
    fn says_so_when_products_run_out() {
        let apply = |v: &[f64]| Ok(v.iter().enumerate().map(|(i, x)| i as f64 * x).collect());
        assert!(!largest_eigenvalue(1000, 4, 1e-12, apply).unwrap().converged);
    }
}
