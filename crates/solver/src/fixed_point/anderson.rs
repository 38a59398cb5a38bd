//! Anderson acceleration.

use std::collections::VecDeque;

use tweedie_imaging::Image;

use super::Run;
use crate::measure::inner_products;
use crate::{Error, Iteration, StepStats};

/// z_(k+1) = sum_i a_i T(z_i) over the last states, with the a that minimise ||sum_i a_i (T(z_i) - z_i)||, sum_i a_i = 1
/// (type-II Anderson acceleration without damping; Anderson 1965; Walker and Ni 2011).
///
/// For a linear T this is GMRES in disguise; for others nothing is guaranteed, so the history is dropped, and a plain
/// step taken, when the residual has doubled. It is dropped, too, while the map still changes.
pub(super) struct Anderson<'a> {
    run: Run<'a>,
    z: Image,
    memory: usize,
    history: VecDeque<Past>,
    /// <r_i, r_j> of the history.
    gram: VecDeque<VecDeque<f64>>,
}

struct Past {
    next: Image,
    residual: Image,
}

impl<'a> Anderson<'a> {
    pub(super) fn new(run: Run<'a>, z: Image, memory: u32) -> Self {
        Self {
            run,
            z,
            memory: memory as usize,
            history: VecDeque::new(),
            gram: VecDeque::new(),
        }
    }

    fn forget(&mut self) {
        self.history.clear();
        self.gram.clear();
    }

    /// Adds T(z) and T(z) - z to the history, with their inner products.
    fn remember(&mut self, next: Image, residual: Image) -> Result<(), Error> {
        let mut pairs: Vec<_> = self.history.iter().map(|past| (&past.residual, &residual)).collect();
        pairs.push((&residual, &residual));
        let products = inner_products(&pairs)?;
        for (row, &product) in self.gram.iter_mut().zip(&products) {
            row.push_back(product);
        }
        self.gram.push_back(products.into());
        self.history.push_back(Past { next, residual });
        if self.history.len() > self.memory + 1 {
            self.history.pop_front();
            self.gram.pop_front();
            self.gram.iter_mut().for_each(|row| {
                row.pop_front();
            });
        }
        Ok(())
    }
}

impl Iteration for Anderson<'_> {
    fn step(&mut self, k: u32) -> Result<StepStats, Error> {
        let (next, stats) = self.run.apply(&self.z, k)?;
        let norm_sq = stats.fixed_point_residual.powi(2) * crate::measure::entries(&next);
        let newest = self.gram.back().and_then(|row| row.back());
        let doubled = newest.is_some_and(|&last| norm_sq > 4.0 * last);
        if doubled || k <= self.run.map.settled_from() {
            self.forget();
        }
        let residual = next.clone() - self.z.clone();
        self.remember(next.clone(), residual)?;
        self.z = match mixing_weights(&self.gram) {
            Some(weights) => self
                .history
                .iter()
                .zip(weights)
                .map(|(past, weight)| past.next.clone() * weight)
                .reduce(|sum, term| sum + term)
                .unwrap_or(next),
            None => next,
        };
        Ok(stats)
    }

    fn estimate(&self) -> &Image {
        &self.run.estimate
    }
}

/// The a with sum a = 1 that minimise a^T G a: a = G^-1 1 / (1^T G^-1 1). `None` if G is numerically singular.
///
/// Residuals are f32, so their inner products are known to about 1e-6; a ridge of that size relative to the diagonal
/// keeps directions that are pure rounding out of the mix.
fn mixing_weights(gram: &VecDeque<VecDeque<f64>>) -> Option<Vec<f64>> {
    let n = gram.len();
    // Scaled to a unit diagonal: residuals shrink by orders of magnitude over the history.
    let scale: Vec<f64> = (0..n).map(|i| gram[i][i].sqrt()).collect();
    if scale.iter().any(|s| !(s.is_finite() && *s > 0.0)) {
        return None;
    }
    let mut m: Vec<Vec<f64>> = (0..n)
        .map(|i| {
            let ridge = |j| if i == j { 1e-6 } else { 0.0 };
            let row = (0..n).map(|j| gram[i][j] / (scale[i] * scale[j]) + ridge(j));
            row.chain([1.0 / scale[i]]).collect()
        })
        .collect();
    for column in 0..n {
        let pivot = (column..n).max_by(|&i, &j| m[i][column].abs().total_cmp(&m[j][column].abs()))?;
        m.swap(column, pivot);
        let top = m[column].clone();
        for (_, row) in m.iter_mut().enumerate().filter(|(i, _)| *i != column) {
            let factor = row[column] / top[column];
            row.iter_mut().zip(&top).for_each(|(a, b)| *a -= factor * b);
        }
    }
    let raw: Vec<f64> = (0..n).map(|i| m[i][n] / m[i][i] / scale[i]).collect();
    let sum: f64 = raw.iter().sum();
    let weights: Vec<f64> = raw.iter().map(|a| a / sum).collect();
    weights.iter().all(|a| a.is_finite()).then_some(weights)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orthogonal_residuals_mix_by_inverse_squares() {
        let gram = VecDeque::from([VecDeque::from([4.0, 0.0]), VecDeque::from([0.0, 1.0])]);
        let weights = mixing_weights(&gram).unwrap();
        // The ridge moves them by its own size.
        assert!(
            (weights[0] - 0.2).abs() < 1e-5 && (weights[1] - 0.8).abs() < 1e-5,
            "{weights:?}"
        );
    }

    #[test]
    fn a_vanishing_residual_gives_no_weights() {
        assert!(mixing_weights(&VecDeque::from([VecDeque::from([0.0])])).is_none());
    }
}
