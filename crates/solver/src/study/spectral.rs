//! The rate of an affine iteration.

use serde::Serialize;
use tweedie_imaging::{Image, noise};

use crate::measure::norms_sq;
use crate::{Error, FixedPointMap};

/// Iterations between two looks at the growth: long enough for complex eigenvalues to turn around several times.
const WINDOW: u32 = 50;

/// Growth that changes by less than this share of its logarithm over a window, three times in a row, is taken.
const TOLERANCE: f64 = 1e-3;

/// Most windows; eigenvalues that lie closer together than this can tell apart cannot be told apart by a run either.
const MAX_WINDOWS: u32 = 100;

/// What power iteration found.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct SpectralRadius {
    /// The largest absolute value of an eigenvalue, from below.
    pub value: f64,
    /// Applications of the map.
    pub iterations: u32,
    /// Whether the growth settled.
    pub converged: bool,
}

/// The spectral radius of J in T(z) = J z + b, by power iteration on T(v) - T(0): the factor by which the error of
/// z <- T(z) falls in the limit.
///
/// `x0` is the start of the run, `[1, C, H, W]` (its state gives the shape), `k` the iteration whose map is meant. For a
/// map that is not affine the result has no meaning.
///
/// # Errors
/// If the denoiser or the data fidelity fails.
pub fn spectral_radius(map: &dyn FixedPointMap, k: u32, x0: Image) -> Result<SpectralRadius, Error> {
    let (state, _) = map.first_state(x0)?;
    let origin = map.apply(&state.zeros_like(), k)?.next;
    // Large against T(0), whose rounding errors are then of no account.
    let size = 1e3 * (1.0 + norms_sq(&[&origin])?[0].sqrt());
    let mut v = noise::gaussian(state.dims(), tweedie_imaging::Sigma::new(1.0)?, 0, 0, &state.device())?;
    let mut last: Option<f64> = None;
    let mut settled = 0;
    let mut windows = 0;
    while settled < 3 && windows < MAX_WINDOWS {
        windows += 1;
        let mut log_growth = 0.0;
        for _ in 0..WINDOW {
            let norm = norms_sq(&[&v])?[0].sqrt();
            v = v * (size / norm);
            v = map.apply(&v, k)?.next - origin.clone();
            let grown = norms_sq(&[&v])?[0].sqrt();
            if grown <= f64::from(f32::MIN_POSITIVE) * size {
                return Ok(SpectralRadius {
                    value: 0.0,
                    iterations: windows * WINDOW,
                    converged: true,
                });
            }
            log_growth += (grown / size).ln() / f64::from(WINDOW);
        }
        let change = last.map(|last| (log_growth - last).abs() / log_growth.abs());
        settled = if change.is_some_and(|change| change < TOLERANCE) {
            settled + 1
        } else {
            0
        };
        last = Some(log_growth);
    }
    Ok(SpectralRadius {
        value: last.map_or(0.0, f64::exp),
        iterations: windows * WINDOW,
        converged: settled == 3,
    })
}
