//! A share of a denoiser.

use std::sync::Arc;

use burn::tensor::Tensor;
use tweedie_imaging::{Denoiser, DenoiserInfo, DifferentiableDenoiser, Error, GradientDenoiser, Image, Sigma};

/// D_w = (1 - w) I + w D with a share w in (0, 1].
///
/// It has the fixed points of D. For D averaged with alpha it is averaged with w alpha: w = 1/(2 alpha) makes it firmly
/// nonexpansive, which plug-and-play ADMM and Douglas-Rachford splitting need.
pub struct Relaxed<D: ?Sized> {
    denoiser: Arc<D>,
    share: f64,
}

impl<D: Denoiser + ?Sized> Relaxed<D> {
    /// The share `w` of a denoiser.
    pub fn new(denoiser: Arc<D>, w: f64) -> Self {
        Self { denoiser, share: w }
    }

    fn mixed(&self, x: Tensor<4>, denoised: Tensor<4>) -> Tensor<4> {
        x * (1.0 - self.share) + denoised * self.share
    }
}

impl<D: Denoiser + ?Sized> Denoiser for Relaxed<D> {
    fn info(&self) -> &DenoiserInfo {
        self.denoiser.info()
    }

    fn denoise(&self, x: Image, sigma: Sigma) -> Result<Image, Error> {
        let denoised = self.denoiser.denoise(x.clone(), sigma)?;
        Ok(self.mixed(x, denoised))
    }
}

impl<D: DifferentiableDenoiser + ?Sized> DifferentiableDenoiser for Relaxed<D> {
    fn forward(&self, x: Tensor<4>, sigma: Sigma) -> Result<Tensor<4>, Error> {
        let denoised = self.denoiser.forward(x.clone(), sigma)?;
        Ok(self.mixed(x, denoised))
    }
}

/// x - D_w(x) = w grad g(x), the gradient of w g.
impl<D: GradientDenoiser + ?Sized> GradientDenoiser for Relaxed<D> {
    fn potential(&self, x: Image, sigma: Sigma) -> Result<(Vec<f64>, Image), Error> {
        let (potentials, gradient) = self.denoiser.potential(x, sigma)?;
        let potentials = potentials.into_iter().map(|g| g * self.share).collect();
        Ok((potentials, gradient * self.share))
    }
}
