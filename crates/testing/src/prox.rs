//! Proximal operators against brute force.

use crate::uniform_values;

/// Step lengths of the perturbations, and the first and last step of the search. Values are in image units, so 1 leaves
/// the range of an image; below 1e-4 the change of an objective computed in f32 drowns in its rounding.
const RADII: [f64; 6] = [1.0, 0.3, 0.1, 1e-2, 1e-3, 1e-4];

/// Random directions for each radius.
const DIRECTIONS: usize = 24;

/// What a search around a candidate minimiser found.
#[derive(Clone, Debug, PartialEq)]
pub struct ProxProbe {
    /// The objective at the candidate.
    pub objective: f64,
    /// The smallest objective that was found, the candidate's included.
    pub best: f64,
    /// Where it was found.
    pub best_point: Vec<f64>,
    /// How often the objective was evaluated.
    pub evaluations: usize,
}

impl ProxProbe {
    /// (objective - best) / max(|objective|, 1): how much lower the objective gets near the candidate.
    ///
    /// For a convex f the objective of a prox is 1/gamma-strongly convex, so a candidate that is `d` away from the
    /// minimiser has an objective at least `d^2 / (2 gamma)` above the minimum: an objective computed with relative error
    /// `e` shows candidates that are wrong by more than about sqrt(2 gamma e).
    pub fn relative_decrease(&self) -> f64 {
        (self.objective - self.best) / self.objective.abs().max(1.0)
    }
}

/// The objective of a proximal operator: `f(x) + ||x - z||^2 / (2 gamma)`, given the value `f_x = f(x)`.
///
/// # Panics
/// If `x` and `z` differ in length, or `gamma` is not positive.
pub fn prox_objective(f_x: f64, x: &[f64], z: &[f64], gamma: f64) -> f64 {
    assert_eq!(x.len(), z.len(), "x and z differ in length");
    assert!(gamma > 0.0, "gamma = {gamma}");
    f_x + x.iter().zip(z).map(|(x, z)| (x - z).powi(2)).sum::<f64>() / (2.0 * gamma)
}

/// Looks for a point near `candidate` with a smaller objective, by values alone.
///
/// 1. Perturbations: for each radius in {1, 0.3, 0.1, 1e-2, 1e-3, 1e-4}, `candidate + radius * d` and
///    `candidate - radius * d` for 24 seeded directions `d` uniform in `[-1, 1]^n`.
/// 2. Compass search (Hooke and Jeeves, without the pattern move) from the candidate: one coordinate at a time is moved
///    by plus or minus a step if that lowers the objective; a round without success halves the step, from 1 to 1e-4.
///
/// It cannot prove that the candidate is the minimiser, but for a convex objective of some tens of unknowns (take small
/// images) the second part comes close to it from anywhere, so the decrease measures how wrong the candidate is. An
/// objective of +infinity marks points outside the domain.
///
/// # Panics
/// If the candidate is empty or its objective is not finite.
pub fn probe_prox(candidate: &[f64], objective: impl Fn(&[f64]) -> f64, seed: u64) -> ProxProbe {
    assert!(!candidate.is_empty(), "nothing to probe");
    let start = objective(candidate);
    assert!(start.is_finite(), "the candidate's objective is {start}");
    let mut probe = ProxProbe {
        objective: start,
        best: start,
        best_point: candidate.to_vec(),
        evaluations: 1,
    };
    perturb(candidate, &objective, seed, &mut probe);
    compass_search(candidate, &objective, &mut probe);
    probe
}

fn perturb(candidate: &[f64], objective: &impl Fn(&[f64]) -> f64, seed: u64, probe: &mut ProxProbe) {
    let directions = uniform_values(DIRECTIONS * candidate.len(), -1.0, 1.0, seed);
    for radius in RADII {
        for direction in directions.chunks_exact(candidate.len()) {
            for signed in [radius, -radius] {
                let point: Vec<f64> = candidate.iter().zip(direction).map(|(x, d)| x + signed * d).collect();
                let value = objective(&point);
                probe.evaluations += 1;
                if value < probe.best {
                    probe.best = value;
                    probe.best_point = point;
                }
            }
        }
    }
}

fn compass_search(candidate: &[f64], objective: &impl Fn(&[f64]) -> f64, probe: &mut ProxProbe) {
    let mut point = candidate.to_vec();
    let mut value = probe.objective;
    let mut step = RADII[0];
    let last = RADII[RADII.len() - 1];
    while step >= last {
        let mut moved = false;
        for i in 0..point.len() {
            for signed in [step, -step] {
                let old = point[i];
                point[i] += signed;
                let next = objective(&point);
                probe.evaluations += 1;
                if next < value {
                    value = next;
                    moved = true;
                } else {
                    point[i] = old;
                }
            }
        }
        if !moved {
            step /= 2.0;
        }
    }
    if value < probe.best {
        probe.best = value;
        probe.best_point = point;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Soft thresholding: the prox of gamma ||x||_1.
    fn soft(z: &[f64], gamma: f64) -> Vec<f64> {
        z.iter().map(|z| z.signum() * (z.abs() - gamma).max(0.0)).collect()
    }

    fn l1_objective(z: &[f64], gamma: f64) -> impl Fn(&[f64]) -> f64 {
        move |x| prox_objective(x.iter().map(|x| x.abs()).sum(), x, z, gamma)
    }

    #[test]
    fn accepts_the_prox_of_the_l1_norm() {
        let z = uniform_values(30, -1.0, 1.0, 3);
        let probe = probe_prox(&soft(&z, 0.3), l1_objective(&z, 0.3), 4);
        // All arithmetic is f64; 1e-14 is its rounding over 30 terms.
        assert!(probe.relative_decrease() <= 1e-14, "{probe:?}");
    }

    #[test]
    fn finds_the_minimiser_from_a_wrong_candidate() {
        let z = uniform_values(30, -1.0, 1.0, 3);
        let right = soft(&z, 0.3);
        let wrong = soft(&z, 0.31);
        let probe = probe_prox(&wrong, l1_objective(&z, 0.3), 4);
        assert!(probe.relative_decrease() > 1e-5, "{probe:?}");
        for (found, right) in probe.best_point.iter().zip(&right) {
            assert!((found - right).abs() < 2e-4, "{found} {right}");
        }
    }

    #[test]
    fn respects_a_domain() {
        // The prox of the indicator of [0, 1] is the projection.
        let z = uniform_values(20, -1.0, 2.0, 5);
        let objective = |x: &[f64]| {
            let inside = x.iter().all(|x| (0.0..=1.0).contains(x));
            prox_objective(if inside { 0.0 } else { f64::INFINITY }, x, &z, 0.5)
        };
        let projection: Vec<f64> = z.iter().map(|z| z.clamp(0.0, 1.0)).collect();
        assert!(probe_prox(&projection, objective, 6).relative_decrease() <= 1e-14);
    }
}
