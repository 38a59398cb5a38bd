//! What holds for operators of every size and parameter, on cases that proptest draws and shrinks: A^T is the adjoint, ||A||^2 has its
//! bound, and the closed form solves the normal equations.

mod common;

use common::random_image;
use proptest::prelude::*;
use tweedie_operators::{
    BayerPattern, Blur, Boundary, CompressedSensing, Demosaicking, Downsampling, Field, Kernel, LinearOperator, Mask,
    Mri, Radon, random_mask,
};
use tweedie_testing::{dot, norm, relative_distance};

fn check(operator: &dyn LinearOperator, seed: u64) -> Result<(), TestCaseError> {
    let (x, y) = (
        random_image(2, operator.domain(), seed),
        random_image(2, operator.codomain(), seed + 1),
    );
    let ax = operator.apply(x.clone()).unwrap();
    let aty = operator.adjoint(y.clone()).unwrap();
    prop_assert_eq!(ax.dims()[1..].to_vec(), operator.codomain().to_vec());
    prop_assert_eq!(aty.dims()[1..].to_vec(), operator.domain().to_vec());
    // Relative to the factors, not to the products: A x may be zero where nothing is kept.
    let gap = (dot(&ax, &y) - dot(&x, &aty)).abs();
    prop_assert!(gap <= 1e-5 * (norm(&x) * norm(&y)), "adjoint gap {gap:e}");
    let bound = operator.norm_sq();
    prop_assert!(
        norm(&ax).powi(2) <= bound * norm(&x).powi(2) * (1.0 + 1e-5),
        "||A||^2 above {bound}"
    );
    if let Some(closed_form) = operator.normal_solve() {
        let rho = 0.1;
        let solved = closed_form.solve(x.clone(), rho).unwrap();
        let back = operator.normal(solved.clone()).unwrap() + solved * rho;
        // f32 rounding of x, amplified by (||A||^2 + rho) / rho at most.
        let distance = relative_distance(&back, &x);
        prop_assert!(distance <= 1e-6 * (bound + rho) / rho, "normal equations: {distance:e}");
    }
    Ok(())
}

/// Sides of images, one pixel included.
fn sides() -> impl Strategy<Value = [usize; 2]> {
    [1..=14_usize, 1..=14_usize]
}

/// Kernels with weights that may be negative but whose sum is not zero.
fn kernels() -> impl Strategy<Value = Kernel> {
    [1..=6_usize, 1..=6_usize].prop_flat_map(|[rows, cols]| {
        proptest::collection::vec(-0.3..1.0_f64, rows * cols).prop_filter_map("a positive sum", move |values| {
            (values.iter().sum::<f64>() > 0.1)
                .then(|| Kernel::new(rows, cols, values).ok())
                .flatten()
        })
    })
}

fn boundaries() -> impl Strategy<Value = Boundary> {
    prop_oneof![Just(Boundary::Circular), Just(Boundary::Replicate)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn blur([h, w] in sides(), c in 1..=3_usize, kernel in kernels(), boundary in boundaries(), seed: u32) {
        check(&Blur::new([c, h, w], &kernel, boundary).unwrap(), seed.into())?;
    }

    #[test]
    fn downsampling([h, w] in sides(), s in 2..=4_usize, kernel in kernels(), boundary in boundaries(), seed: u32) {
        check(&Downsampling::new([1, s * h, s * w], s, &kernel, boundary).unwrap(), seed.into())?;
    }

    #[test]
    fn masks([h, w] in sides(), c in 1..=3_usize, keep in 0.1..1.0_f64, seed: u32) {
        // A share of the pixels that rounds to none is refused.
        if let Ok(mask) = Mask::random([c, h, w], keep, seed.into()) {
            check(&mask, seed.into())?;
        }
    }

    #[test]
    fn demosaicking([h, w] in sides(), pattern in 0..4_usize, seed: u32) {
        let pattern: BayerPattern = ["rggb", "bggr", "grbg", "gbrg"][pattern].parse().unwrap();
        if let Ok(operator) = Demosaicking::new([2 * h, 2 * w], pattern) {
            check(&operator, seed.into())?;
        }
    }

    #[test]
    fn mri([h, w] in sides(), keep in 0.1..1.0_f64, seed: u32) {
        if let Ok(mask) = random_mask([h, w], keep, seed.into()) {
            check(&Mri::new(Field::Real, [h, w], &mask).unwrap(), seed.into())?;
        }
    }

    #[test]
    fn compressed([h, w] in sides(), ratio in 0.1..1.0_f64, seed: u32) {
        if let Ok(operator) = CompressedSensing::new([1, h, w], ratio, seed.into()) {
            check(&operator, seed.into())?;
        }
    }

    #[test]
    fn radon([h, w] in sides(), angles in 1..=9_usize, seed: u32) {
        check(&Radon::new([1, h, w], angles).unwrap(), seed.into())?;
    }
}
