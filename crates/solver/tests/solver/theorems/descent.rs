//! Descent on known energies: GS-PnP and Prox-PnP.

use tweedie_imaging::GradientDenoiser;

use super::*;

const GS: &str = "GS-PnP";
const PROX: &str = "Prox-PnP";

/// D = x - grad g with g = curvature/2 ||x||^2, or what claims to be that.
struct Potential {
    curvature: f64,
    /// What grad g is multiplied with; 1 is the truth.
    sign: f64,
    /// Whether g is sigma times as large.
    by_level: bool,
    info: DenoiserInfo,
}

fn potential(curvature: f64, sign: f64, by_level: bool) -> Prior {
    Prior::Gradient(Arc::new(Potential {
        curvature,
        sign,
        by_level,
        info: info(),
    }))
}

impl Denoiser for Potential {
    fn info(&self) -> &DenoiserInfo {
        &self.info
    }

    fn denoise(&self, x: Image, sigma: Sigma) -> Result<Image, ImagingError> {
        Ok(x.clone() - self.potential(x, sigma)?.1)
    }
}

impl GradientDenoiser for Potential {
    fn potential(&self, x: Image, sigma: Sigma) -> Result<(Vec<f64>, Image), ImagingError> {
        let curvature = self.curvature * if self.by_level { sigma.value() } else { 1.0 };
        let value = 0.5 * curvature * norm(&values(&x)).powi(2);
        Ok((vec![value], x * (curvature * self.sign)))
    }
}

fn energies(run: &Restoration) -> Vec<f64> {
    run.trace.iter().filter_map(|row| row.objective).collect()
}

fn rises(energies: &[f64]) -> bool {
    energies.windows(2).any(|pair| pair[1] > pair[0] + 2e-6 * pair[0].abs())
}

fn known(regular_potential: bool, residual_lipschitz: f64) -> Known {
    Known {
        gradient_step: true,
        regular_potential,
        residual_lipschitz: Some(residual_lipschitz),
        ..Known::default()
    }
}

#[test]
fn the_energy_falls_to_a_stationary_point() {
    assert_eq!(holds(GS, &scaling(0.5), known(true, 0.5)), Some(true));
    // However long the first step is.
    for settings in ["strength = 1", "strength = 1\nstep = 30", "strength = 1\nstep = 1e6"] {
        let run = run_prior("gs-pnp", settings, &inpainting(), potential(0.5, 1.0, false));
        assert!(!rises(&energies(&run)), "{settings}");
        // grad l + alpha grad g = m (x - truth) + 0.5 x.
        let stationary = values(&run.image)
            .into_iter()
            .zip(truth())
            .enumerate()
            .all(|(i, (x, t))| {
                let expected = if is_measured(i) { t / 1.5 } else { 0.0 };
                (x - expected).abs() < 2e-3
            });
        assert!(stationary, "{settings}: {:?}", run.stop);
    }
}

#[test]
fn an_energy_that_does_not_fall_is_reported() {
    // The gradient points uphill: no step lowers the energy.
    for solver in ["gs-pnp", "red-gd"] {
        for settings in ["strength = 1", "strength = 1\nstep = 1e6"] {
            let run = run_prior(solver, settings, &diagonal(|_| 0.0), potential(0.5, -1.0, false));
            assert_eq!(run.stop, StopReason::Stalled, "{solver} {settings}");
            // The image is the last one before: the start.
            assert_eq!(values(&run.image), values(&image(&random(3, N))), "{solver}");
            let energies = energies(&run);
            assert!(!rises(&energies), "{energies:?}");
        }
    }
}

#[test]
fn descent_does_not_end_without_each_assumption() {
    assert_eq!(holds(GS, &scaling(3.0), known(false, 2.0)), None);
    let unbounded = run_prior("gs-pnp", "strength = 2", &inpainting(), potential(-2.0, 1.0, false));
    assert_eq!(unbounded.stop, StopReason::Diverged);
    assert_eq!(holds(GS, &scaling(0.5), Known::default()), Some(false));
    let moving = run_prior(
        "gs-pnp",
        &format!("strength = 1\n{}", restless()),
        &inpainting(),
        potential(4.0, 1.0, true),
    );
    assert!(rises(&energies(&moving)));
}

#[test]
fn prox_pnp_descends_its_objective() {
    let d = scaling(0.1);
    assert_eq!(holds(PROX, &d, known(true, 0.9)), Some(true));
    let run = run_prior("prox-pnp", "relaxation = 1", &inpainting(), potential(0.9, 1.0, false));
    assert!(!rises(&energies(&run)));
    assert_converges("prox-pnp", &run);
}

#[test]
fn prox_pnp_does_not_without_each_assumption() {
    // w grad g with the Lipschitz constant 1.25.
    assert_eq!(holds(PROX, &scaling(-0.25), known(true, 1.25)), Some(false));
    let run = |settings: &str, fidelity: &Arc<Quadratic>, prior| run_prior("prox-pnp", settings, fidelity, prior);
    let far = run("relaxation = 1", &inpainting(), potential(1.25, 1.0, false));
    assert!(rises(&energies(&far)));
    let long = run("step = 2.1", &inpainting(), potential(1e-9, 1.0, false));
    assert_does_not_converge("step", &long);
    let unbounded = run("relaxation = 1", &diagonal(|_| -0.5), potential(1e-9, 1.0, false));
    assert_does_not_converge("l unbounded", &unbounded);
    let moving = run(&restless(), &inpainting(), potential(4.0, 1.0, true));
    assert!(rises(&energies(&moving)));
    assert_eq!(holds(PROX, &scaling(0.1), Known::default()), Some(false));
}
