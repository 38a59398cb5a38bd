//! A network as a [`GradientDenoiser`].

use std::sync::Arc;

use burn::tensor::Tensor;
use tweedie_imaging::{Denoiser, DenoiserInfo, Error, GradientDenoiser, Image, Sigma, vec_from_image};

use crate::gradient_step::Penalty;
use crate::{GradientStep, Network, NetworkDenoiser, Ridge, tiling};

/// A denoiser D = x - grad g whose potential g is known.
#[derive(Clone, Debug)]
pub struct PotentialDenoiser {
    denoiser: Arc<NetworkDenoiser>,
    potential: Potential,
}

/// What g is made of. Clones of a network share its weights.
#[derive(Clone, Debug)]
enum Potential {
    HalfSquare(GradientStep),
    Ridge(Ridge),
}

impl PotentialDenoiser {
    /// The denoiser with its potential; `None` if the network is not built from one.
    pub fn new(denoiser: Arc<NetworkDenoiser>) -> Option<Self> {
        let potential = match denoiser.network() {
            Network::GradientStep(network) => Potential::HalfSquare(network.clone()),
            Network::Ridge(network) => Potential::Ridge(network.clone()),
            Network::Dncnn(_) | Network::Ffdnet(_) | Network::Unet(_) | Network::Lipschitz(_) | Network::Crr(_) => {
                return None;
            }
        };
        Some(Self { denoiser, potential })
    }

    fn half_square(&self, network: &GradientStep, x: Image, sigma: Sigma) -> Result<(Vec<f64>, Image), Error> {
        let [n, c, _, _] = x.dims();
        // R and the gradient side by side, so that large images can be cut into tiles: both are local.
        let both = tiling::map_tiles(x, self.denoiser.tiles(), |tile| {
            let levels = Tensor::full([tile.dims()[0]], sigma.value(), &tile.device());
            let Penalty { residual, gradient } = network.penalty(tile, levels);
            Tensor::cat(vec![residual, gradient], 1)
        });
        let residual = both.clone().narrow(1, 0, c);
        let values = vec_from_image(&residual)?;
        // In f64: solvers compare energies that differ little.
        let potentials = values
            .chunks(values.len() / n)
            .map(|image| 0.5 * image.iter().map(|&v| f64::from(v).powi(2)).sum::<f64>())
            .collect();
        Ok((potentials, both.narrow(1, c, c)))
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
        let x = x.without_autodiff();
        match &self.potential {
            Potential::HalfSquare(network) => self.half_square(network, x, sigma),
            // Without tiles: one layer of activations is all that it holds.
            Potential::Ridge(network) => {
                let levels = Tensor::full([x.dims()[0]], sigma.value(), &x.device());
                let gradient = network.gradient(x.clone(), levels);
                Ok((network.potentials(x, sigma.value())?, gradient))
            }
        }
    }
}
