//! Data fidelities: gradients against differences of the value, proximal operators against brute force.

mod common;

use std::sync::Arc;

use common::{image, random_image, random_values};
use tweedie_imaging::Image;
use tweedie_operators::{
    BayerPattern, Blur, Boundary, CgOptions, CompressedSensing, DataFidelity, Demosaicking, Downsampling, Field,
    Identity, InnerSolve, Kernel, L1, L2, L2Ball, LinearOperator, Mask, Mri, Poisson, Scaled, Whitened, random_mask,
};
use tweedie_testing::{Tolerance, assert_close, norm, probe_prox, prox_objective, relative_distance, values};

struct Case {
    name: String,
    fidelity: Box<dyn DataFidelity>,
    /// A point where the fidelity is finite.
    inside: Image,
}

fn skew_kernel() -> Kernel {
    Kernel::new(2, 3, vec![0.1, 0.5, 0.2, 0.4, 0.7, 0.1]).unwrap()
}

fn operators() -> Vec<(&'static str, Arc<dyn LinearOperator>)> {
    vec![
        ("identity", Arc::new(Identity::new([2, 2, 3]).unwrap())),
        (
            "blur circular",
            Arc::new(Blur::new([1, 3, 4], &skew_kernel(), Boundary::Circular).unwrap()),
        ),
        (
            "blur replicate (CG)",
            Arc::new(Blur::new([1, 3, 4], &skew_kernel(), Boundary::Replicate).unwrap()),
        ),
        ("mask", Arc::new(Mask::random([1, 4, 3], 0.5, 3).unwrap())),
        (
            "downsampling",
            Arc::new(Downsampling::new([1, 4, 4], 2, &skew_kernel(), Boundary::Circular).unwrap()),
        ),
    ]
}

/// Operators with orthonormal or zero rows.
fn row_operators() -> Vec<(&'static str, Arc<dyn LinearOperator>)> {
    vec![
        ("identity", Arc::new(Identity::new([2, 2, 3]).unwrap())),
        ("mask", Arc::new(Mask::random([1, 4, 3], 0.5, 3).unwrap())),
        (
            "demosaicking",
            Arc::new(Demosaicking::new([2, 3], BayerPattern::Gbrg).unwrap()),
        ),
        (
            "compressed sensing",
            Arc::new(CompressedSensing::new([1, 3, 4], 0.5, 1).unwrap()),
        ),
        (
            "mri",
            Arc::new(Mri::new(Field::Complex, [2, 3], &random_mask([2, 3], 0.5, 1).unwrap()).unwrap()),
        ),
    ]
}

fn positive(count: usize, seed: u64) -> Vec<f32> {
    random_values(count, seed)
        .into_iter()
        .map(|value| value.abs() + 0.1)
        .collect()
}

fn cases() -> Vec<Case> {
    let measured = |operator: &Arc<dyn LinearOperator>| random_image(1, operator.codomain(), 1);
    let mut cases = Vec::new();
    let mut add =
        |name: String, inside: Image, fidelity: Box<dyn DataFidelity>| cases.push(Case { name, fidelity, inside });
    for (name, operator) in operators() {
        let inside = random_image(1, operator.domain(), 3);
        add(
            format!("L2, {name}"),
            inside.clone(),
            Box::new(L2::new(operator.clone(), measured(&operator)).unwrap()),
        );
        let [c, h, w] = operator.domain();
        let bright = image(positive(c * h * w, 4), [1, c, h, w]);
        let y = operator.apply(image(positive(c * h * w, 5), [1, c, h, w])).unwrap();
        for background in [0.0, 0.3] {
            let poisson = Poisson::new(operator.clone(), y.clone(), 2.0, background).unwrap();
            add(
                format!("Poisson, {name}, background {background}"),
                bright.clone(),
                Box::new(poisson),
            );
        }
    }
    for (name, operator) in row_operators().into_iter().chain(operators().into_iter().skip(1)) {
        let inside = random_image(1, operator.domain(), 3);
        add(
            format!("L1, {name}"),
            inside,
            Box::new(L1::new(operator.clone(), measured(&operator)).unwrap()),
        );
    }
    cases
}

/// h is convex, so what a search by values alone finds below the candidate tells how wrong it is: f32 products give values 1e-7
/// apart, and a relative decrease of 1e-6 is an error of sqrt(2 gamma 1e-6), some 1e-3.
#[test]
fn prox_against_brute_force() {
    let mut checked = 0;
    for Case { name, fidelity, .. } in cases() {
        let [c, h, w] = fidelity.domain();
        let z = random_image(1, [c, h, w], 2);
        for gamma in [0.2, 3.0] {
            let (prox, solve) = fidelity.prox(z.clone(), gamma).unwrap();
            if let InnerSolve::Iterative { converged, .. } = solve {
                assert!(converged, "{name}: {solve:?}");
            }
            let objective = |x: &[f64]| {
                let x32: Vec<f32> = x.iter().map(|&x| x as f32).collect();
                let value = fidelity.value(image(x32, [1, c, h, w])).unwrap()[0];
                prox_objective(value, x, &values(&z), gamma)
            };
            let probe = probe_prox(&values(&prox), objective, 7);
            assert!(
                probe.relative_decrease() <= 1e-6,
                "{name}, gamma = {gamma}: {:e}",
                probe.relative_decrease()
            );
            checked += 1;
        }
    }
    assert!(checked >= 2 * (5 + 2 * 2 + 5), "proximal operators vanished: {checked}");
}

#[test]
fn gradients_are_those_of_the_values() {
    let mut checked = 0;
    for Case { name, fidelity, inside } in cases() {
        let Ok(grad) = fidelity.grad(inside.clone()) else {
            continue;
        };
        let direction = random_image(1, fidelity.domain(), 4);
        // Central differences err by t^2 / 6 times third derivatives, here up to 1e2, and by f32 rounding of A x, 1e-7 / t.
        let t = 2e-3;
        let value = |t: f64| fidelity.value(inside.clone() + direction.clone() * t).unwrap()[0];
        let difference = (value(t) - value(-t)) / (2.0 * t);
        let product: f64 = values(&grad).iter().zip(values(&direction)).map(|(g, d)| g * d).sum();
        let tolerance = Tolerance { atol: 1e-3, rtol: 1e-3 };
        assert_close(&name, &[difference], &[product], tolerance);
        checked += 1;
    }
    assert!(checked >= 15, "gradients vanished: {checked}");
}

/// Points with A x >= 0, where the Poisson constant holds too: nonnegative images for these operators.
#[test]
fn lipschitz_bounds_gradient_differences() {
    for Case { name, fidelity, .. } in cases() {
        let Some(lipschitz) = fidelity.lipschitz() else {
            continue;
        };
        let [c, h, w] = fidelity.domain();
        for seed in 0..5 {
            let point = |seed| image(positive(c * h * w, seed), [1, c, h, w]) - 0.1;
            let (a, b) = (point(seed), point(seed + 100));
            let change = norm(&(fidelity.grad(a.clone()).unwrap() - fidelity.grad(b.clone()).unwrap()));
            assert!(change <= lipschitz * norm(&(a - b)) * (1.0 + 1e-5), "{name}");
        }
    }
}

#[test]
fn poisson_values_and_gradients_know_their_domain() {
    let operator: Arc<dyn LinearOperator> = Arc::new(Identity::new([1, 1, 2]).unwrap());
    let pair = |a, b| image(vec![a, b], [1, 1, 1, 2]);
    let poisson = Poisson::new(operator.clone(), pair(0.5, 0.0), 10.0, 0.0).unwrap();
    assert!(poisson.value(pair(0.5, 0.0)).unwrap()[0].abs() < 1e-12, "zero at u = y");
    let expected = 10.0 * (1.0 - 0.5 + 0.5 * 0.5f64.ln() + 0.25);
    assert_close(
        "by hand",
        &poisson.value(pair(1.0, 0.25)).unwrap(),
        &[expected],
        Tolerance::absolute(1e-6),
    );
    for outside in [pair(0.0, 0.0), pair(-0.1, 0.0), pair(0.5, -0.1)] {
        assert_eq!(poisson.value(outside.clone()).unwrap(), [f64::INFINITY]);
        assert!(poisson.grad(outside).is_err());
    }
    assert_eq!(poisson.lipschitz(), None);
    let negative = Poisson::new(operator.clone(), pair(-0.1, 0.0), 1.0, 0.0);
    assert!(negative.unwrap_err().to_string().contains("-0.1"));
    for (gain, background) in [(0.0, 0.0), (f64::NAN, 0.0), (1.0, -1.0), (1.0, f64::INFINITY)] {
        assert!(Poisson::new(operator.clone(), pair(0.5, 0.0), gain, background).is_err());
    }
}

/// The projection p of z satisfies <z - p, x - p> <= 0 for all x in the set, and lies on the border if z is outside.
#[test]
fn l2_ball_projects() {
    let mut all = row_operators();
    all.extend(
        operators()
            .into_iter()
            .filter(|(_, operator)| operator.normal_solve().is_some()),
    );
    all.push((
        "mri, real",
        Arc::new(Mri::new(Field::Real, [3, 4], &random_mask([3, 4], 0.6, 1).unwrap()).unwrap()),
    ));
    for (name, operator) in all {
        let truth = random_image(2, operator.domain(), 1);
        let y = operator.apply(truth.clone()).unwrap();
        let radius = 0.3;
        let ball = L2Ball::new(operator.clone(), y.clone(), radius).unwrap();
        let z = random_image(2, operator.domain(), 2);
        let (p, solve) = ball.prox(z.clone(), 1.0).unwrap();
        assert!(
            !matches!(solve, InnerSolve::Iterative { converged: false, .. }),
            "{name}: {solve:?}"
        );
        let residual = operator.apply(p.clone()).unwrap() - y.clone();
        for n in 0..2 {
            let miss = (norm(&residual.clone().narrow(0, n, 1)) / radius - 1.0).abs();
            assert!(miss < 1e-3, "{name}, image {n}: {miss}");
        }
        assert_eq!(ball.value(p.clone()).unwrap(), [0.0; 2], "{name}");
        assert_eq!(ball.value(z.clone()).unwrap(), [f64::INFINITY; 2], "{name}");
        for seed in 3..13 {
            // Points of the set around the truth: ||A d|| <= ||d|| since ||A|| <= 1 but for the bound's slack.
            let d = random_image(2, operator.domain(), seed);
            let x = truth.clone() + d.clone() * (0.9 * radius / (norm(&d) * operator.norm_sq().sqrt().max(1.0)));
            assert_eq!(ball.value(x.clone()).unwrap(), [0.0; 2], "{name}");
            let product: f64 = values(&(z.clone() - p.clone()))
                .iter()
                .zip(values(&(x - p.clone())))
                .map(|(a, b)| a * b)
                .sum();
            assert!(product <= 1e-3, "{name}: {product}");
        }
        let (same, _) = ball.prox(truth.clone(), 1.0).unwrap();
        assert!(relative_distance(&same, &truth) < 1e-6, "{name}: points inside stay");
    }
}

#[test]
fn l2_ball_says_when_it_is_empty() {
    // Downsampling by 2 with a kernel that mixes: y can always be reached; a blur whose transfer has zeros cannot reach noise.
    let kernel = Kernel::new(1, 2, vec![0.5, 0.5]).unwrap();
    let operator: Arc<dyn LinearOperator> = Arc::new(Blur::new([1, 2, 4], &kernel, Boundary::Circular).unwrap());
    let alternating = image(vec![1.0, -1.0, 1.0, -1.0, 1.0, -1.0, 1.0, -1.0], [1, 1, 2, 4]);
    let ball = L2Ball::new(operator.clone(), alternating.clone(), 0.5).unwrap();
    let error = ball.prox(alternating.clone(), 1.0).unwrap_err().to_string();
    assert!(error.contains("radius"), "{error}");
    let replicate: Arc<dyn LinearOperator> = Arc::new(Blur::new([1, 2, 4], &kernel, Boundary::Replicate).unwrap());
    let ball = L2Ball::new(replicate.clone(), alternating.clone(), 0.5).unwrap();
    // No closed form: computed by the dual. With this border every y can be reached.
    let (near, solve) = ball.prox(alternating.clone() * 0.0, 1.0).unwrap();
    assert!(
        matches!(solve, InnerSolve::Iterative { converged: true, .. }),
        "{solve:?}"
    );
    let distance = norm(&(replicate.apply(near).unwrap() - alternating.clone()));
    assert!((distance - 0.5).abs() < 1e-3, "{distance}");
    assert!(L2Ball::new(operator, alternating, 0.0).is_err());
}

#[test]
fn wrong_arguments_are_refused() {
    for Case { name, fidelity, .. } in cases() {
        let [c, h, w] = fidelity.domain();
        for wrong in [random_image(1, [c, h + 1, w], 1), random_image(2, [c, h, w], 1)] {
            assert!(fidelity.value(wrong.clone()).is_err(), "{name}");
            assert!(fidelity.grad(wrong.clone()).is_err(), "{name}");
            assert!(fidelity.prox(wrong, 1.0).is_err(), "{name}");
        }
        for gamma in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(
                fidelity.prox(random_image(1, [c, h, w], 1), gamma).is_err(),
                "{name}: gamma = {gamma}"
            );
        }
    }
    let identity: Arc<dyn LinearOperator> = Arc::new(Identity::new([1, 1, 2]).unwrap());
    assert!(L2::new(identity.clone(), image(vec![f32::NAN, 0.0], [1, 1, 1, 2])).is_err());
    assert!(L2::new(identity, image(vec![0.0], [1, 1, 1, 1])).is_err());
}

#[test]
fn unconverged_inner_solves_say_so() {
    let operator: Arc<dyn LinearOperator> =
        Arc::new(Blur::new([1, 16, 16], &Kernel::uniform(5).unwrap(), Boundary::Replicate).unwrap());
    let y = random_image(2, operator.codomain(), 5);
    let z = random_image(2, operator.domain(), 6);
    let short = CgOptions {
        tolerance: 1e-6,
        max_iterations: 3,
    };
    let l2 = L2::new(operator.clone(), y.clone()).unwrap().with_cg(short);
    let (_, solve) = l2.prox(z.clone(), 100.0).unwrap();
    assert!(
        matches!(solve, InnerSolve::Iterative { iterations: 3, converged: false, relative_residual } if relative_residual > 1e-6),
        "{solve:?}"
    );
    let (_, solve) = L2::new(operator, y).unwrap().prox(z, 100.0).unwrap();
    let InnerSolve::Iterative {
        converged,
        relative_residual,
        ..
    } = solve
    else {
        panic!("{solve:?}")
    };
    assert!(converged && relative_residual <= 1e-5, "{solve:?}");
}

/// A whitened least squares is the sum of (A x - y)^2 s^2 / s(p)^2 / 2, and scaling multiplies value, gradient and constant.
#[test]
fn weights_and_factors_are_what_they_say() {
    let operator: Arc<dyn LinearOperator> = Arc::new(Mask::random([1, 4, 3], 0.5, 3).unwrap());
    let (x, y) = (random_image(1, [1, 4, 3], 1), random_image(1, [1, 4, 3], 2));
    let levels = image(positive(12, 6), [1, 1, 4, 3]);
    let whitened = Whitened::new(operator.clone(), &levels, 0.5).unwrap();
    let white = whitened.whiten(y.clone()).unwrap();
    let l2: Arc<dyn DataFidelity> = Arc::new(L2::new(Arc::new(whitened), white).unwrap());
    let residual = values(&(operator.apply(x.clone()).unwrap() - y.clone()));
    let expected: f64 = residual
        .iter()
        .zip(values(&levels))
        .map(|(r, s)| (r * 0.5 / s).powi(2) / 2.0)
        .sum();
    let value = l2.value(x.clone()).unwrap()[0];
    assert!((value / expected - 1.0).abs() < 1e-5, "{value} {expected}");
    let scaled = Scaled::new(l2.clone(), 3.0).unwrap();
    assert!((scaled.value(x.clone()).unwrap()[0] / value - 3.0).abs() < 1e-6);
    assert!(relative_distance(&scaled.grad(x.clone()).unwrap(), &(l2.grad(x.clone()).unwrap() * 3.0)) < 1e-6);
    assert_eq!(scaled.lipschitz(), l2.lipschitz().map(|constant| 3.0 * constant));
    let (a, b) = (scaled.prox(x.clone(), 0.2).unwrap().0, l2.prox(x, 0.6).unwrap().0);
    assert!(relative_distance(&a, &b) < 1e-5);
    assert!(Scaled::new(l2, 0.0).is_err());
    for bad in [0.0, -1.0, f32::NAN] {
        let levels = image(vec![bad; 12], [1, 1, 4, 3]);
        assert!(Whitened::new(operator.clone(), &levels, 0.5).is_err(), "{bad}");
    }
}
