//! Data fidelities: gradients against differences of the value, proximal operators against brute force.

mod common;

use std::sync::Arc;

use common::{image, random_image, values};
use tweedie_imaging::Image;
use tweedie_operators::{
    Blur, Boundary, CgOptions, DataFidelity, Downsampling, Identity, InnerSolve, Kernel, L2, LinearOperator, Mask,
};

struct Case {
    name: &'static str,
    fidelity: Box<dyn DataFidelity>,
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

fn cases() -> Vec<Case> {
    let measured = |operator: &Arc<dyn LinearOperator>| random_image(1, operator.codomain(), 1);
    operators()
        .into_iter()
        .map(|(name, operator)| {
            let fidelity = L2::new(operator.clone(), measured(&operator)).unwrap();
            Case {
                name,
                fidelity: Box::new(fidelity),
            }
        })
        .collect()
}

/// h(x) = l(x) + ||x - z||^2 / (2 gamma).
fn prox_objective(fidelity: &dyn DataFidelity, x: &[f64], z: &[f64], gamma: f64) -> f64 {
    let [c, h, w] = fidelity.domain();
    let x32: Vec<f32> = x.iter().map(|&x| x as f32).collect();
    let distance: f64 = x32.iter().zip(z).map(|(&x, z)| (f64::from(x) - z).powi(2)).sum();
    fidelity.value(image(x32, [1, c, h, w])).unwrap()[0] + distance / (2.0 * gamma)
}

/// Minimises h by pattern search, one pixel at a time, with the value alone: steps from 0.5 down to 1e-4.
fn brute_force_prox(fidelity: &dyn DataFidelity, z: &Image, gamma: f64) -> Vec<f64> {
    let z = values(z);
    let mut x = z.clone();
    let mut best = prox_objective(fidelity, &x, &z, gamma);
    let mut step = 0.5;
    while step > 1e-4 {
        let mut moved = false;
        for i in 0..x.len() {
            for sign in [-1.0, 1.0] {
                let old = x[i];
                x[i] += sign * step;
                let candidate = prox_objective(fidelity, &x, &z, gamma);
                if candidate < best {
                    best = candidate;
                    moved = true;
                } else {
                    x[i] = old;
                }
            }
        }
        if !moved {
            step *= 0.5;
        }
    }
    x
}

/// Pattern search ends within its last step, 1e-4, per pixel times the conditioning; f32 values of h allow 1e-3.
#[test]
fn prox_against_brute_force() {
    for Case { name, fidelity } in cases() {
        let z = random_image(1, fidelity.domain(), 2);
        for gamma in [0.2, 3.0] {
            let (prox, solve) = fidelity.prox(z.clone(), gamma).unwrap();
            if let InnerSolve::Iterative { converged, .. } = solve {
                assert!(converged, "{name}: {solve:?}");
            }
            let expected = brute_force_prox(fidelity.as_ref(), &z, gamma);
            for (got, expected) in values(&prox).iter().zip(&expected) {
                assert!(
                    (got - expected).abs() < 2e-3,
                    "{name}, gamma = {gamma}: {got} {expected}"
                );
            }
            let h = |x: &[f64]| prox_objective(fidelity.as_ref(), x, &values(&z), gamma);
            assert!(h(&values(&prox)) <= h(&expected) + 1e-6, "{name}, gamma = {gamma}");
        }
    }
}

#[test]
fn gradients_are_those_of_the_values() {
    for Case { name, fidelity } in cases() {
        let x = random_image(1, fidelity.domain(), 3);
        let grad = values(&fidelity.grad(x.clone()).unwrap());
        let direction = random_image(1, fidelity.domain(), 4);
        // Central difference: exact for quadratics but for f32 rounding of A x, 1e-7 / 1e-2.
        let t = 1e-2;
        let value = |t: f64| fidelity.value(x.clone() + direction.clone() * t).unwrap()[0];
        let difference = (value(t) - value(-t)) / (2.0 * t);
        let product: f64 = grad.iter().zip(values(&direction)).map(|(g, d)| g * d).sum();
        assert!(
            (difference - product).abs() < 1e-4 * (1.0 + product.abs()),
            "{name}: {difference} {product}"
        );
    }
}

#[test]
fn lipschitz_bounds_gradient_differences() {
    for Case { name, fidelity } in cases() {
        let Some(lipschitz) = fidelity.lipschitz() else {
            continue;
        };
        for seed in 0..5 {
            let (a, b) = (
                random_image(1, fidelity.domain(), seed),
                random_image(1, fidelity.domain(), seed + 100),
            );
            let change = common::norm(&(fidelity.grad(a.clone()).unwrap() - fidelity.grad(b.clone()).unwrap()));
            assert!(change <= lipschitz * common::norm(&(a - b)) * (1.0 + 1e-5), "{name}");
        }
    }
}

#[test]
fn wrong_arguments_are_refused() {
    for Case { name, fidelity } in cases() {
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
