//! Every theorem that a certificate names, with instances that meet its assumptions and obey, and for each assumption one
//! that violates it and does not.
//!
//! The instances are linear or nearly so, on 8 x 8 pixels of which every other one is measured: one row is `measured`,
//! `open`, `measured`, ... The prior's weight is the strength, since the level is that of the data.

mod descent;
mod pnp;
mod red;

use std::sync::Arc;

use tweedie_imaging::{Denoiser, DenoiserInfo, Error as ImagingError, HostDenoiser, Image, Sigma};
use tweedie_operators::{DataFidelity, Error as OperatorError, InnerSolve};
use tweedie_solver::certify::{Known, Status, Subject, Theorem, certify_patches, verdict};
use tweedie_solver::{Executor, Prior, Problem, Restoration, StopReason};

use super::support::{Matrix, N, NOISE, SIDE, build, image, info, norm, random, truth, values};

/// A denoiser that is any map of the pixels and the level.
struct Map {
    map: MapFn,
    info: DenoiserInfo,
}

type MapFn = Box<dyn Fn(&[f64], f64) -> Vec<f64> + Send + Sync>;

fn map(map: impl Fn(&[f64], f64) -> Vec<f64> + Send + Sync + 'static) -> Arc<Map> {
    Arc::new(Map {
        map: Box::new(map),
        info: info(),
    })
}

/// D(x) = W x.
fn linear(w: Matrix) -> Arc<Map> {
    map(move |x, _| w.apply(x))
}

/// D(x) = c x.
fn scaling(c: f64) -> Arc<Map> {
    linear(Matrix::identity().scale(c))
}

/// D(x) = x + 0.1: firmly nonexpansive, and without a fixed point.
fn translation() -> Arc<Map> {
    map(|x, _| x.iter().map(|v| v + 0.1).collect())
}

impl Denoiser for Map {
    fn info(&self) -> &DenoiserInfo {
        &self.info
    }

    fn denoise(&self, x: Image, sigma: Sigma) -> Result<Image, ImagingError> {
        Ok(image(&(self.map)(&values(&x), sigma.value())))
    }
}

impl HostDenoiser for Map {
    fn denoise_plane(&self, plane: &[f64], _: [usize; 2], sigma: Sigma) -> Result<Vec<f64>, ImagingError> {
        Ok((self.map)(plane, sigma.value()))
    }
}

/// l(x) = 1/2 x^T B x - b^T x with a symmetric B, convex or not.
struct Quadratic {
    matrix: Matrix,
    linear: Vec<f64>,
    lipschitz: f64,
}

impl DataFidelity for Quadratic {
    fn domain(&self) -> [usize; 3] {
        [1, SIDE, SIDE]
    }

    fn value(&self, x: Image) -> Result<Vec<f64>, OperatorError> {
        let x = values(&x);
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        Ok(vec![0.5 * dot(&x, &self.matrix.apply(&x)) - dot(&self.linear, &x)])
    }

    fn grad(&self, x: Image) -> Result<Image, OperatorError> {
        let gradient: Vec<f64> = self
            .matrix
            .apply(&values(&x))
            .iter()
            .zip(&self.linear)
            .map(|(a, b)| a - b)
            .collect();
        Ok(image(&gradient))
    }

    fn lipschitz(&self) -> Option<f64> {
        Some(self.lipschitz)
    }

    fn prox(&self, z: Image, gamma: f64) -> Result<(Image, InnerSolve), OperatorError> {
        let system = self.matrix.add(&Matrix::identity().scale(1.0 / gamma));
        let right: Vec<f64> = values(&z)
            .iter()
            .zip(&self.linear)
            .map(|(z, b)| z / gamma + b)
            .collect();
        Ok((image(&system.solve(&right)), InnerSolve::Exact))
    }
}

/// 1/2 sum_i d_i (x_i - truth_i)^2.
fn diagonal(d: impl Fn(usize) -> f64) -> Arc<Quadratic> {
    let matrix = Matrix::from_fn(|i, j| if i == j { d(i) } else { 0.0 });
    let linear = matrix.apply(&truth());
    let lipschitz = (0..N).map(|i| d(i).abs()).fold(0.0, f64::max);
    Arc::new(Quadratic {
        matrix,
        linear,
        lipschitz,
    })
}

/// Every other pixel is measured.
fn inpainting() -> Arc<Quadratic> {
    diagonal(|i| if is_measured(i) { 1.0 } else { 0.0 })
}

fn is_measured(i: usize) -> bool {
    i.is_multiple_of(2)
}

/// Turns each pair of a measured and an open pixel by 90 degrees: an isometry that moves all but 0.
fn rotation() -> Matrix {
    Matrix::from_fn(|i, j| match (i % 2, j) {
        (0, j) if j == i + 1 => -1.0,
        (1, j) if j + 1 == i => 1.0,
        _ => 0.0,
    })
}

/// (1 - a) I + a W.
fn averaged(a: f64, w: &Matrix) -> Matrix {
    Matrix::identity().scale(1.0 - a).add(&w.scale(a))
}

/// Runs a solver from a random image; the strength is the prior's weight.
fn run(solver: &str, settings: &str, fidelity: &Arc<Quadratic>, denoiser: &Arc<Map>) -> Restoration {
    run_prior(
        solver,
        settings,
        fidelity,
        Prior::Plain(Arc::clone(denoiser) as Arc<dyn Denoiser>),
    )
}

fn run_prior(solver: &str, settings: &str, fidelity: &Arc<Quadratic>, prior: Prior) -> Restoration {
    let problem = Problem {
        fidelity: Arc::clone(fidelity) as Arc<dyn DataFidelity>,
        prior,
        noise: Sigma::new(NOISE).unwrap(),
    };
    let level = if settings.contains("sigma") {
        String::new()
    } else {
        format!("sigma = {NOISE}\n")
    };
    let length = if settings.contains("iterations") {
        ""
    } else {
        "iterations = 400\n"
    };
    let algorithm = build(solver, &format!("{level}{length}{settings}"), problem);
    Executor::new(algorithm.as_ref()).run(image(&random(3, N))).unwrap()
}

fn last_residual(run: &Restoration) -> f64 {
    run.trace.last().unwrap().fixed_point_residual
}

#[track_caller]
fn assert_converges(what: &str, run: &Restoration) {
    let residual = last_residual(run);
    assert!(
        run.stop == StopReason::MaxIters && residual < 1e-5,
        "{what}: {:?}, residual {residual:.1e}",
        run.stop
    );
}

/// It runs away, or goes on moving by more than a hundredth of the image's range.
#[track_caller]
fn assert_does_not_converge(what: &str, run: &Restoration) {
    let residual = last_residual(run);
    assert!(
        run.stop == StopReason::Diverged || residual > 1e-2,
        "{what}: {:?}, residual {residual:.1e}",
        run.stop
    );
}

/// The patches on which denoisers are measured.
fn patch(seed: u64) -> Vec<f64> {
    random(seed, N)
}

/// The theorem whose name begins so, of a denoiser that is measured on random patches.
fn theorem(beginning: &str, denoiser: &Arc<Map>, known: Known) -> Theorem {
    let patches: Vec<Image> = (0..3).map(|seed| image(&patch(seed))).collect();
    let sigma = Sigma::new(NOISE).unwrap();
    let level = certify_patches(Subject::Differences(denoiser.as_ref()), &patches, sigma).unwrap();
    let mut theorems = verdict(&[level], known).into_iter();
    theorems
        .find(|theorem| theorem.name.starts_with(beginning))
        .unwrap_or_else(|| panic!("no theorem '{beginning}'"))
}

/// Whether all conditions on the denoiser hold as far as is known; `None` where one is not decided and none fails.
fn holds(beginning: &str, denoiser: &Arc<Map>, known: Known) -> Option<bool> {
    let conditions = theorem(beginning, denoiser, known).conditions;
    if conditions.iter().any(|c| matches!(c.status, Status::Fails(_))) {
        return Some(false);
    }
    let is_open = |status: &Status| matches!(status, Status::NotDecided(_));
    (!conditions.iter().any(|c| is_open(&c.status))).then_some(true)
}

/// Levels that go to and fro until the end of 400 iterations.
fn restless() -> String {
    let levels = (0..400).map(|k| if k % 2 == 0 { "0.05" } else { "0.2" });
    format!("sigma = [{}]", levels.collect::<Vec<_>>().join(", "))
}

/// A denoiser whose fixed points depend on the level: it goes half of the way to 1, or to 0 at low levels.
fn level_dependent() -> Arc<Map> {
    map(|x, sigma| {
        let end = if sigma > 0.1 { 1.0 } else { 0.0 };
        x.iter().map(|v| 0.5 * (v + end)).collect()
    })
}
