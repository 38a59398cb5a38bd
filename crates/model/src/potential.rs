//! A network as a [`GradientDenoiser`].

use std::sync::Arc;

use burn::tensor::Tensor;
use tweedie_imaging::{Denoiser, DenoiserInfo, Error, GradientDenoiser, Image, Sigma};

use crate::gradient_step::Penalty;
use crate::{GradientStep, Network, NetworkDenoiser, tiling};

/// A denoiser D = x - grad g whose potential g is known.
#[derive(Clone, Debug)]
pub struct PotentialDenoiser {
    denoiser: Arc<NetworkDenoiser>,
    network: GradientStep,
}

impl PotentialDenoiser {
    /// The denoiser with its potential; `None` if the network is not built from one.
    pub fn new(denoiser: Arc<NetworkDenoiser>) -> Option<Self> {
        match denoiser.network() {
            Network::GradientStep(network) => Some(Self {
                network: network.clone(),
                denoiser,
            }),
            _ => None,
        }
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
        let [n, c, _, _] = x.dims();
        // R and the gradient side by side, so that large images can be cut into tiles: both are local.
        let both = tiling::map_tiles(x.without_autodiff(), self.denoiser.tiles(), |tile| {
            let levels = Tensor::full([tile.dims()[0]], sigma.value(), &tile.device());
            let Penalty { residual, gradient } = self.network.penalty(tile, levels);
            Tensor::cat(vec![residual, gradient], 1)
        });
        let residual = both.clone().narrow(1, 0, c);
        let values = residual.try_into_vec_as::<f32>().map_err(|error| Error::Device {
            reason: error.to_string(),
        })?;
        // In f64: solvers compare energies that differ little.
        let potentials = values
            .chunks(values.len() / n)
            .map(|image| 0.5 * image.iter().map(|&v| f64::from(v).powi(2)).sum::<f64>())
            .collect();
        Ok((potentials, both.narrow(1, c, c)))
    }
}
