//! Noise levels that are given or estimated.

use tweedie_imaging::{Image, Sigma, SigmaSupport};
use tweedie_operators::rules::estimate_noise;

use crate::error::usage;
use crate::{Events, Result};

/// The levels of `--sigma S,...`, in grey levels.
pub fn given(levels: &[f64]) -> Result<Vec<Sigma>> {
    levels
        .iter()
        .map(|&level| Sigma::from_grey_levels(level).map_err(|error| usage(format!("--sigma: {error}"))))
        .collect()
}

/// The noise level of one image, estimated from itself and moved into the range that the denoiser is made for.
pub fn estimate(name: &str, image: &Image, support: SigmaSupport, events: &dyn Events) -> Result<Sigma> {
    let estimates = estimate_noise(image)?;
    // The images of a batch are denoised at one level.
    let mean = estimates.iter().map(|sigma| sigma.value()).sum::<f64>() / estimates.len() as f64;
    let found = Sigma::new(mean)?;
    let level = support.nearest(found);
    if level != found {
        let (found, used) = (found.grey_levels(), level.grey_levels());
        events.note(&format!(
            "{name}: noise level estimated as {found:.2}, {used:.2} is the nearest that the checkpoint takes"
        ));
    } else {
        events.detail(&format!(
            "{name}: noise level estimated as {:.2} grey levels",
            found.grey_levels()
        ));
    }
    Ok(level)
}

/// A level in grey levels without the rounding errors of its conversion.
pub fn grey_levels(sigma: Sigma) -> f64 {
    (sigma.grey_levels() * 1e9).round() / 1e9
}
