//! A trained network as a [`Denoiser`].

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use tweedie_imaging::{Denoiser, DenoiserInfo, DifferentiableDenoiser, Error, Image, Sigma, SigmaSupport};

use crate::stretch::stretched;
use crate::tiling::{self, Tiles};
use crate::{Architecture, Conditioning, Network, periodic};

/// A network with fixed weights.
#[derive(Debug)]
pub struct NetworkDenoiser {
    network: Network,
    device: Device,
    info: DenoiserInfo,
    tile_pixels: usize,
    size_multiple: usize,
    periodic: bool,
    stretch: bool,
}

impl NetworkDenoiser {
    /// Wraps a network whose weights do not change any more.
    ///
    /// `trained` is the range of noise levels of its training; see [`Architecture::sigma_support`].
    pub fn new(
        name: impl Into<String>,
        network: Network,
        architecture: &Architecture,
        trained: SigmaSupport,
        weights_sha256: Option<String>,
        device: &Device,
    ) -> Self {
        let device = device.clone().without_autodiff();
        let info = DenoiserInfo {
            name: name.into(),
            channels: architecture.channels(),
            sigma: architecture.sigma_support(trained),
            receptive_field: architecture.receptive_field(),
            weights_sha256,
        };
        Self {
            network: network.valid().no_grad().to_device(&device),
            device,
            info,
            tile_pixels: tiling::DEFAULT_PIXELS,
            size_multiple: architecture.size_multiple(),
            periodic: architecture.is_periodic(),
            stretch: false,
        }
    }

    /// The device that holds the weights.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Sets how many pixels one pass of the network may take; larger images are denoised in overlapping tiles, which
    /// bounds the memory and gives the same image up to rounding.
    pub fn with_tile_pixels(mut self, pixels: usize) -> Self {
        self.tile_pixels = pixels;
        self
    }

    /// Stretches every image to about [0, 1] for the network and takes the result back, as Ryu et al. 2019 do.
    ///
    /// # Errors
    /// [`crate::Error::Config`] but for a `dncnn` that does not take the noise level: stretching changes the level, and what is
    /// proven of other networks would not hold any more.
    pub fn with_stretch(mut self) -> Result<Self, crate::Error> {
        match &self.network {
            Network::Dncnn(network) if network.config().conditioning == Conditioning::Blind => {}
            _ => {
                return Err(crate::Error::Config {
                    key: "denoiser.stretch",
                    expected: "a dncnn that does not take the noise level".to_owned(),
                    got: format!("'{}'", self.info.name),
                });
            }
        }
        self.stretch = true;
        Ok(self)
    }

    /// The network.
    pub fn network(&self) -> &Network {
        &self.network
    }

    pub(crate) fn check(&self, x: &Tensor<4>, sigma: Sigma) -> Result<(), Error> {
        let got = x.dims();
        if got[1] != self.info.channels || got.contains(&0) {
            return Err(Error::Shape {
                operation: "denoise",
                expected: format!(
                    "[N, {}, H, W] for the checkpoint '{}'",
                    self.info.channels, self.info.name
                ),
                got: format!("{got:?}"),
            });
        }
        self.info.sigma.require(&self.info.name, sigma)
    }

    pub(crate) fn tiles(&self) -> Tiles {
        Tiles {
            radius: self.info.receptive_field / 2,
            alignment: self.size_multiple,
            max_pixels: self.tile_pixels,
        }
    }

    fn run(&self, x: Tensor<4>, sigma: Sigma) -> Tensor<4> {
        let levels = Tensor::full([x.dims()[0]], sigma.value(), &x.device());
        self.network.forward(x, levels)
    }

    fn run_in_tiles(&self, x: Tensor<4>, sigma: Sigma) -> Tensor<4> {
        let tiles = self.tiles();
        let run = |tile| self.run(tile, sigma);
        // Tiles see beyond their borders what they would see there as parts of a periodic image.
        if self.periodic && tiles.divide(&x) {
            let around = periodic::wrap(x, tiles.radius);
            return periodic::crop(tiling::map_tiles(around, tiles, run), tiles.radius);
        }
        tiling::map_tiles(x, tiles, run)
    }
}

impl Denoiser for NetworkDenoiser {
    fn info(&self) -> &DenoiserInfo {
        &self.info
    }

    fn denoise(&self, x: Image, sigma: Sigma) -> Result<Image, Error> {
        self.check(&x, sigma)?;
        let x = x.without_autodiff();
        Ok(if self.stretch {
            stretched(x, sigma, |x| self.run_in_tiles(x, sigma))
        } else {
            self.run_in_tiles(x, sigma)
        })
    }
}

impl DifferentiableDenoiser for NetworkDenoiser {
    fn forward(&self, x: Tensor<4>, sigma: Sigma) -> Result<Tensor<4>, Error> {
        self.check(&x, sigma)?;
        Ok(if self.stretch {
            stretched(x, sigma, |x| self.run(x, sigma))
        } else {
            self.run(x, sigma)
        })
    }
}
