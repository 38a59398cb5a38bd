//! Fixed points against direct solves, for linear symmetric denoisers D = W.

use tweedie_imaging::{Sigma, noise};
use tweedie_solver::{Executor, Prior, Restoration, StopReason, StopRules};

use super::support::{
    Matrix, N, NOISE, SIDE, build, fidelity, image, linear, linear_gradient, norm, problem, relative_distance,
    smoothing, truth, values,
};

/// Iterates are f32: each carries rounding errors of 6e-8 relative, which the slowest mode (contraction about 0.99)
/// amplifies a hundredfold.
const TOLERANCE: f64 = 2e-5;

fn run(name: &str, parameters: &str, prior: Prior) -> Restoration {
    let algorithm = build(name, parameters, problem(prior));
    let rules = StopRules {
        tolerance: Some(3e-8),
        ..StopRules::default()
    };
    let restoration = Executor::new(algorithm.as_ref())
        .rules(rules)
        .run(image(&truth()))
        .unwrap();
    assert_ne!(restoration.stop, StopReason::Diverged, "{name}");
    restoration
}

fn limit(name: &str, parameters: &str, w: &Matrix) -> Vec<f64> {
    values(&run(name, parameters, linear(w.clone())).image)
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
fn assert_close(what: &str, got: &[f64], expected: &[f64]) {
    let distance = relative_distance(got, expected);
    assert!(distance < TOLERANCE, "{what}: relative distance {distance:.2e}");
}

/// strength 2 and sigma 0.1, so that alpha = rho = 2 (s / 0.1)^2.
const SETTINGS: &str = "strength = 2\nsigma = 0.1\niterations = 5000\n";
const WEIGHT: f64 = 2.0 * (NOISE / 0.1) * (NOISE / 0.1);

#[test]
fn all_red_methods_solve_the_linear_red_equation() {
    let w = smoothing(0.2);
    let expected = red_solution(&w, WEIGHT);
    for (name, own) in [
        ("red-gd", ""),
        ("red-gd", "anderson = 5"),
        ("red-fp", ""),
        ("red-fp", "anderson = 5"),
        ("red-admm", ""),
        ("red-admm", "inner = 3"),
        ("red-admm", "penalty = 0.3\nanderson = 5"),
        ("red-pg", "step = 0.5"),
        ("red-dpg", ""),
        ("red-apg", ""),
    ] {
        assert_close(
            &format!("{name} {own}"),
            &limit(name, &format!("{SETTINGS}{own}"), &w),
            &expected,
        );
    }
    let expected_energy = energy(&w, WEIGHT, &expected);
    for name in ["red-gd", "gs-pnp"] {
        let run = run(name, SETTINGS, linear_gradient(w.clone()));
        // Backtracking cannot see the last 1e-6 of the energy, so the iterate is known to the root of that.
        assert!(relative_distance(&values(&run.image), &expected) < 1e-4, "{name}");
        let reached = run.trace.last().unwrap().objective.unwrap();
        assert!(
            (reached - expected_energy).abs() < 1e-5 * expected_energy,
            "{name}: {reached} {expected_energy}"
        );
    }
}

/// 1/2 ||Ax - y||^2 + alpha/2 x^T (I - W) x.
fn energy(w: &Matrix, alpha: f64, x: &[f64]) -> f64 {
    let l = fidelity();
    let residual: Vec<f64> = l.a.apply(x).iter().zip(&l.y).map(|(a, y)| a - y).collect();
    let penalty: f64 = x.iter().zip(w.apply(x)).map(|(x, wx)| x * (x - wx)).sum();
    0.5 * norm(&residual).powi(2) + 0.5 * alpha * penalty
}

#[test]
fn red_gd_with_the_opposite_sign_would_not() {
    // The test above can tell the two signs apart: with -alpha the fixed point is 20 % away.
    let w = smoothing(0.2);
    assert!(relative_distance(&red_solution(&w, -WEIGHT), &red_solution(&w, WEIGHT)) > 0.2);
}

#[test]
fn energies_fall_in_every_iteration() {
    let w = smoothing(0.2);
    // A first step that is far too long makes backtracking work.
    for (name, own) in [
        ("red-gd", "step = 30"),
        ("gs-pnp", ""),
        ("gs-pnp", "step = 300"),
        ("prox-pnp", ""),
    ] {
        let settings = if name == "prox-pnp" {
            "sigma = 0.1\niterations = 500\n"
        } else {
            SETTINGS
        };
        let run = run(name, &format!("{settings}{own}"), linear_gradient(w.clone()));
        let energies: Vec<f64> = run.trace.iter().map(|r| r.objective.unwrap()).collect();
        let rises = |pair: &&[f64]| pair[1] > pair[0] * (1.0 + 1e-6);
        assert!(
            energies.len() > 3 && energies.windows(2).find(rises).is_none(),
            "{name}: {energies:?}"
        );
    }
}

#[test]
fn splittings_solve_the_problem_of_which_w_is_the_prox() {
    let w = smoothing(0.2);
    let expected = prox_solution(&w, 1.0 / WEIGHT);
    for (name, own) in [
        ("pnp-admm", ""),
        ("pnp-admm", "anderson = 5"),
        ("pnp-drs", ""),
        ("pnp-drs", "relaxation = 1.6"),
        ("pnp-drs", "relaxation = 0.5"),
    ] {
        assert_close(
            &format!("{name} {own}"),
            &limit(name, &format!("{SETTINGS}{own}"), &w),
            &expected,
        );
    }
}

#[test]
fn proximal_gradient_methods_solve_it_for_their_step() {
    let w = smoothing(0.2);
    let settings = "sigma = 0.1\nstep = 0.8\niterations = 5000\n";
    for (name, own) in [("pnp-pgd", ""), ("pnp-pgd", "anderson = 5"), ("pnp-fista", "")] {
        let got = limit(name, &format!("{settings}{own}"), &w);
        assert_close(&format!("{name} {own}"), &got, &prox_solution(&w, 0.8));
    }
    let relaxed = Matrix::identity().scale(0.7).add(&w.scale(0.3));
    let run = run("prox-pnp", &format!("{settings}relaxation = 0.3"), linear_gradient(w));
    assert_close("prox-pnp", &values(&run.image), &prox_solution(&relaxed, 0.8));
}

#[test]
fn prox_pnp_reports_the_objective_of_which_the_denoiser_is_the_prox() {
    // phi = 1/2 x^T (W^-1 - I) x for D_a = W.
    let w = Matrix::identity().scale(0.5).add(&smoothing(0.2).scale(0.5));
    let run = run(
        "prox-pnp",
        "sigma = 0.1\nstep = 0.8\niterations = 30",
        linear_gradient(smoothing(0.2)),
    );
    let x = values(&run.image);
    let phi: f64 = 0.5
        * x.iter()
            .zip(w.solve(&x))
            .map(|(x, inverse)| x * (inverse - x))
            .sum::<f64>();
    let expected = energy(&w, 0.0, &x) + phi / 0.8;
    let got = run.trace.last().unwrap().objective.unwrap();
    assert!((got - expected).abs() < 1e-4 * expected, "{got} {expected}");
}

#[test]
fn splittings_keep_their_answer_when_the_level_changes_on_the_way() {
    // The level drops in the first iterations: the dual variable is rescaled, and the limit is that of the last level.
    let w = smoothing(0.2);
    let settings = "strength = 2\nsigma = [0.3, 0.2, 0.15, 0.1]\niterations = 5000";
    assert_close(
        "pnp-admm",
        &limit("pnp-admm", settings, &w),
        &prox_solution(&w, 1.0 / WEIGHT),
    );
    assert_close("red-admm", &limit("red-admm", settings, &w), &red_solution(&w, WEIGHT));
}

#[test]
fn pnp_hqs_at_a_constant_level_reaches_its_fixed_point() {
    // v = W (A^T A + rho I)^-1 (A^T y + rho v), that is ((A^T A + rho I) W^-1 - rho I) v = A^T y.
    let w = smoothing(0.2);
    let l = fidelity();
    let columns: Vec<Vec<f64>> = (0..N).map(|j| w.solve(&Matrix::identity().0[j])).collect();
    let inverse = Matrix::from_fn(|i, j| columns[j][i]);
    let rho = Matrix::identity().scale(WEIGHT);
    let system = l.normal().add(&rho).mul(&inverse).add(&rho.scale(-1.0));
    assert_close(
        "pnp-hqs",
        &limit("pnp-hqs", SETTINGS, &w),
        &system.solve(&l.adjoint_y()),
    );
}

#[test]
fn anderson_needs_fewer_iterations() {
    // A short step makes the plain iteration slow.
    let settings = format!("{SETTINGS}step = 0.1\n");
    let count = |own: &str| {
        run("red-gd", &format!("{settings}{own}"), linear(smoothing(0.2)))
            .trace
            .len()
    };
    let (plain, accelerated) = (count(""), count("anderson = 5"));
    assert!(accelerated * 5 < plain, "{accelerated} against {plain}");
}

/// Averages columns pairwise: a projection onto images that are constant on pairs.
fn pair_projection() -> Matrix {
    Matrix::from_fn(|i, j| {
        if i / SIDE == j / SIDE && i % SIDE / 2 == j % SIDE / 2 {
            0.5
        } else {
            0.0
        }
    })
}

#[test]
fn red_pro_minimises_the_data_term_over_the_fixed_points() {
    // D = (P + I)/2 has the range of the projection P as fixed points. There the solution is
    // (P A^T A P + I - P)^-1 P A^T y.
    let p = pair_projection();
    let l = fidelity();
    let rest = Matrix::identity().add(&p.scale(-1.0));
    let expected = p.mul(&l.normal()).mul(&p).add(&rest).solve(&p.apply(&l.adjoint_y()));
    let d = Matrix::identity().scale(0.5).add(&p.scale(0.5));
    let distance = |iterations: u32| {
        let settings = format!("sigma = 0.1\ndecay = 0.6\niterations = {iterations}");
        let algorithm = build("red-pro", &settings, problem(linear(d.clone())));
        let run = Executor::new(algorithm.as_ref()).run(image(&truth())).unwrap();
        relative_distance(&values(&run.image), &expected)
    };
    // The distance is of the order of the step, 1 / (k + 1)^0.6: 0.016 and 0.004.
    let (early, late) = (distance(1000), distance(10_000));
    assert!(late < 0.01 && late < 0.4 * early, "{early} {late}");
}

#[test]
fn relaxed_red_pro_penalises_the_distance_to_the_halpern_projection() {
    // m steps of Halpern's iteration with a linear D_a are a polynomial q(W), and the fixed point solves
    // (A^T A + alpha (I - q(W))) x = A^T y.
    let w = smoothing(0.2);
    let mut q = Matrix::identity();
    for j in 1..=3 {
        let anchor = 1.0 / f64::from(j + 1);
        q = Matrix::identity().scale(anchor).add(&w.mul(&q).scale(1.0 - anchor));
    }
    let got = limit("red-pro-relaxed", &format!("{SETTINGS}inner = 3"), &w);
    assert_close("red-pro-relaxed", &got, &red_solution(&q, WEIGHT));
    // Many steps reach the projection itself: onto the pairs it is P.
    let p = pair_projection();
    let got = limit("red-pro-relaxed", &format!("{SETTINGS}inner = 1\nrelaxation = 1"), &p);
    let half = Matrix::identity().add(&p).scale(0.5);
    assert_close("projection", &got, &red_solution(&half, WEIGHT));
}

#[test]
fn diffpir_does_the_steps_of_its_definition() {
    let w = smoothing(0.2);
    let levels = [0.2, 0.1, 0.05];
    let settings = "strength = 3\nsigma = [0.2, 0.1, 0.05]\nzeta = 0.4\nseed = 9\niterations = 3";
    let algorithm = build("diffpir", settings, problem(linear(w.clone())));
    let got = Executor::new(algorithm.as_ref()).run(image(&truth())).unwrap();
    let l = fidelity();
    let noise = |level: f64, stream: u64| {
        let sigma = Sigma::new(level).unwrap();
        noise::gaussian_values(N, sigma.value(), 9, stream)
            .into_iter()
            .map(f64::from)
            .collect::<Vec<_>>()
    };
    let mut z: Vec<f64> = truth().iter().zip(noise(levels[0], 0)).map(|(x, n)| x + n).collect();
    let mut x = Vec::new();
    for k in 0..3 {
        let rho = 3.0 * (NOISE / levels[k]).powi(2);
        let right: Vec<f64> = w
            .apply(&z)
            .iter()
            .zip(l.adjoint_y())
            .map(|(d, b)| rho * d + b)
            .collect();
        x = l.normal().add(&Matrix::identity().scale(rho)).solve(&right);
        let next = levels[(k + 1).min(2)];
        let fresh = noise(next, k as u64 + 1);
        z = (0..N)
            .map(|i| x[i] + 0.6_f64.sqrt() * next / levels[k] * (z[i] - x[i]) + 0.4_f64.sqrt() * fresh[i])
            .collect();
    }
    assert_close("diffpir", &values(&got.image), &x);
    assert_eq!(got.trace[2].work.denoiser_calls, 3);
}
