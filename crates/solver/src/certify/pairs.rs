//! Measures of pairs of patches: nonexpansiveness, demicontractivity.

use tweedie_imaging::{Image, Sigma};

use super::subject::Subject;
use super::vectors::{distance, host, norm};
use crate::Error;

/// Denoisings in the search for a fixed point. Denoisers contract quickly towards smooth images, and slowly from there.
const FIXED_POINT_CALLS: u32 = 50;

/// What the inequalities say about one patch x with its partner z and a near fixed point p.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PairMeasures {
    /// ||D(x) - D(z)|| / ||x - z|| at least, over z = the next patch, z = D(x) and z = p; `None` where all are x.
    pub expansion: Option<f64>,
    /// (||D(x) - p||^2 - ||x - p||^2) / ||x - D(x)||^2; demicontractive with constant d means at most d < 1. `None` where
    /// x = D(x), which every d allows.
    pub demicontractivity: Option<f64>,
    /// ||D(p) - p|| / ||p||, 0 where D(p) = p.
    pub fixed_point_error: f64,
}

/// Measures every patch against the next one, its own denoised version and a near fixed point, found by denoising it
/// again and again.
///
/// # Shapes
/// Patches `[1, C, H, W]`, all the same.
///
/// # Errors
/// What the denoiser says.
pub fn measure_pairs(subject: Subject<'_>, patches: &[Image], sigma: Sigma) -> Result<Vec<PairMeasures>, Error> {
    let pixels = patches.iter().map(host).collect::<Result<Vec<_>, Error>>()?;
    let denoise = |x: &[f64]| subject.denoise(x, &patches[0], sigma);
    let denoised = pixels.iter().map(|x| denoise(x)).collect::<Result<Vec<_>, Error>>()?;
    (0..patches.len())
        .map(|index| {
            let (x, dx) = (&pixels[index], &denoised[index]);
            let mut p = dx.clone();
            for _ in 1..FIXED_POINT_CALLS {
                p = denoise(&p)?;
            }
            let dp = denoise(&p)?;
            let twice = denoise(dx)?;
            let next = (index + 1) % patches.len();
            // How far the images of two points are apart, over their own distance.
            let ratio = |images: f64, points: f64| (points != 0.0).then(|| images / points);
            let mut ratios = vec![
                ratio(distance(dx, &dp), distance(x, &p)),
                ratio(distance(dx, &twice), distance(x, dx)),
            ];
            if next != index {
                ratios.push(ratio(distance(dx, &denoised[next]), distance(x, &pixels[next])));
            }
            let moved = distance(&dp, &p);
            Ok(PairMeasures {
                expansion: ratios.into_iter().flatten().reduce(larger),
                demicontractivity: ratio(
                    distance(dx, &p).powi(2) - distance(x, &p).powi(2),
                    distance(x, dx).powi(2),
                ),
                fixed_point_error: if moved == 0.0 { 0.0 } else { moved / norm(&p) },
            })
        })
        .collect()
}

/// The larger of two numbers; NaN if one of them is.
fn larger(a: f64, b: f64) -> f64 {
    if a.is_nan() || b.is_nan() { f64::NAN } else { a.max(b) }
}
