//! Models of a measurement's noise: what simulates it, weighs the data by it and denoises with it.

mod scales;
mod varying;

use std::sync::Arc;

pub use scales::denoise_scales;
use tweedie_imaging::{Denoiser, Image, Sigma, VarianceLaw, noise, require_dims};
pub use varying::denoise_with_map;

use crate::host::{norm_sq_per_image, parameter};
use crate::{Anscombe, Error, LinearOperator, Whitened, poisson_noise};

/// Counts that a pixel is taken to expect at least: one in a window of about 28 pixels, as large as what expectations are estimated
/// from. Without electronic noise, places where nothing was counted would have no noise at all and a weight without bound.
const LEAST_COUNT: f64 = 1.0 / 28.0;

/// The noise of a measurement y of which A x is the expectation.
#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant)] // There is one for a measurement.
pub enum NoiseModel {
    /// Independent Gaussian noise of one level.
    White(Sigma),
    /// Photon and electronic noise, var = gain A x + sigma^2.
    PoissonGaussian(VarianceLaw),
    /// Independent Gaussian noise with a level for each measured value, `[1, 1 or C', H', W']`, in `[0, 1]` units.
    Map(Image),
    /// Gaussian noise that is stronger at low frequencies.
    Correlated {
        /// White noise as strong at wavelengths of 5 to 11 pixels.
        level: Sigma,
        /// White noise as strong at full, half and quarter resolution.
        scales: [Sigma; 3],
    },
}

impl NoiseModel {
    /// Whether the level differs between places.
    pub fn is_varying(&self) -> bool {
        matches!(self, Self::PoissonGaussian(_) | Self::Map(_))
    }

    /// The level at each value of a measurement whose expectation is `expected`; `None` where it is the same everywhere.
    ///
    /// # Errors
    /// If a map does not fit.
    pub fn levels(&self, expected: &Image) -> Result<Option<Image>, Error> {
        match self {
            Self::White(_) | Self::Correlated { .. } => Ok(None),
            Self::PoissonGaussian(law) => {
                let least = law.gain() * LEAST_COUNT;
                Ok(Some(law.map(expected.clone().clamp_min(least as f32))))
            }
            Self::Map(map) => Ok(Some(fitted(map, expected.dims())?)),
        }
    }

    /// The one level that stands for it where only one can be used: the root mean square, of correlated noise that at low frequencies.
    ///
    /// # Errors
    /// As [`Self::levels`].
    pub fn level(&self, expected: &Image) -> Result<Sigma, Error> {
        match self {
            Self::White(level) | Self::Correlated { level, .. } => Ok(*level),
            Self::PoissonGaussian(law) => Ok(law.mean_level(expected)?),
            Self::Map(_) => match self.levels(expected)? {
                Some(map) => root_mean_square(&map),
                None => Ok(Sigma::new(0.0)?),
            },
        }
    }

    /// Adds seeded noise to the expectation of a measurement, by the generators of [`noise`] and [`poisson_noise`].
    ///
    /// # Errors
    /// For correlated noise, whose spectrum is not known; for Poisson noise as [`poisson_noise`], where negative
    /// values of `clean` count as 0; if a map does not fit.
    pub fn sample(&self, clean: &Image, seed: u64, stream: u64) -> Result<Image, Error> {
        let (dims, device) = (clean.dims(), clean.device());
        let gaussian = |level: Sigma| noise::gaussian(dims, level, seed, stream, &device);
        match self {
            Self::White(level) => Ok(clean.clone() + gaussian(*level)?),
            Self::PoissonGaussian(law) => {
                let counted = match law.gain() {
                    0.0 => clean.clone(),
                    gain => poisson_noise(&clean.clone().clamp_min(0.0), 1.0 / gain, seed, stream)?,
                };
                Ok(counted + gaussian(Sigma::new(law.sigma())?)?)
            }
            Self::Map(map) => Ok(clean.clone() + gaussian(Sigma::new(1.0)?)? * fitted(map, dims)?),
            Self::Correlated { .. } => Err(Error::Unavailable {
                operation: "simulating correlated noise",
                reason: "its spectrum is known at three scales only",
            }),
        }
    }

    /// Weighs A and y so that the noise has the level s everywhere: (W A, W y, s) with s the root mean square level;
    /// unchanged where the noise does not vary. `expected` is an estimate of A x.
    ///
    /// # Errors
    /// If a shape does not fit or a level is zero somewhere.
    pub fn whitened(
        &self,
        operator: Arc<dyn LinearOperator>,
        y: Image,
        expected: &Image,
    ) -> Result<(Arc<dyn LinearOperator>, Image, Sigma), Error> {
        let level = self.level(expected)?;
        let Some(levels) = self.levels(expected)? else {
            return Ok((operator, y, level));
        };
        let whitened = Whitened::new(operator, &levels, level.value())?;
        let y = whitened.whiten(y)?;
        Ok((Arc::new(whitened), y, level))
    }

    /// Denoises an image with this noise: white noise by one call; signal-dependent noise between the Anscombe transform and its exact
    /// unbiased inverse ([`Anscombe`]); a map by [`denoise_with_map`]; correlated noise scale by scale
    /// ([`denoise_scales`]). Levels outside the denoiser's range become the nearest in it.
    ///
    /// # Errors
    /// What the denoiser fails with, and if a map does not fit.
    pub fn denoise(&self, denoiser: &dyn Denoiser, y: Image) -> Result<Image, Error> {
        match self {
            Self::White(level) => Ok(denoiser.denoise(y, denoiser.info().sigma.nearest(*level))?),
            Self::PoissonGaussian(law) if law.gain() == 0.0 => {
                Self::White(Sigma::new(law.sigma())?).denoise(denoiser, y)
            }
            Self::PoissonGaussian(law) => {
                let transform = Anscombe::new(*law)?;
                // Black and white go to 0 and 1, which is what denoisers are made for.
                let (black, white) = (transform.transform(0.0), transform.transform(1.0));
                let range = white - black;
                let stable = (transform.forward(&y)? - black as f32) / range as f32;
                let level = denoiser.info().sigma.nearest(Sigma::new(1.0 / range)?);
                let denoised = denoiser.denoise(stable, level)?;
                transform.inverse(&(denoised * range as f32 + black as f32))
            }
            Self::Map(map) => {
                let map = fitted(map, y.dims())?;
                denoise_with_map(denoiser, y, &map)
            }
            Self::Correlated { scales, .. } => denoise_scales(denoiser, y, *scales),
        }
    }
}

/// A map of one channel repeated for all.
fn fitted(map: &Image, [_, channels, rows, cols]: [usize; 4]) -> Result<Image, Error> {
    let [count, of, ..] = map.dims();
    if count != 1 || (of != 1 && of != channels) {
        let expected = format!("[1, 1 or {channels}, {rows}, {cols}]");
        return Err(parameter("noise map", expected, format!("{:?}", map.dims())));
    }
    require_dims("noise map", map, [of, rows, cols])?;
    let repeats = channels / of;
    Ok(map.clone().repeat_dim(1, repeats))
}

fn root_mean_square(image: &Image) -> Result<Sigma, Error> {
    let count: usize = image.dims().iter().product();
    let sum: f64 = norm_sq_per_image(image)?.iter().sum();
    Ok(Sigma::new((sum / count as f64).sqrt())?)
}
