//! Denoising with a noise level for each pixel.

use tweedie_imaging::{Denoiser, Image, Sigma, image_from_vec, vec_from_image};

use crate::Error;
use crate::host::parameter;

/// Largest ratio of neighbouring levels: no pixel is denoised at a level that is wrong by more than a quarter.
const RATIO: f64 = 1.5;

/// Most levels that an image is denoised at.
const MOST: usize = 9;

/// Denoises at levels with a constant ratio of at most 1.5 over the map's range, and takes for each pixel the mix of the two
/// neighbouring levels that is linear in the logarithm of its own. `map` has the shape of `y`.
///
/// Right for any denoiser whose result at a pixel depends on its surroundings, over which the level changes little.
///
/// # Errors
/// If a level of the map is not positive and finite, and what the denoiser fails with.
pub fn denoise_with_map(denoiser: &dyn Denoiser, y: Image, map: &Image) -> Result<Image, Error> {
    let [least, most] = extremes(map)?;
    let support = denoiser.info().sigma;
    let bounded = |level: f64| -> Result<f64, Error> { Ok(support.nearest(Sigma::new(level)?).value()) };
    let (least, most) = (bounded(least)?, bounded(most)?);
    let steps = ((most / least).ln() / RATIO.ln()).ceil() as usize;
    if steps == 0 {
        return Ok(denoiser.denoise(y, Sigma::new(least)?)?);
    }
    let steps = steps.min(MOST - 1);
    let ratio = (most / least).ln() / steps as f64;
    let positions: Vec<f64> = vec_from_image(map)?
        .into_iter()
        .map(|level| ((f64::from(level) / least).ln() / ratio).clamp(0.0, steps as f64))
        .collect();
    let mut mixed = vec![0.0; positions.len()];
    for step in 0..=steps {
        // Exactly the ends, so that a level at the edge of the denoiser's range stays inside it.
        let level = if step == steps {
            most
        } else {
            least * (ratio * step as f64).exp()
        };
        let denoised = vec_from_image(&denoiser.denoise(y.clone(), Sigma::new(level)?)?)?;
        for ((mixed, value), position) in mixed.iter_mut().zip(denoised).zip(&positions) {
            let weight = 1.0 - (position - step as f64).abs();
            if weight > 0.0 {
                *mixed += (weight * f64::from(value)) as f32;
            }
        }
    }
    Ok(image_from_vec(mixed, y.dims(), &y.device())?)
}

/// Least and largest value of a map, which must be positive and finite.
fn extremes(map: &Image) -> Result<[f64; 2], Error> {
    let mut range = [f64::INFINITY, 0.0];
    for value in vec_from_image(map)? {
        let value = f64::from(value);
        if !(value.is_finite() && value > 0.0) {
            return Err(parameter(
                "noise map",
                "positive, finite levels".into(),
                value.to_string(),
            ));
        }
        range = [range[0].min(value), f64::max(range[1], value)];
    }
    Ok(range)
}
