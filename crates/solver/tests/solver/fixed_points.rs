//! Fixed points against direct solves, for linear symmetric denoisers D = W.

use tweedie_solver::{Executor, StopReason, StopRules};

use super::support::{
    Matrix, NOISE, build, fidelity, image, linear, problem, relative_distance, smoothing, truth, values,
};

/// Iterates are f32: each carries rounding errors of 6e-8 relative, which the slowest mode (contraction about 0.99)
/// amplifies a hundredfold.
const TOLERANCE: f64 = 2e-5;

fn limit(name: &str, parameters: &str, w: &Matrix) -> Vec<f64> {
    let algorithm = build(name, parameters, problem(linear(w.clone())));
    let rules = StopRules {
        tolerance: Some(3e-8),
        ..StopRules::default()
    };
    let restoration = Executor::new(algorithm.as_ref())
        .rules(rules)
        .run(image(&truth()))
        .unwrap();
    assert_ne!(restoration.stop, StopReason::Diverged, "{name}");
    values(&restoration.image)
}

/// (A^T A + alpha (I - W))^-1 A^T y.
fn red_solution(w: &Matrix, alpha: f64) -> Vec<f64> {
    let l = fidelity();
    let penalty = Matrix::identity().add(&w.scale(-1.0)).scale(alpha);
    l.normal().add(&penalty).solve(&l.adjoint_y())
}

/// W is the proximal operator of 1/2 x^T (W^-1 - I) x, so proximal splitting with data weight gamma solves
/// gamma (A^T A x - A^T y) + (W^-1 - I) x = 0, that is (gamma W A^T A + I - W) x = gamma W A^T y.
fn prox_solution(w: &Matrix, gamma: f64) -> Vec<f64> {
    let l = fidelity();
    let system = w
        .mul(&l.normal())
        .scale(gamma)
        .add(&Matrix::identity())
        .add(&w.scale(-1.0));
    let right: Vec<f64> = w.apply(&l.adjoint_y()).iter().map(|v| gamma * v).collect();
    system.solve(&right)
}

#[track_caller]
fn assert_close(got: &[f64], expected: &[f64]) {
    let distance = relative_distance(got, expected);
    assert!(distance < TOLERANCE, "relative distance {distance:.2e}");
}

#[test]
fn red_gd_solves_the_linear_red_equation() {
    // alpha = strength s^2 / sigma^2 with s = 0.05, sigma = 0.1.
    let w = smoothing(0.2);
    let got = limit("red-gd", "strength = 2\nsigma = 0.1\niterations = 5000", &w);
    assert_close(&got, &red_solution(&w, 2.0 * (NOISE / 0.1).powi(2)));
}

#[test]
fn red_gd_with_the_opposite_sign_would_not() {
    // The test above can tell the two signs apart: with -alpha the fixed point is 20 % away.
    let w = smoothing(0.2);
    let alpha = 2.0 * (NOISE / 0.1).powi(2);
    assert!(relative_distance(&red_solution(&w, -alpha), &red_solution(&w, alpha)) > 0.2);
}

#[test]
fn pnp_admm_solves_the_problem_of_which_w_is_the_prox() {
    let w = smoothing(0.2);
    let got = limit("pnp-admm", "strength = 2\nsigma = 0.1\niterations = 5000", &w);
    assert_close(&got, &prox_solution(&w, 1.0 / (2.0 * (NOISE / 0.1).powi(2))));
}

#[test]
fn pnp_admm_keeps_its_answer_when_the_level_changes_on_the_way() {
    // The level drops in iteration 4: the dual variable is rescaled, and the limit is that of the last level.
    let w = smoothing(0.2);
    let got = limit(
        "pnp-admm",
        "strength = 2\nsigma = [0.3, 0.2, 0.15, 0.1]\niterations = 5000",
        &w,
    );
    assert_close(&got, &prox_solution(&w, 1.0 / (2.0 * (NOISE / 0.1).powi(2))));
}

#[test]
fn pnp_hqs_at_a_constant_level_reaches_its_fixed_point() {
    // v = W (A^T A + rho I)^-1 (A^T y + rho v).
    let w = smoothing(0.2);
    let got = limit("pnp-hqs", "strength = 2\nsigma = 0.1\niterations = 5000", &w);
    let rho = 2.0 * (NOISE / 0.1).powi(2);
    let l = fidelity();
    let system = l.normal().add(&Matrix::identity().scale(rho));
    // With w_inverse: (A^T A + rho I) W^-1 v = A^T y + rho v.
    let inverse = Matrix::from_fn({
        let columns: Vec<Vec<f64>> = (0..64).map(|j| w.solve(&Matrix::identity().0[j])).collect();
        move |i, j| columns[j][i]
    });
    let expected = system
        .mul(&inverse)
        .add(&Matrix::identity().scale(-rho))
        .solve(&l.adjoint_y());
    assert_close(&got, &expected);
}
