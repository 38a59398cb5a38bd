//! The list of checks that every operator passes. A new operator joins `cases`.

mod common;

use std::sync::Arc;

use common::random_image;
use tweedie_imaging::Image;
use tweedie_operators::{
    BayerPattern, Blur, Boundary, CgOptions, CompressedSensing, Demosaicking, Determined, Downsampling, Field,
    Identity, InnerSolve, Kernel, LinearOperator, Mask, Mri, MultiCoilMri, Radon, Resampling, UnknownBorder, Whitened,
    cartesian_mask, centred_phase, conjugate_gradient, random_mask, synthetic_sensitivities,
};
use tweedie_testing::{dot, norm, relative_distance, values};

struct Case {
    name: &'static str,
    operator: Arc<dyn LinearOperator>,
    /// Largest norm_sq / ||A||^2.
    tightness: f64,
}

fn case(name: &'static str, operator: impl LinearOperator + 'static) -> Case {
    Case {
        name,
        operator: Arc::new(operator),
        tightness: 1.01,
    }
}

/// Where the norm is bounded by a few steps of power iteration, not known.
fn bounded(name: &'static str, operator: impl LinearOperator + 'static) -> Case {
    Case {
        tightness: 1.05,
        ..case(name, operator)
    }
}

/// A kernel without symmetries, so that a flip or transposition shows.
fn skew_kernel(rows: usize, cols: usize) -> Kernel {
    let value = |n: usize| 0.1 + ((n * 37 + 11) % 17) as f64 / 17.0;
    Kernel::new(rows, cols, (0..rows * cols).map(value).collect()).unwrap()
}

/// Undersampling keeps the norm below its bound, which is that of full sampling.
fn coils(name: &'static str, field: Field) -> Case {
    let maps = synthetic_sensitivities(3, [9, 8]).unwrap();
    let operator = MultiCoilMri::new(field, [9, 8], &cartesian([9, 8]), &maps).unwrap();
    Case {
        tightness: 1.6,
        ..case(name, operator)
    }
}

fn bicubic(factor: usize) -> Kernel {
    Kernel::resampling(Resampling::Bicubic, factor).unwrap()
}

fn resampled(domain: [usize; 3], factor: usize, resampling: Resampling) -> Downsampling {
    let kernel = Kernel::resampling(resampling, factor).unwrap();
    Downsampling::with_phase(domain, factor, &kernel, Boundary::Circular, centred_phase(factor)).unwrap()
}

fn random(dims: [usize; 2]) -> Vec<f32> {
    random_mask(dims, 0.4, 3).unwrap()
}

fn cartesian(dims: [usize; 2]) -> Vec<f32> {
    cartesian_mask(dims, 0.5, 0.2, 3).unwrap()
}

fn cases() -> Vec<Case> {
    use Boundary::{Circular, Replicate};
    let mut signed = skew_kernel(5, 4).values().to_vec();
    signed[3] *= -1.0;
    let signed = Kernel::new(5, 4, signed).unwrap();
    vec![
        case("identity", Identity::new([3, 7, 5]).unwrap()),
        case(
            "blur circular 5x3",
            Blur::new([2, 16, 12], &skew_kernel(5, 3), Circular).unwrap(),
        ),
        case(
            "blur circular even 4x6, odd image",
            Blur::new([1, 11, 13], &skew_kernel(4, 6), Circular).unwrap(),
        ),
        case(
            "blur circular kernel larger than image",
            Blur::new([1, 5, 4], &skew_kernel(9, 11), Circular).unwrap(),
        ),
        case(
            "blur circular signed",
            Blur::new([1, 9, 10], &signed, Circular).unwrap(),
        ),
        bounded(
            "blur replicate 5x3",
            Blur::new([2, 16, 12], &skew_kernel(5, 3), Replicate).unwrap(),
        ),
        bounded(
            "blur replicate even 4x6, odd image",
            Blur::new([1, 11, 13], &skew_kernel(4, 6), Replicate).unwrap(),
        ),
        bounded(
            "blur replicate kernel larger than image",
            Blur::new([1, 5, 4], &skew_kernel(9, 11), Replicate).unwrap(),
        ),
        // The bound is that of |k|, so it cannot be tight.
        Case {
            tightness: 2.0,
            ..case(
                "blur replicate signed",
                Blur::new([1, 9, 10], &signed, Replicate).unwrap(),
            )
        },
        // The bound is that of the largest weight at every place.
        Case {
            tightness: 30.0,
            ..case("whitened blur", {
                let blur = Blur::new([2, 16, 12], &skew_kernel(5, 3), Circular).unwrap();
                let levels = random_image(1, [2, 16, 12], 9).abs() + 0.3;
                Whitened::new(Arc::new(blur), &levels, 0.5).unwrap()
            })
        },
        case("mask shared", Mask::random([3, 8, 9], 0.4, 1).unwrap()),
        case(
            "mask per channel",
            Mask::new([2, 2, 2], &[1.0, 0.0, 0.0, 1.0, 0.0, 1.0, 1.0, 1.0]).unwrap(),
        ),
        case(
            "downsampling 2 circular",
            Downsampling::new([2, 12, 10], 2, &skew_kernel(5, 3), Circular).unwrap(),
        ),
        case(
            "downsampling 3 circular, odd",
            Downsampling::new([1, 15, 9], 3, &skew_kernel(4, 7), Circular).unwrap(),
        ),
        case(
            "downsampling 4 circular",
            Downsampling::new([1, 16, 8], 4, &skew_kernel(3, 3), Circular).unwrap(),
        ),
        case(
            "downsampling 1",
            Downsampling::new([1, 6, 7], 1, &skew_kernel(3, 3), Circular).unwrap(),
        ),
        bounded(
            "downsampling 2 replicate",
            Downsampling::new([1, 12, 10], 2, &skew_kernel(5, 3), Replicate).unwrap(),
        ),
        case(
            "downsampling 4 circular, last phase",
            Downsampling::with_phase([1, 12, 8], 4, &skew_kernel(3, 5), Circular, 3).unwrap(),
        ),
        bounded(
            "downsampling 3 replicate, phase 2 beyond the kernel",
            Downsampling::with_phase([1, 9, 12], 3, &skew_kernel(2, 3), Replicate, 2).unwrap(),
        ),
        case(
            "downsampling 2 circular, centred bicubic",
            resampled([1, 16, 12], 2, Resampling::Bicubic),
        ),
        case(
            "downsampling 3 circular, centred lanczos",
            resampled([1, 15, 21], 3, Resampling::Lanczos),
        ),
        // The bound is that of the periodic operator, which measures more.
        Case {
            tightness: 1.2,
            ..case(
                "unknown border, blur 5x4",
                UnknownBorder::new([2, 11, 13], 1, &skew_kernel(5, 4), 0).unwrap(),
            )
        },
        Case {
            tightness: 5.0,
            ..case(
                "unknown border, kernel larger than picture",
                UnknownBorder::new([1, 4, 5], 1, &skew_kernel(9, 7), 0).unwrap(),
            )
        },
        Case {
            tightness: 1.2,
            ..case(
                "unknown border, bicubic 2",
                UnknownBorder::new([1, 7, 9], 2, &bicubic(2), centred_phase(2)).unwrap(),
            )
        },
        Case {
            tightness: 1.2,
            ..case(
                "unknown border, factor 3, phase 2",
                UnknownBorder::new([1, 5, 4], 3, &skew_kernel(4, 6), 2).unwrap(),
            )
        },
        // The same bound.
        Case {
            tightness: 1.2,
            ..case(
                "determined, blur 5x4",
                Determined::new([2, 19, 21], 1, &skew_kernel(5, 4), 0).unwrap(),
            )
        },
        Case {
            tightness: 1.2,
            ..case(
                "determined, factor 3, phase 2",
                Determined::new([1, 33, 27], 3, &skew_kernel(4, 6), 2).unwrap(),
            )
        },
        case(
            "mri random, real",
            Mri::new(Field::Real, [9, 8], &random([9, 8])).unwrap(),
        ),
        case(
            "mri random, complex",
            Mri::new(Field::Complex, [9, 8], &random([9, 8])).unwrap(),
        ),
        case(
            "mri cartesian, real",
            Mri::new(Field::Real, [6, 11], &cartesian([6, 11])).unwrap(),
        ),
        case(
            "mri cartesian, complex",
            Mri::new(Field::Complex, [6, 11], &cartesian([6, 11])).unwrap(),
        ),
        // No frequency is sampled together with its mirror image: ||A||^2 = 1/2.
        case(
            "mri half plane, real",
            Mri::new(Field::Real, [1, 5], &[0.0, 1.0, 1.0, 0.0, 0.0]).unwrap(),
        ),
        coils("multi-coil mri, real", Field::Real),
        coils("multi-coil mri, complex", Field::Complex),
        case(
            "demosaicking rggb",
            Demosaicking::new([7, 6], BayerPattern::Rggb).unwrap(),
        ),
        case(
            "demosaicking bggr",
            Demosaicking::new([6, 6], BayerPattern::Bggr).unwrap(),
        ),
        case(
            "demosaicking grbg",
            Demosaicking::new([6, 7], BayerPattern::Grbg).unwrap(),
        ),
        case(
            "demosaicking gbrg",
            Demosaicking::new([5, 5], BayerPattern::Gbrg).unwrap(),
        ),
        bounded("radon square", Radon::new([1, 16, 16], 12).unwrap()),
        bounded("radon oblong, odd", Radon::new([2, 9, 14], 7).unwrap()),
        bounded(
            "radon few angles",
            Radon::with_angles([1, 8, 8], vec![0.3, -2.0, 1.1]).unwrap(),
        ),
        case("compressed sensing", CompressedSensing::new([2, 9, 8], 0.3, 1).unwrap()),
        case(
            "compressed sensing, all of it",
            CompressedSensing::new([1, 4, 5], 1.0, 2).unwrap(),
        ),
    ]
}

/// f32 rounding gives 1e-7, a wrong adjoint 1e-1.
#[test]
fn adjoint_gap() {
    for Case { name, operator, .. } in cases() {
        let x = random_image(2, operator.domain(), 1);
        let y = random_image(2, operator.codomain(), 2);
        assert_eq!(
            operator.apply(x.clone()).unwrap().dims()[1..],
            operator.codomain(),
            "{name}"
        );
        assert_eq!(
            operator.adjoint(y.clone()).unwrap().dims()[1..],
            operator.domain(),
            "{name}"
        );
        let gap = tweedie_testing::adjoint_gap(&x, &y, |x| operator.apply(x), |y| operator.adjoint(y)).unwrap();
        assert!(gap <= 1e-6, "{name}: relative adjoint gap {gap:e}");
    }
}

#[test]
fn normal_is_adjoint_after_apply() {
    for Case { name, operator, .. } in cases() {
        let x = random_image(2, operator.domain(), 3);
        let expected = operator.adjoint(operator.apply(x.clone()).unwrap()).unwrap();
        let distance = relative_distance(&operator.normal(x).unwrap(), &expected);
        assert!(distance <= 1e-6, "{name}: {distance:e}");
    }
}

#[test]
fn images_of_a_batch_do_not_mix() {
    for Case { name, operator, .. } in cases() {
        let x = random_image(3, operator.domain(), 4);
        let together = operator.apply(x.clone()).unwrap();
        for n in 0..3 {
            let alone = operator.apply(x.clone().narrow(0, n, 1)).unwrap();
            let distance = relative_distance(&together.clone().narrow(0, n, 1), &alone);
            assert!(distance <= 1e-7, "{name}: image {n}: {distance:e}");
        }
    }
}

/// Power iteration bounds ||A||^2 from below; 300 steps leave a relative error below 1e-3 in all cases.
#[test]
fn norm_bound() {
    for Case {
        name,
        operator,
        tightness,
    } in cases()
    {
        let mut x = random_image(1, operator.domain(), 5);
        let mut estimate = 0.0;
        for _ in 0..300 {
            let image = operator.normal(x.clone()).unwrap();
            estimate = dot(&x, &image) / dot(&x, &x);
            x = image.clone() / norm(&image);
        }
        let bound = operator.norm_sq();
        assert!(bound >= estimate * (1.0 - 1e-5), "{name}: {bound} below {estimate}");
        assert!(bound <= estimate * tightness, "{name}: {bound} far above {estimate}");
    }
}

/// CG stops at a relative residual of 1e-6, so it is 1e-6 (||A||^2 + rho) / rho away from the solution at most.
#[test]
fn closed_form_against_conjugate_gradients() {
    let mut checked = Vec::new();
    for Case { name, operator, .. } in cases() {
        let Some(closed_form) = operator.normal_solve() else {
            continue;
        };
        for rho in [0.05, 1.0] {
            let b = random_image(2, operator.domain(), 6);
            let exact = closed_form.solve(b.clone(), rho).unwrap();
            let options = CgOptions {
                tolerance: 1e-6,
                max_iterations: 500,
            };
            let (iterated, solve) =
                conjugate_gradient(operator.as_ref(), b.clone(), b.zeros_like(), rho, options).unwrap();
            assert!(
                matches!(solve, InnerSolve::Iterative { converged: true, .. }),
                "{name}: {solve:?}"
            );
            let distance = relative_distance(&exact, &iterated);
            let tolerance = 2e-6 * (operator.norm_sq() + rho) / rho;
            assert!(distance <= tolerance, "{name}, rho = {rho}: {distance:e}");

            let y = random_image(2, operator.codomain(), 7);
            let z = random_image(2, operator.domain(), 8);
            let right = operator.adjoint(y.clone()).unwrap() + z.clone() * rho;
            let expected = closed_form.solve(right, rho).unwrap();
            let distance = relative_distance(&closed_form.tikhonov(y, z, rho).unwrap(), &expected);
            assert!(distance <= 1e-5, "{name}, rho = {rho}: tikhonov {distance:e}");
        }
        checked.push(name);
    }
    assert!(checked.len() >= 22, "closed forms vanished: {checked:?}");
}

/// Iterations that know the operator against conjugate gradients on x.
#[test]
fn structured_iterations_against_conjugate_gradients() {
    let mut checked = Vec::new();
    for Case { name, operator, .. } in cases() {
        let Some(iteration) = operator.tikhonov_solve() else {
            continue;
        };
        for rho in [0.05, 1.0] {
            let y = random_image(2, operator.codomain(), 16);
            let z = random_image(2, operator.domain(), 17);
            let options = CgOptions {
                tolerance: 1e-6,
                max_iterations: 500,
            };
            let b = operator.adjoint(y.clone()).unwrap() + z.clone() * rho;
            let (expected, _) = conjugate_gradient(operator.as_ref(), b.clone(), b.zeros_like(), rho, options).unwrap();
            let (got, solve) = iteration.tikhonov(y, z, rho, options).unwrap();
            assert!(
                matches!(solve, InnerSolve::Iterative { converged: true, .. }),
                "{name}: {solve:?}"
            );
            let distance = relative_distance(&got, &expected);
            let tolerance = 4e-6 * (operator.norm_sq() + rho) / rho;
            assert!(distance <= tolerance, "{name}, rho = {rho}: {distance:e}");
        }
        checked.push(name);
    }
    assert!(checked.len() >= 4, "iterations vanished: {checked:?}");
}

#[test]
fn windows_lie_in_the_domain_and_fit_the_measurement() {
    for Case { name, operator, .. } in cases() {
        let [_, rows, cols] = operator.domain();
        let window = operator.window();
        assert!(window[0].end <= rows && window[1].end <= cols, "{name}");
        assert!(!window[0].is_empty() && !window[1].is_empty(), "{name}");
    }
}

/// Small rho: the closed form's residual must not be an f32 spectrum's rounding divided by rho.
#[test]
fn closed_forms_stay_accurate_for_small_rho() {
    for Case { name, operator, .. } in cases() {
        let Some(closed_form) = operator.normal_solve() else {
            continue;
        };
        let rho = 1e-5;
        let truth = random_image(1, operator.domain(), 9);
        let y = operator.apply(truth.clone()).unwrap();
        // With z = truth and y = A truth, the solution is the truth for any rho.
        let got = closed_form.tikhonov(y, truth.clone(), rho).unwrap();
        let distance = relative_distance(&got, &truth);
        assert!(distance <= 3e-5, "{name}: {distance:e}");
    }
}

#[test]
fn orthonormal_rows_are_what_they_claim() {
    for Case { name, operator, .. } in cases() {
        if !operator.has_orthonormal_rows() {
            continue;
        }
        let aat = |y: Image| operator.apply(operator.adjoint(y).unwrap()).unwrap();
        let y = random_image(1, operator.codomain(), 10);
        let once = aat(y.clone());
        let distance = relative_distance(&aat(once.clone()), &once);
        assert!(distance <= 1e-6, "{name}: A A^T is no projection, {distance:e}");
        let off_diagonal = values(&once).iter().zip(values(&y)).any(|(&a, y)| {
            let kept = (a - y).abs() <= 1e-5;
            let dropped = a.abs() <= 1e-5;
            !kept && !dropped
        });
        assert!(!off_diagonal, "{name}: A A^T is not diagonal");
    }
}

#[test]
fn starts_are_finite_images_that_explain_smooth_data() {
    for Case { name, operator, .. } in cases() {
        let start = operator
            .start(operator.apply(random_image(2, operator.domain(), 11)).unwrap())
            .unwrap();
        assert_eq!(start.dims()[1..], operator.domain(), "{name}");
        assert!(values(&start).iter().all(|value| value.is_finite()), "{name}");
    }
}

#[test]
fn wrong_shapes_are_refused() {
    for Case { name, operator, .. } in cases() {
        let [c, h, w] = operator.domain();
        let wrong = random_image(1, [c, h + 1, w], 12);
        assert!(operator.apply(wrong.clone()).is_err(), "{name}");
        assert!(operator.normal(wrong.clone()).is_err(), "{name}");
        let [cy, hy, wy] = operator.codomain();
        let wrong_y = random_image(1, [cy, hy, wy + 1], 13);
        assert!(operator.adjoint(wrong_y.clone()).is_err(), "{name}");
        assert!(operator.start(wrong_y.clone()).is_err(), "{name}");
        if let Some(iteration) = operator.tikhonov_solve() {
            let (y, z) = (random_image(1, [cy, hy, wy], 16), random_image(1, [c, h, w], 14));
            let options = CgOptions::default();
            assert!(
                iteration.tikhonov(wrong_y.clone(), z.clone(), 1.0, options).is_err(),
                "{name}"
            );
            assert!(
                iteration.tikhonov(y.clone(), wrong.clone(), 1.0, options).is_err(),
                "{name}"
            );
            assert!(iteration.tikhonov(y, z, f64::NAN, options).is_err(), "{name}");
        }
        if let Some(closed_form) = operator.normal_solve() {
            let right = random_image(1, [c, h, w], 14);
            assert!(closed_form.solve(wrong.clone(), 1.0).is_err(), "{name}");
            assert!(closed_form.tikhonov(wrong_y, right.clone(), 1.0).is_err(), "{name}");
            let two = random_image(2, [cy, hy, wy], 15);
            assert!(
                closed_form.tikhonov(two, right.clone(), 1.0).is_err(),
                "{name}: batches of 2 and 1"
            );
            for rho in [0.0, -1.0, f64::NAN, f64::INFINITY] {
                assert!(closed_form.solve(right.clone(), rho).is_err(), "{name}: rho = {rho}");
            }
        }
    }
}
