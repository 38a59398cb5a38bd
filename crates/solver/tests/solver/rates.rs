//! Linear rates against the known ones, for linear symmetric denoisers and least squares.

use tweedie_solver::{Executor, TraceRow};

use super::support::{Matrix, NOISE, build, fidelity, image, linear, problem, smoothing, truth};

fn trace(name: &str, parameters: &str, w: &Matrix) -> Vec<TraceRow> {
    let algorithm = build(name, parameters, problem(linear(w.clone())));
    // Far from the solution, so that the residual falls through many decades.
    Executor::new(algorithm.as_ref())
        .run(image(&truth()) * 1e4)
        .unwrap()
        .trace
}

/// Least squares fit of ln r_k = a + b k - c ln k; returns b.
///
/// The last term is for the power of k that Nesterov's momentum leaves in front of the geometric decay. Momentum makes
/// residuals oscillate as well, so that only their peaks are taken. Rows go from `first` (when the slowest mode dominates)
/// to a residual of 1e-5, well above the 1e-7 at which f32 rounding takes over.
fn log_factor(trace: &[TraceRow], first: usize, momentum: bool) -> f64 {
    let residual = |i: usize| trace[i].fixed_point_residual;
    let peak = |&i: &usize| !momentum || (residual(i) >= residual(i - 1) && residual(i) >= residual(i + 1));
    let rows: Vec<usize> = (first..trace.len() - 1)
        .take_while(|&i| residual(i) > 1e-5)
        .filter(peak)
        .collect();
    assert!(rows.len() > 10, "only {} rows", rows.len());
    let mut normal = [[0.0; 4]; 3];
    for row in rows {
        let k = (row + 1) as f64;
        let terms = [1.0, k, if momentum { -k.ln() } else { 0.0 }, residual(row).ln()];
        for (i, line) in normal.iter_mut().enumerate() {
            line.iter_mut()
                .zip(terms)
                .for_each(|(sum, term)| *sum += terms[i] * term);
        }
    }
    if !momentum {
        normal[2] = [0.0, 0.0, 1.0, 0.0];
    }
    for column in 0..3 {
        let top = normal[column];
        for (_, line) in normal.iter_mut().enumerate().filter(|(i, _)| *i != column) {
            let factor = line[column] / top[column];
            line.iter_mut().zip(top).for_each(|(a, b)| *a -= factor * b);
        }
    }
    normal[1][3] / normal[1][1]
}

/// Smoothing whose second eigenvalue, 0.69, is well below the first, 1: the slowest mode dominates early.
fn strong_smoothing() -> Matrix {
    let w = smoothing(0.2);
    w.mul(&w).mul(&w)
}

/// W (I - mu A^T A).
fn pgd_matrix(w: &Matrix, mu: f64) -> Matrix {
    w.mul(&Matrix::identity().add(&fidelity().normal().scale(-mu)))
}

#[test]
fn pgd_contracts_by_the_spectral_radius() {
    let w = strong_smoothing();
    let known = pgd_matrix(&w, 0.06).spectral_radius().ln();
    let measured = log_factor(
        &trace("pnp-pgd", "sigma = 0.1\nstep = 0.06\niterations = 1000", &w),
        40,
        false,
    );
    assert!(
        (measured - known).abs() < 0.02 * known.abs(),
        "{measured} against {known}"
    );
}

#[test]
fn fista_contracts_by_the_root_of_it() {
    let w = strong_smoothing();
    let known = 0.5 * pgd_matrix(&w, 0.06).spectral_radius().ln();
    let measured = log_factor(
        &trace("pnp-fista", "sigma = 0.1\nstep = 0.06\niterations = 1000", &w),
        20,
        true,
    );
    assert!(
        (measured - known).abs() < 0.05 * known.abs(),
        "{measured} against {known}"
    );
}

#[test]
fn red_apg_contracts_by_the_root_of_red_pg() {
    // The matrix of RED-PG: (A^T A + r I)^-1 r ((1 - step) I + step W), r = alpha / step.
    let w = strong_smoothing();
    let settings = "strength = 150\nsigma = 0.1\nstep = 1\niterations = 1000";
    let r = 150.0 * (NOISE / 0.1_f64).powi(2);
    let system = fidelity().normal().add(&Matrix::identity().scale(r));
    let columns: Vec<Vec<f64>> = (0..64).map(|j| system.solve(&Matrix::identity().0[j])).collect();
    let inverse = Matrix::from_fn(|i, j| columns[j][i]);
    let known = inverse.mul(&w).scale(r).spectral_radius().ln();
    let plain = log_factor(&trace("red-pg", settings, &w), 40, false);
    let measured = log_factor(&trace("red-apg", settings, &w), 20, true);
    assert!((plain - known).abs() < 0.02 * known.abs(), "{plain} against {known}");
    assert!(
        (measured - 0.5 * known).abs() < 0.05 * 0.5 * known.abs(),
        "{measured} against {}",
        0.5 * known
    );
}
