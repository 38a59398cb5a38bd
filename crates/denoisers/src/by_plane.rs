//! Denoisers of images from methods on single planes.

use std::fmt::Debug;

use tweedie_imaging::{
    Denoiser, DenoiserInfo, Error, HostDenoiser, Image, Sigma, SigmaSupport, image_from_vec, vec_from_image,
};

/// A denoiser of one channel, on the host in f64.
pub trait PlaneMethod: Debug + Send + Sync {
    /// The name by which users choose it.
    const NAME: &'static str;

    /// Noise levels for which it is made: by default from none to the whole range of an image.
    fn sigma(&self) -> SigmaSupport {
        let level = |grey_levels| Sigma::from_grey_levels(grey_levels).expect("finite and not negative");
        SigmaSupport::Range {
            min: level(0.0),
            max: level(255.0),
        }
    }

    /// Side length in pixels of the input region that one output pixel depends on; 0 if unbounded.
    fn receptive_field(&self) -> usize;

    /// D of one channel, row by row; `size` is `[H, W]`, both at least 1, and `plane` has as many values.
    ///
    /// # Errors
    /// [`Error::NotConverged`] if it iterates and does not reach its tolerance.
    fn denoise(&self, plane: &[f64], size: [usize; 2], sigma: Sigma) -> Result<Vec<f64>, Error>;

    /// See [`HostDenoiser::precision`].
    fn precision(&self, sigma: Sigma) -> f64 {
        let _ = sigma;
        f64::EPSILON
    }
}

/// A denoiser that applies a method to each channel of each image.
#[derive(Clone, Debug)]
pub struct ByPlane<M> {
    method: M,
    info: DenoiserInfo,
}

impl<M: PlaneMethod> ByPlane<M> {
    /// The denoiser of this method.
    pub fn new(method: M) -> Self {
        let info = DenoiserInfo {
            name: M::NAME.to_owned(),
            channels: 0,
            sigma: method.sigma(),
            receptive_field: method.receptive_field(),
            weights_sha256: None,
        };
        Self { method, info }
    }
}

impl<M: PlaneMethod> Denoiser for ByPlane<M> {
    fn info(&self) -> &DenoiserInfo {
        &self.info
    }

    fn denoise(&self, x: Image, sigma: Sigma) -> Result<Image, Error> {
        let (dims, device) = (x.dims(), x.device().without_autodiff());
        let values: Vec<f64> = vec_from_image(&x.without_autodiff())?
            .into_iter()
            .map(f64::from)
            .collect();
        let denoised = self.denoise_values(&values, dims, sigma)?;
        image_from_vec(denoised.into_iter().map(|v| v as f32).collect(), dims, &device)
    }
}

impl<M: PlaneMethod> HostDenoiser for ByPlane<M> {
    fn denoise_plane(&self, plane: &[f64], size: [usize; 2], sigma: Sigma) -> Result<Vec<f64>, Error> {
        self.method.denoise(plane, size, sigma)
    }

    fn precision(&self, sigma: Sigma) -> f64 {
        self.method.precision(sigma)
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;
    use tweedie_imaging::noise;

    use super::*;
    use crate::Median;

    #[test]
    fn images_pass_channel_by_channel() {
        let sigma = Sigma::new(0.2).unwrap();
        let x = noise::gaussian([2, 3, 6, 5], sigma, 1, 0, &Device::flex()).unwrap();
        let median = ByPlane::new(Median);
        let together = vec_from_image(&median.denoise(x.clone(), sigma).unwrap()).unwrap();
        let planes = x.reshape([6, 1, 6, 5]);
        let apart = vec_from_image(&median.denoise(planes, sigma).unwrap()).unwrap();
        assert_eq!(together, apart);
    }
}
