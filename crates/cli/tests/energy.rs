//! RED with the shipped gradient-step denoiser, whose penalty is known: alpha g(x) with D = x - grad g.

mod common;

use std::path::Path;

use common::{small, succeed};
use tweedie_imaging::{ColorMode, read_image};

/// With A = I the energy is strongly convex enough for one minimiser, which all reach in these iterations.
const TASK: &str =
    "--simulate --task denoise --noise 15 --checkpoint gray-gs --sigma 15 --strength 0.5 --iterations 300";

#[test]
fn the_energy_falls_and_all_red_solvers_find_its_minimiser() {
    let folder = tempfile::tempdir().unwrap();
    let picture = small(folder.path());
    let solve = |solver: &str| {
        let out = folder.path().join(solver);
        succeed(
            &format!("restore {TASK} --solver {solver} --depth float"),
            &[&picture, Path::new("--out"), &out],
        );
        read_image(&out.join("small.npy"), ColorMode::AsStored).unwrap().values
    };
    let expected = solve("red-gd");
    let norm = expected.iter().map(|x| f64::from(x * x)).sum::<f64>().sqrt();
    for solver in ["red-pg", "red-fp", "red-admm", "red-dpg", "red-apg"] {
        let got = solve(solver);
        let error = got
            .iter()
            .zip(&expected)
            .map(|(a, b)| f64::from((a - b) * (a - b)))
            .sum::<f64>()
            .sqrt();
        assert!(error < 1e-4 * norm, "{solver}: {}", error / norm);
    }

    let trace = std::fs::read_to_string(folder.path().join("red-gd/small.trace.csv")).unwrap();
    let mut lines = trace.lines();
    let column = lines
        .next()
        .unwrap()
        .split(',')
        .position(|name| name == "objective")
        .unwrap();
    let energies: Vec<f64> = lines
        .map(|line| line.split(',').nth(column).unwrap().parse().unwrap())
        .collect();
    assert_eq!(energies.len(), 300);
    // Far more than the rounding that is allowed below; the noisy start is near the minimiser in energy.
    assert!(
        energies[299] < 0.9998 * energies[0],
        "{} {}",
        energies[0],
        energies[299]
    );
    for pair in energies.windows(2) {
        assert!(pair[1] <= pair[0] * (1.0 + 1e-6), "{pair:?}");
    }
}
