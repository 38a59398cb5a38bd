//! Studies of a blur with the linear denoiser: fitted rates against the known ones, the RED solvers against each other.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use burn::tensor::Device;
use tweedie_denoisers::GaussianSmoothing;
use tweedie_imaging::{Image, Sigma, image_from_vec, noise};
use tweedie_operators::{Blur, Boundary, Kernel, L2, LinearOperator};
use tweedie_solver::study::{Convergence, RateModel, measure_convergence};
use tweedie_solver::{Executor, Prior, Problem, Restoration};

use super::support::{build, relative_distance, values};

/// Few pixels, so that the slowest mode stands alone early.
const SIDE: usize = 16;
const LEVEL: f64 = 0.05;

fn problem() -> (Problem, Image) {
    let kernel = Kernel::gaussian(0.8, 5).unwrap();
    let blur = Arc::new(Blur::new([1, SIDE, SIDE], &kernel, Boundary::Circular).unwrap());
    let clean = (0..SIDE * SIDE).map(|i| if i / SIDE > 7 { 0.8 } else { 0.2 }).collect();
    let clean = image_from_vec(clean, [1, 1, SIDE, SIDE], &Device::default()).unwrap();
    let sigma = Sigma::new(LEVEL).unwrap();
    let y = blur.apply(clean).unwrap();
    let y = y.clone() + noise::gaussian(y.dims(), sigma, 1, 0, &y.device()).unwrap();
    let problem = Problem {
        fidelity: Arc::new(L2::new(blur, y.clone()).unwrap()),
        prior: Prior::Gradient(Arc::new(GaussianSmoothing::new(0.8).unwrap())),
        noise: sigma,
    };
    (problem, y)
}

fn measured(name: &str, parameters: &str, measured: u32) -> Convergence {
    let (problem, y) = problem();
    let algorithm = build(name, parameters, problem);
    // Far from the solution, so that the curves fall through many decades before f32 rounding.
    let flag = Arc::new(AtomicBool::new(false));
    measure_convergence(algorithm.as_ref(), &(y * 1e3), measured, true, &flag)
        .unwrap()
        .unwrap()
}

#[test]
fn fitted_linear_rates_are_the_known_ones() {
    for (name, parameters) in [
        ("pnp-pgd", "sigma = 0.05\nstep = 0.06\niterations = 3000"),
        ("pnp-fista", "sigma = 0.05\nstep = 0.06\niterations = 3000"),
        ("red-gd", "sigma = 0.05\nstrength = 2.0\nstep = 0.1\niterations = 3000"),
        ("red-pg", "sigma = 0.05\nstrength = 10.0\niterations = 3000"),
        ("red-apg", "sigma = 0.05\nstrength = 10.0\niterations = 3000"),
    ] {
        let study = measured(name, parameters, 1500);
        let theory = study.theory.unwrap();
        assert!(theory.spectral_radius.converged, "{name}: {theory:?}");
        for fit in [study.residual.unwrap(), study.distance.unwrap()] {
            let RateModel::Linear { factor } = fit.chosen.model else {
                panic!("{name}: {fit:?}")
            };
            // 5 % of the logarithm, that is, of the iterations per digit.
            let off = factor.ln() / theory.factor.ln() - 1.0;
            assert!(off.abs() < 0.05, "{name}: {factor} against {}, {fit:?}", theory.factor);
        }
    }
}

#[test]
fn the_red_energy_falls_and_red_solvers_agree() {
    let run = |name: &str| -> Restoration {
        let (problem, y) = problem();
        let algorithm = build(name, "sigma = 0.05\nstrength = 0.5\niterations = 2000", problem);
        Executor::new(algorithm.as_ref()).run(y).unwrap()
    };
    let descent = run("red-gd");
    let energies: Vec<f64> = descent.trace.iter().map(|row| row.objective.unwrap()).collect();
    assert!(energies.windows(2).all(|pair| pair[1] <= pair[0] * (1.0 + 1e-6)));
    for name in ["red-fp", "red-admm", "red-pg", "red-dpg", "red-apg"] {
        let distance = relative_distance(&values(&run(name).image), &values(&descent.image));
        assert!(distance < 1e-4, "{name}: {distance:.1e}");
    }
}

#[test]
fn more_than_half_of_the_run_to_the_limit_is_refused() {
    let (problem, y) = problem();
    let algorithm = build("pnp-pgd", "sigma = 0.05\niterations = 10", problem);
    let flag = Arc::new(AtomicBool::new(false));
    let error = measure_convergence(algorithm.as_ref(), &y, 6, true, &flag).unwrap_err();
    assert!(error.to_string().contains("half of the 10"), "{error}");
}
