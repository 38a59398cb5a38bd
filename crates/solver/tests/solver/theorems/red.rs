//! RED and RED-PRO.

use super::*;

const GRADIENT: &str = "RED: the gradient";
const FIXED_EQUATION: &str = "RED-GD, RED-PG";
const PRO: &str = "RED-PRO";

/// The largest difference of x - D(x) from central differences of 1/2 x^T (x - D(x)).
fn gradient_error(d: &Arc<Map>, x: &[f64]) -> f64 {
    let denoise = |x: &[f64]| (d.map)(x, NOISE);
    let penalty = |x: &[f64]| 0.5 * x.iter().zip(denoise(x)).map(|(x, d)| x * (x - d)).sum::<f64>();
    let h = 1e-5;
    let d = denoise(x);
    (0..N)
        .map(|i| {
            let moved = |h: f64| {
                let mut z = x.to_vec();
                z[i] += h;
                penalty(&z)
            };
            ((moved(h) - moved(-h)) / (2.0 * h) - (x[i] - d[i])).abs()
        })
        .fold(0.0, f64::max)
}

#[test]
fn red_gradient_holds_for_a_symmetric_homogeneous_denoiser() {
    let d = linear(super::super::support::smoothing(0.2));
    assert_eq!(holds(GRADIENT, &d, Known::default()), Some(true));
    assert!(gradient_error(&d, &random(5, N)) < 1e-8);
}

#[test]
fn red_gradient_is_another_without_symmetry_homogeneity_or_differentiability() {
    let asymmetric = linear(rotation());
    let inhomogeneous = map(|x, _| x.iter().map(|v| v.tanh()).collect());
    for (what, d) in [("asymmetric", asymmetric), ("inhomogeneous", inhomogeneous)] {
        assert_eq!(holds(GRADIENT, &d, Known::default()), Some(false), "{what}");
        assert!(gradient_error(&d, &random(5, N)) > 1e-2, "{what}");
    }
    // D(x) = x where the mean is positive and else 0: symmetric and homogeneous off the jump, where the penalty jumps too.
    let jump = map(|x, _| match x.iter().sum::<f64>() > 0.0 {
        true => x.to_vec(),
        false => vec![0.0; N],
    });
    let mut at_the_jump = random(5, N);
    let mean = at_the_jump.iter().sum::<f64>() / N as f64;
    at_the_jump.iter_mut().for_each(|v| *v -= mean);
    assert!(gradient_error(&jump, &at_the_jump) > 1e3);
    let patches = [image(&at_the_jump)];
    let sigma = Sigma::new(NOISE).unwrap();
    let level = certify_patches(Subject::Differences(jump.as_ref()), &patches, sigma).unwrap();
    let fails = verdict(&[level], Known::default())[0]
        .conditions
        .iter()
        .any(|c| matches!(c.status, Status::Fails(_)));
    assert!(fails);
}

/// The solvers of the RED equation that a nonexpansive D suffices for.
const FORWARD: [(&str, &str); 3] = [("red-gd", ""), ("red-pg", ""), ("red-dpg", "step_start = 0.9\n")];

#[test]
fn red_converges_for_a_nonexpansive_denoiser_that_is_not_averaged() {
    for w in [rotation(), Matrix::identity().scale(-1.0)] {
        let d = linear(w);
        assert_eq!(holds(FIXED_EQUATION, &d, Known::default()), Some(true));
        for (solver, own) in FORWARD {
            for strength in ["0.2", "10"] {
                let settings = format!("{own}iterations = 2000\nstrength = {strength}");
                assert_converges(
                    &format!("{solver} {settings}"),
                    &run(solver, &settings, &inpainting(), &d),
                );
            }
        }
        let relaxed = run("red-pro-relaxed", "strength = 10\nrelaxation = 1", &inpainting(), &d);
        assert_converges("red-pro-relaxed", &relaxed);
    }
}

#[test]
fn red_does_not_converge_without_each_assumption() {
    let minus = scaling(-1.0);
    let expansive = scaling(-4.0);
    assert_eq!(holds(FIXED_EQUATION, &expansive, Known::default()), Some(false));
    for (solver, own) in FORWARD {
        let settings = format!("{own}strength = 10");
        assert_does_not_converge("expansive", &run(solver, &settings, &inpainting(), &expansive));
        let concave = diagonal(|_| -0.5);
        assert_does_not_converge("concave l", &run(solver, "strength = 1", &concave, &scaling(1.0)));
        assert_does_not_converge(
            "no solution",
            &run(solver, "strength = 1", &inpainting(), &translation()),
        );
        let moving = run(solver, &restless(), &inpainting(), &level_dependent());
        assert_does_not_converge("moving level", &moving);
    }
    assert_does_not_converge(
        "red-pro-relaxed",
        &run("red-pro-relaxed", "strength = 10", &inpainting(), &scaling(-2.5)),
    );
    // 2/(L + 2 alpha) with alpha = 10, and the bounds 1 of red-pg and red-dpg.
    for (solver, settings) in [
        ("red-gd", format!("strength = 10\nstep = {}", 2.2 / 21.0)),
        ("red-pg", "step = 1.0".to_owned()),
        ("red-dpg", "step_start = 0.9\nstep_end = 1.05".to_owned()),
    ] {
        assert_does_not_converge("step", &run(solver, &settings, &inpainting(), &minus));
    }
}

#[test]
fn red_admm_converges_for_a_monotone_residual_if_the_inner_problem_is_solved() {
    let settings = "strength = 1\ninner = 60";
    assert_converges(
        "rotation",
        &run("red-admm", settings, &inpainting(), &linear(rotation())),
    );
    assert_does_not_converge(
        "I - D not monotone",
        &run("red-admm", settings, &inpainting(), &scaling(1.5)),
    );
}

/// Averages the pixels of each pair.
fn pairs() -> Matrix {
    Matrix::from_fn(|i, j| if i / 2 == j / 2 { 0.5 } else { 0.0 })
}

/// The distance of red-pro's result to the minimiser of 1/2 ||x - truth||^2 over pairs of equal pixels.
fn distance_to_minimiser(settings: &str) -> f64 {
    let d = linear(averaged(0.5, &pairs()));
    let run = run("red-pro", settings, &diagonal(|i| 1.0 + (i % 2) as f64), &d);
    // Weights 1 and 2 in each pair.
    let truth = truth();
    let at = |i: usize| (truth[i - i % 2] + 2.0 * truth[i - i % 2 + 1]) / 3.0;
    let difference: Vec<f64> = values(&run.image).iter().enumerate().map(|(i, v)| v - at(i)).collect();
    norm(&difference)
}

#[test]
fn red_pro_approaches_the_minimiser_over_the_fixed_points() {
    let d = linear(averaged(0.5, &pairs()));
    assert_eq!(holds(PRO, &d, Known::default()), Some(true));
    let at = |iterations: u32| distance_to_minimiser(&format!("decay = 0.8\nstep = 0.5\niterations = {iterations}"));
    let (early, late) = (at(400), at(8000));
    assert!(late < 0.2 * early && late < 0.01, "{early} {late}");
    // Demicontractive with d = 1/3 and far from nonexpansive: a share below 2/3 of it converges.
    let d = scaling(-2.0);
    let run = run(
        "red-pro",
        "decay = 1\nrelaxation = 0.6\niterations = 3000",
        &inpainting(),
        &d,
    );
    assert!(values(&run.image).iter().all(|v| v.abs() < 1e-2));
}

#[test]
fn red_pro_does_not_without_each_assumption() {
    // d = 3, about a fixed point, 0, that denoising again and again does not find: not decided.
    let expansive = scaling(2.0);
    assert_eq!(holds(PRO, &expansive, Known::default()), None);
    let decay = "decay = 1\n";
    assert_does_not_converge("d = 3", &run("red-pro", decay, &inpainting(), &expansive));
    // D = 30 a b^T with a orthogonal to b: denoising twice gives the fixed point 0, and d is far above 1 for patches x
    // between a and b, since <x - D(x), x> = ||x||^2 - 30 <a, x> <b, x>.
    let unit = |x: Vec<f64>| x.iter().map(|v| v / norm(&x)).collect::<Vec<_>>();
    let along = unit(patch(0));
    let other = random(9, N);
    let overlap: f64 = along.iter().zip(&other).map(|(a, b)| a * b).sum();
    let across = unit(other.iter().zip(&along).map(|(b, a)| b - overlap * a).collect());
    let (a, b) = (
        unit(along.iter().zip(&across).map(|(p, q)| p + q).collect()),
        unit(along.iter().zip(&across).map(|(p, q)| p - q).collect()),
    );
    let sheared = linear(Matrix::from_fn(|i, j| 30.0 * a[i] * b[j]));
    assert_eq!(holds(PRO, &sheared, Known::default()), Some(false));
    let settings = format!("{decay}relaxation = 0.8");
    assert_does_not_converge("relaxation", &run("red-pro", &settings, &inpainting(), &scaling(-2.0)));
    // A constant step has another limit.
    let constant =
        |iterations: u32| distance_to_minimiser(&format!("decay = 0\nstep = 0.5\niterations = {iterations}"));
    assert!(constant(8000) > 0.05 && (constant(8000) - constant(400)).abs() < 1e-3);
    let size = |run: Restoration| norm(&values(&run.image));
    let away = size(run("red-pro", "decay = 0.1", &inpainting(), &translation()));
    assert!(away > 10.0, "no fixed point: {away}");
    let away = size(run("red-pro", "decay = 0.5", &diagonal(|_| -0.5), &scaling(1.0)));
    assert!(away > 10.0, "concave l: {away}");
    let unbounded = Arc::new(Quadratic {
        matrix: Matrix::identity().scale(0.0),
        linear: vec![1.0; N],
        lipschitz: 1.0,
    });
    let away = size(run("red-pro", "decay = 0.5", &unbounded, &scaling(1.0)));
    assert!(away > 50.0, "no minimiser: {away}");
    let moving = run(
        "red-pro",
        &format!("decay = 1\n{}", restless()),
        &inpainting(),
        &level_dependent(),
    );
    let constant = run("red-pro", "decay = 1\nsigma = 0.2", &inpainting(), &level_dependent());
    assert!(last_residual(&moving) > 10.0 * last_residual(&constant) || last_residual(&constant) < 1e-3);
}

#[test]
fn momentum_needs_eigenvalues_that_are_not_negative() {
    let w = super::super::support::smoothing(0.2);
    for (solver, settings) in [
        ("pnp-fista", "step = 1\niterations = 3000"),
        ("red-apg", "strength = 5\niterations = 3000"),
    ] {
        assert_converges(solver, &run(solver, settings, &diagonal(|_| 1.0), &linear(w.clone())));
        // Nonexpansive, and so fine for the plain iterations: without momentum it converges.
        let negative = scaling(-0.9);
        let fidelity = diagonal(|i| if is_measured(i) { 0.1 } else { 0.0 });
        let settings = settings.replace("step = 1\n", "step = 10\n");
        assert_does_not_converge(solver, &run(solver, &settings, &fidelity, &negative));
    }
    let plain = run(
        "pnp-pgd",
        "step = 10",
        &diagonal(|i| if is_measured(i) { 0.1 } else { 0.0 }),
        &scaling(-0.9),
    );
    assert_converges("pnp-pgd", &plain);
}
