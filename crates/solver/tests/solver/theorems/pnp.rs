//! Plug-and-play.

use super::*;

const AVERAGED: &str = "PnP-PGD, PnP-HQS and RED-FP";
const FIRM: &str = "PnP-ADMM and PnP-DRS converge to";
const PROXIMAL: &str = "D is the proximal operator of a convex";
const STRONG: &str = "PnP-ADMM, PnP-DRS and PnP-PGD";

const COMPOSED: [&str; 3] = ["pnp-pgd", "pnp-hqs", "red-fp"];
const REFLECTED: [(&str, &str); 3] = [("pnp-admm", ""), ("pnp-drs", ""), ("pnp-drs", "relaxation = 1.7\n")];

/// pnp-pgd has no strength where its level is given.
fn strength(solver: &str, value: f64) -> String {
    match solver {
        "pnp-pgd" => String::new(),
        _ => format!("strength = {value}\n"),
    }
}

fn averaged_by_weights(alpha: f64) -> Known {
    Known {
        averaged: Some(alpha),
        ..Known::default()
    }
}

#[test]
fn compositions_converge_for_an_averaged_denoiser_that_is_not_firmly_nonexpansive() {
    for a in [0.66, 0.9] {
        let d = linear(averaged(a, &rotation()));
        assert_eq!(holds(AVERAGED, &d, averaged_by_weights(a)), Some(true));
        assert_eq!(holds(FIRM, &d, averaged_by_weights(a)), Some(false));
        for solver in COMPOSED {
            let run = run(solver, &strength(solver, 0.3), &inpainting(), &d);
            assert_converges(solver, &run);
        }
    }
}

#[test]
fn compositions_do_not_converge_without_each_assumption() {
    // Nonexpansive, not averaged: open pixels change their sign for ever.
    let minus = scaling(-1.0);
    let known = Known {
        lipschitz: Some(1.0),
        ..Known::default()
    };
    assert_eq!(holds(AVERAGED, &minus, known), None);
    assert_eq!(holds(AVERAGED, &scaling(-1.1), Known::default()), Some(false));
    for solver in COMPOSED {
        let weight = strength(solver, 1.0);
        assert_does_not_converge("not averaged", &run(solver, &weight, &inpainting(), &minus));
        assert_does_not_converge("concave l", &run(solver, &weight, &diagonal(|_| -0.5), &scaling(1.0)));
        assert_does_not_converge("no fixed point", &run(solver, &weight, &inpainting(), &translation()));
        let moving = run(solver, &restless(), &inpainting(), &level_dependent());
        assert_does_not_converge("moving level", &moving);
    }
    assert_does_not_converge("step", &run("pnp-pgd", "step = 2.1", &inpainting(), &scaling(1.0)));
}

#[test]
fn splittings_converge_for_a_firmly_nonexpansive_denoiser() {
    let d = linear(averaged(0.5, &rotation()));
    assert_eq!(holds(FIRM, &d, Known::default()), Some(true));
    assert_eq!(holds(FIRM, &d, averaged_by_weights(0.5)), Some(true));
    // It is no gradient: there is no function of which it is the proximal operator.
    assert_eq!(holds(PROXIMAL, &d, Known::default()), Some(false));
    for (solver, own) in REFLECTED {
        for weight in [0.2, 0.5, 10.0] {
            let settings = format!("{own}iterations = 4000\nstrength = {weight}");
            assert_converges(
                &format!("{solver} {settings}"),
                &run(solver, &settings, &inpainting(), &d),
            );
        }
    }
}

/// The counter-example to "averaged suffices": D = -0.32 I is a contraction with a symmetric Jacobian, and averaged with
/// alpha = 0.66. Where the data weigh much, one step of the splittings multiplies by up to 2 alpha = 1.32.
#[test]
fn splittings_diverge_for_an_averaged_denoiser() {
    let d = scaling(-0.32);
    let known = Known {
        lipschitz: Some(0.32),
        ..Known::default()
    };
    assert_eq!(holds(AVERAGED, &d, known), Some(true));
    assert_eq!(holds(FIRM, &d, known), Some(false));
    assert_eq!(holds(PROXIMAL, &d, known), Some(false));
    for (solver, own) in REFLECTED {
        let run = run(solver, &format!("{own}strength = 0.1"), &inpainting(), &d);
        assert_eq!(run.stop, StopReason::Diverged, "{solver} {own}");
    }
    for solver in COMPOSED {
        assert_converges(solver, &run(solver, &strength(solver, 0.1), &inpainting(), &d));
    }
    // The share that is proven to be firmly nonexpansive converges with the splittings as well.
    let share = known.firm_share().unwrap();
    let relaxed = linear(averaged(share, &Matrix::identity().scale(-0.32)));
    assert_eq!(holds(FIRM, &relaxed, known.relaxed(share)), Some(true));
    for (solver, own) in REFLECTED {
        assert_converges(
            solver,
            &run(solver, &format!("{own}strength = 0.1"), &inpainting(), &relaxed),
        );
    }
}

#[test]
fn splittings_do_not_converge_without_each_other_assumption() {
    for (solver, own) in REFLECTED {
        let settings = format!("{own}strength = 1");
        assert_does_not_converge("concave l", &run(solver, &settings, &diagonal(|_| -0.5), &scaling(1.0)));
        assert_does_not_converge("no fixed point", &run(solver, &settings, &inpainting(), &translation()));
        let moving = run(
            solver,
            &format!("{own}{}", restless()),
            &inpainting(),
            &level_dependent(),
        );
        assert_does_not_converge("moving level", &moving);
    }
}

#[test]
fn a_proximal_operator_makes_them_minimise() {
    // W = prox of 1/2 x^T (W^-1 - I) x; the limits are held against direct solves in `fixed_points`.
    let w = super::super::support::smoothing(0.2);
    let d = linear(w.clone());
    assert_eq!(holds(PROXIMAL, &d, Known::default()), Some(true));
    // The minimiser of l + phi: (B + W^-1 - I) x = b, that is (W B + I - W) x = W b.
    let l = inpainting();
    let system = w.mul(&l.matrix).add(&Matrix::identity()).add(&w.scale(-1.0));
    let expected = system.solve(&w.apply(&l.linear));
    for (solver, settings) in [
        ("pnp-admm", "strength = 1\niterations = 3000"),
        ("pnp-drs", "strength = 1\nrelaxation = 1.7\niterations = 3000"),
        ("pnp-pgd", "step = 1\niterations = 3000"),
        ("pnp-fista", "step = 1\niterations = 3000"),
    ] {
        let run = run(solver, settings, &l, &d);
        let difference: Vec<f64> = values(&run.image).iter().zip(&expected).map(|(a, b)| a - b).collect();
        assert!(
            norm(&difference) < 1e-3 * norm(&expected),
            "{solver}: {}",
            norm(&difference)
        );
    }
}

#[test]
fn without_a_symmetric_jacobian_there_is_no_function() {
    // Proximal operators are cyclically monotone: the sum of <D(x_i), x_(i+1) - x_i> over a cycle is not positive.
    let cyclic_sum = |d: &Arc<Map>| {
        let point = |i: usize| {
            let angle = i as f64 * std::f64::consts::TAU / 64.0;
            let mut x = vec![0.0; N];
            (x[0], x[1]) = (angle.cos(), angle.sin());
            x
        };
        (0..64)
            .map(|i| {
                let (x, next) = (point(i), point(i + 1));
                let dx = (d.map)(&x, NOISE);
                dx.iter()
                    .zip(x.iter().zip(&next))
                    .map(|(d, (a, b))| d * (b - a))
                    .sum::<f64>()
            })
            .sum::<f64>()
    };
    assert!(cyclic_sum(&linear(super::super::support::smoothing(0.2))) <= 0.0);
    assert!(cyclic_sum(&linear(averaged(0.5, &rotation()))) > 1.0);
}

#[test]
fn strongly_convex_data_allow_expansive_denoisers() {
    // D = 1.5 x: e = 0.5. Splittings: rho below m (1 + e - 2 e^2)/e = 2; proximal gradient: steps between 1/3 and 5/3.
    let d = scaling(1.5);
    assert_eq!(holds(STRONG, &d, Known::default()), Some(true));
    let denoising = diagonal(|_| 1.0);
    for (solver, settings) in [
        ("pnp-admm", "strength = 1.9"),
        ("pnp-drs", "strength = 1.9"),
        ("pnp-drs", "strength = 0.01\nrelaxation = 0.8"),
        ("pnp-pgd", "step = 0.4"),
        ("pnp-pgd", "step = 1.6"),
    ] {
        assert_converges(&format!("{solver} {settings}"), &run(solver, settings, &denoising, &d));
    }
}

#[test]
fn strongly_convex_data_do_not_help_without_each_assumption() {
    let d = scaling(1.5);
    let denoising = diagonal(|_| 1.0);
    for (what, solver, settings) in [
        ("rho", "pnp-admm", "strength = 4"),
        ("rho", "pnp-drs", "strength = 4"),
        ("relaxation", "pnp-drs", "strength = 0.01\nrelaxation = 1.9"),
        ("short step", "pnp-pgd", "step = 0.2"),
        ("long step", "pnp-pgd", "step = 1.8"),
    ] {
        assert_does_not_converge(what, &run(solver, settings, &denoising, &d));
    }
    // e = 1.2.
    let far = scaling(2.2);
    assert_eq!(holds(STRONG, &far, Known::default()), Some(false));
    for (solver, settings) in [("pnp-admm", "strength = 0.01"), ("pnp-drs", "strength = 0.01")] {
        assert_does_not_converge(solver, &run(solver, settings, &denoising, &far));
        assert_does_not_converge("not strongly convex", &run(solver, settings, &inpainting(), &d));
        let moving = run(solver, &restless(), &denoising, &level_dependent());
        assert_does_not_converge("moving level", &moving);
    }
    // m = 0.1 and L = 1: e would have to be below 0.22.
    let uneven = diagonal(|i| if is_measured(i) { 1.0 } else { 0.1 });
    assert_does_not_converge("e", &run("pnp-pgd", "step = 1", &uneven, &d));
}
