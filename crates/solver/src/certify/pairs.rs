//! Measures of pairs of patches: nonexpansiveness, demicontractivity.

use tweedie_imaging::{Image, Sigma};

use super::lanczos::norm;
use super::patch::{distance, host};
use super::subject::Subject;
use crate::Error;

/// Denoisings in the search for a fixed point. Denoisers contract quickly towards smooth images, and slowly from there.
const FIXED_POINT_CALLS: u32 = 50;

/// What the inequalities say about one patch x with its partner z and a near fixed point p.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PairMeasures {
    /// ||D(x) - D(z)|| / ||x - z|| at least, over z = the next patch, z = D(x) and z = p.
    pub expansion: f64,
    /// (||D(x) - p||^2 - ||x - p||^2) / ||x - D(x)||^2; demicontractive with constant d means at most d < 1.
    pub demicontractivity: f64,
    /// ||D(p) - p|| / ||p||.
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
            let mut ratios = vec![
                distance(dx, &dp) / distance(x, &p),
                distance(dx, &twice) / distance(x, dx),
            ];
            if next != index {
                ratios.push(distance(dx, &denoised[next]) / distance(x, &pixels[next]));
            }
            Ok(PairMeasures {
                expansion: ratios.into_iter().filter(|r| r.is_finite()).fold(0.0, f64::max),
                demicontractivity: (distance(dx, &p).powi(2) - distance(x, &p).powi(2)) / distance(x, dx).powi(2),
                fixed_point_error: distance(&dp, &p) / norm(&p),
            })
        })
        .collect()
}
