//! A network as a [`GradientDenoiser`].

use std::sync::Arc;

use tweedie_imaging::{Denoiser, DenoiserInfo, Error, GradientDenoiser, Image, Sigma};

use super::denoiser::NetworkDenoiser;
use crate::networks::Potential;

/// A denoiser D = x - grad g whose potential g is known.
#[derive(Clone, Debug)]
pub struct PotentialDenoiser {
    denoiser: Arc<NetworkDenoiser>,
    potential: Arc<dyn Potential>,
}

impl PotentialDenoiser {
    /// The denoiser with its potential; `None` if the network is not built from one.
    pub fn new(denoiser: Arc<NetworkDenoiser>) -> Option<Self> {
        let potential = denoiser.network().potential()?;
        Some(Self { denoiser, potential })
    }
}

impl Denoiser for PotentialDenoiser {
    fn info(&self) -> &DenoiserInfo {
        self.denoiser.info()
    }

    fn denoise(&self, x: Image, sigma: Sigma) -> Result<Image, Error> {
        self.denoiser.denoise(x, sigma)
    }
}

impl GradientDenoiser for PotentialDenoiser {
    fn potential(&self, x: Image, sigma: Sigma) -> Result<(Vec<f64>, Image), Error> {
        self.denoiser.check(&x, sigma)?;
        self.potential
            .value_and_gradient(x.without_autodiff(), sigma, self.denoiser.tiles())
    }
}
