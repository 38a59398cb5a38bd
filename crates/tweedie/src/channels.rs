//! Denoisers on images that have other channels than their own.

use std::sync::Arc;

use tweedie_imaging::{Denoiser, DenoiserInfo, Error, GradientDenoiser, Image, Sigma};

use crate::Result;
use crate::error::bail;

/// A denoiser D of gray images on images with several channels: D on each channel.
struct PerChannel<D: ?Sized> {
    denoiser: Arc<D>,
    info: DenoiserInfo,
}

/// A denoiser D of colour images on gray images: D'(x) = 1/C sum_c D(x, ..., x)_c.
///
/// The copies' noise is equal, while D was trained with independent noise in its channels; a gray checkpoint is better.
struct Averaged<D: ?Sized> {
    denoiser: Arc<D>,
    info: DenoiserInfo,
}

/// How a denoiser of `own` channels treats images.
pub(crate) enum Way {
    Itself,
    PerChannel,
    Averaged,
}

/// How a denoiser treats images with `channels` channels.
///
/// # Errors
/// As [`adapt`].
pub(crate) fn way(info: &DenoiserInfo, channels: usize) -> Result<Way> {
    Ok(match (info.channels, channels) {
        (own, _) if own == channels || own == 0 => Way::Itself,
        (1, _) => Way::PerChannel,
        (_, 1) => Way::Averaged,
        (own, _) => bail!(
            "checkpoint '{}': expected images with 1 or {own} channels, got {channels}",
            info.name
        ),
    })
}

fn info_for(info: &DenoiserInfo, channels: usize) -> DenoiserInfo {
    DenoiserInfo {
        channels,
        ..info.clone()
    }
}

/// The denoiser for images with `channels` channels: itself, or itself channel by channel, or averaged over channels.
///
/// # Errors
/// If a denoiser of several channels meets images with another number of several channels.
pub fn adapt(denoiser: Arc<dyn Denoiser>, channels: usize) -> Result<Arc<dyn Denoiser>> {
    let info = info_for(denoiser.info(), channels);
    Ok(match way(denoiser.info(), channels)? {
        Way::Itself => denoiser,
        Way::PerChannel => Arc::new(PerChannel { denoiser, info }),
        Way::Averaged => Arc::new(Averaged { denoiser, info }),
    })
}

/// As [`adapt`], with the potential: that of each channel, summed, or 1/C g(x, ..., x).
///
/// # Errors
/// As [`adapt`].
pub fn adapt_gradient(denoiser: Arc<dyn GradientDenoiser>, channels: usize) -> Result<Arc<dyn GradientDenoiser>> {
    let info = info_for(denoiser.info(), channels);
    Ok(match way(denoiser.info(), channels)? {
        Way::Itself => denoiser,
        Way::PerChannel => Arc::new(PerChannel { denoiser, info }),
        Way::Averaged => Arc::new(Averaged { denoiser, info }),
    })
}

impl<D: GradientDenoiser + ?Sized> GradientDenoiser for PerChannel<D> {
    fn potential(&self, x: Image, sigma: Sigma) -> Result<(Vec<f64>, Image), Error> {
        let [n, c, h, w] = x.dims();
        check(&self.info, c)?;
        let (potentials, gradient) = self.denoiser.potential(x.reshape([n * c, 1, h, w]), sigma)?;
        let sums = potentials.chunks(c).map(|image| image.iter().sum()).collect();
        Ok((sums, gradient.reshape([n, c, h, w])))
    }
}

impl<D: GradientDenoiser + ?Sized> GradientDenoiser for Averaged<D> {
    fn potential(&self, x: Image, sigma: Sigma) -> Result<(Vec<f64>, Image), Error> {
        check(&self.info, x.dims()[1])?;
        let copies = self.denoiser.info().channels;
        let (potentials, gradient) = self.denoiser.potential(x.repeat_dim(1, copies), sigma)?;
        let means = potentials.into_iter().map(|g| g / copies as f64).collect();
        Ok((means, gradient.mean_dim(1)))
    }
}

impl<D: Denoiser + ?Sized> Denoiser for PerChannel<D> {
    fn info(&self) -> &DenoiserInfo {
        &self.info
    }

    fn denoise(&self, x: Image, sigma: Sigma) -> Result<Image, Error> {
        let [n, c, h, w] = x.dims();
        check(&self.info, c)?;
        Ok(self
            .denoiser
            .denoise(x.reshape([n * c, 1, h, w]), sigma)?
            .reshape([n, c, h, w]))
    }
}

impl<D: Denoiser + ?Sized> Denoiser for Averaged<D> {
    fn info(&self) -> &DenoiserInfo {
        &self.info
    }

    fn denoise(&self, x: Image, sigma: Sigma) -> Result<Image, Error> {
        check(&self.info, x.dims()[1])?;
        let copies = x.repeat_dim(1, self.denoiser.info().channels);
        Ok(self.denoiser.denoise(copies, sigma)?.mean_dim(1))
    }
}

fn check(info: &DenoiserInfo, got: usize) -> Result<(), Error> {
    if info.channels == got {
        return Ok(());
    }
    Err(Error::Shape {
        operation: "denoise",
        expected: format!("[N, {}, H, W]", info.channels),
        got: format!("{got} channels"),
    })
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;
    use tweedie_imaging::{SigmaSupport, image_from_vec, vec_from_image};

    use super::*;

    /// Adds the channel's number, from 1, to each channel.
    struct AddNumber(DenoiserInfo);

    impl Denoiser for AddNumber {
        fn info(&self) -> &DenoiserInfo {
            &self.0
        }

        fn denoise(&self, x: Image, _: Sigma) -> Result<Image, Error> {
            let [n, c, h, w] = x.dims();
            assert_eq!(c, self.0.channels);
            let number = |i: usize| (i / (h * w) % c + 1) as f32;
            Ok(x.clone() + image_from_vec((0..n * c * h * w).map(number).collect(), [n, c, h, w], &x.device())?)
        }
    }

    fn denoised(own: usize, dims: [usize; 4]) -> Vec<f32> {
        let info = DenoiserInfo {
            name: "test".to_owned(),
            channels: own,
            sigma: SigmaSupport::Blind,
            receptive_field: 1,
            weights_sha256: None,
        };
        let denoiser = adapt(Arc::new(AddNumber(info)), dims[1]).unwrap();
        assert_eq!(denoiser.info().channels, dims[1]);
        let values = (0..dims.iter().product()).map(|i| 10.0 * i as f32).collect();
        let x = image_from_vec(values, dims, &Device::flex()).unwrap();
        vec_from_image(&denoiser.denoise(x, Sigma::new(0.1).unwrap()).unwrap()).unwrap()
    }

    #[test]
    fn gray_denoisers_take_each_channel() {
        assert_eq!(denoised(1, [2, 3, 1, 1]), [1.0, 11.0, 21.0, 31.0, 41.0, 51.0]);
    }

    #[test]
    fn colour_denoisers_are_averaged_on_gray() {
        // (1 + 2 + 3) / 3 is added to each pixel.
        assert_eq!(denoised(3, [1, 1, 1, 2]), [2.0, 12.0]);
    }

    #[test]
    fn equal_channels_are_untouched() {
        assert_eq!(denoised(3, [1, 3, 1, 1]), [1.0, 12.0, 23.0]);
    }
}
