//! A trained network as a [`Denoiser`].

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use tweedie_imaging::{Denoiser, DenoiserInfo, DifferentiableDenoiser, Error, Image, MapDenoiser, Sigma, SigmaSupport};

use super::periodic;
use super::quarters;
use super::stretch::stretched;
use super::tiling::{self, Tiles};
use crate::conv::pool::Lease;
use crate::{Architecture, Network};

/// A network with fixed weights.
#[derive(Debug)]
pub struct NetworkDenoiser {
    network: Network,
    device: Device,
    info: DenoiserInfo,
    tile_pixels: usize,
    size_multiple: usize,
    periodic: bool,
    quarters: Option<usize>,
    reads_map: bool,
    stretchable: bool,
    stretch: bool,
    _buffers: Lease,
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
            quarters: architecture.quarters(),
            reads_map: architecture.reads_map(),
            stretchable: architecture.is_stretchable(),
            stretch: false,
            _buffers: Lease::new(),
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
        if !self.stretchable {
            return Err(crate::Error::Config {
                key: "denoiser.stretch",
                expected: "a dncnn that does not take the noise level".to_owned(),
                got: format!("'{}'", self.info.name),
            });
        }
        self.stretch = true;
        Ok(self)
    }

    /// The network.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// The denoiser as one that takes a noise level for every pixel, if its network reads a map.
    pub fn with_map(&self) -> Option<&dyn MapDenoiser> {
        self.reads_map.then_some(self)
    }

    pub(crate) fn check(&self, x: &Tensor<4>, sigma: Sigma) -> Result<(), Error> {
        let got = x.dims();
        if got[1] != self.info.channels || got.contains(&0) {
            let expected = format!("[N, {}, H, W]", self.info.channels);
            return Err(self.wrong_shape(expected, got));
        }
        self.info.sigma.require(&self.info.name, sigma)
    }

    fn wrong_shape(&self, expected: String, got: [usize; 4]) -> Error {
        Error::Shape {
            operation: "denoise",
            expected: format!("{expected} for the checkpoint '{}'", self.info.name),
            got: format!("{got:?}"),
        }
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

    /// What a network gives that iterates to a tolerance, without tiles.
    fn solve(&self, x: &Tensor<4>, sigma: Sigma) -> Option<Result<Tensor<4>, Error>> {
        let levels = Tensor::full([x.dims()[0]], sigma.value(), &x.device());
        self.network.solve(x.clone(), levels)
    }

    /// D by `run`, a function of a part of the image.
    fn in_parts(&self, x: Tensor<4>, run: impl Fn(Tensor<4>) -> Tensor<4>) -> Tensor<4> {
        self.in_quarters(x, |x| self.in_tiles(x, &run))
    }

    /// `f` of the image, or of the quarters that its size asks for.
    fn in_quarters(&self, x: Tensor<4>, f: impl Fn(Tensor<4>) -> Tensor<4>) -> Tensor<4> {
        let [_, _, h, w] = x.dims();
        match self.quarters {
            Some(side) if quarters::are_needed([h, w], side) => quarters::map_quarters(x, side, f),
            _ => f(x),
        }
    }

    fn in_tiles(&self, x: Tensor<4>, run: impl Fn(Tensor<4>) -> Tensor<4>) -> Tensor<4> {
        let tiles = self.tiles();
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
        if let Some(solved) = self.solve(&x, sigma) {
            return solved;
        }
        Ok(if self.stretch {
            stretched(x, sigma, |x| self.in_parts(x, |part| self.run(part, sigma)))
        } else {
            self.in_parts(x, |part| self.run(part, sigma))
        })
    }
}

impl MapDenoiser for NetworkDenoiser {
    fn denoise_map(&self, x: Image, map: Image) -> Result<Image, Error> {
        let [n, c, h, w] = x.dims();
        if map.dims() != [n, 1, h, w] {
            return Err(self.wrong_shape(format!("a noise map [{n}, 1, {h}, {w}]"), map.dims()));
        }
        let map = map.without_autodiff();
        let ends = Tensor::cat(vec![map.clone().min().reshape([1]), map.clone().max().reshape([1])], 0);
        let ends = ends.try_into_vec_as::<f32>().map_err(|error| Error::Device {
            reason: error.to_string(),
        })?;
        for level in ends {
            self.check(&x, Sigma::new(level.into())?)?;
        }
        // The map is cut as the image is.
        let both = Tensor::cat(vec![x.without_autodiff(), map], 1);
        let run = |tile: Tensor<4>| {
            let (x, map) = (tile.clone().narrow(1, 0, c), tile.narrow(1, c, 1));
            // Whoever has this trait object reads maps; see `with_map`.
            self.network.forward_map(x.clone(), map).unwrap_or(x)
        };
        Ok(self.in_parts(both, run))
    }
}

impl DifferentiableDenoiser for NetworkDenoiser {
    fn forward(&self, x: Tensor<4>, sigma: Sigma) -> Result<Tensor<4>, Error> {
        self.check(&x, sigma)?;
        if let Some(solved) = self.solve(&x, sigma) {
            return solved;
        }
        Ok(if self.stretch {
            stretched(x, sigma, |x| self.run(x, sigma))
        } else {
            self.in_quarters(x, |x| self.run(x, sigma))
        })
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::TensorData;
    use tweedie_imaging::noise::gaussian_values;

    use super::*;

    const LEVEL: f64 = 0.1;

    fn denoiser(architecture: &str) -> NetworkDenoiser {
        let device = Device::flex();
        let architecture: Architecture = toml::from_str(architecture).unwrap();
        let network = architecture.init(5, &device).unwrap();
        let sigma = |level: f64| Sigma::new(level).unwrap();
        let trained = SigmaSupport::Range {
            min: sigma(0.0),
            max: sigma(0.5),
        };
        NetworkDenoiser::new("test", network, &architecture, trained, None, &device)
    }

    fn image(dims: [usize; 4]) -> Image {
        let values = gaussian_values(dims.iter().product(), 0.5, 3, 0);
        Tensor::from_data(TensorData::new(values, dims), &Device::flex())
    }

    fn largest(x: Image) -> f32 {
        x.abs().max().into_scalar()
    }

    const READERS: [&str; 4] = [
        "kind = \"dncnn\"\ndepth = 3\nwidth = 9",
        "kind = \"ffdnet\"\ndepth = 3\nwidth = 9\nchannels = 3",
        "kind = \"unet\"\nwidths = [8, 12]\nblocks = 1",
        "kind = \"unet\"\nwidths = [8, 12]\nblocks = 1\nunshuffle = 1",
    ];

    #[test]
    fn a_map_that_is_the_same_everywhere_is_a_level() {
        for architecture in READERS {
            let denoiser = denoiser(architecture);
            let x = image([2, denoiser.info().channels, 13, 18]);
            let map = Tensor::full([2, 1, 13, 18], LEVEL, &x.device());
            let got = denoiser.with_map().unwrap().denoise_map(x.clone(), map).unwrap();
            let expected = denoiser.denoise(x, Sigma::new(LEVEL).unwrap()).unwrap();
            assert_eq!(largest(got - expected), 0.0, "{architecture}");
        }
    }

    /// Far from the edge between two levels each side is denoised as with its own level, in tiles too.
    #[test]
    fn every_pixel_has_its_level() {
        for architecture in READERS {
            let plain = denoiser(architecture);
            let radius = (plain.info().receptive_field / 2).next_multiple_of(4);
            let size = 2 * radius + 24;
            let x = image([1, plain.info().channels, 24, size]);
            let side = |level: f64| Tensor::<4>::full([1, 1, 24, size / 2], level, &x.device());
            let map = Tensor::cat(vec![side(0.4), side(LEVEL)], 3);
            let whole = plain.with_map().unwrap().denoise_map(x.clone(), map.clone()).unwrap();
            for (level, start) in [(0.4, 0), (LEVEL, size - 12)] {
                let expected = plain.denoise(x.clone(), Sigma::new(level).unwrap()).unwrap();
                let part = |y: Image| y.narrow(3, start, 12);
                let difference = largest(part(whole.clone()) - part(expected.clone()));
                assert!(difference < 1e-5, "{architecture} at {level}: {difference}");
                // The other level would show.
                let other = largest(whole.clone() - expected);
                assert!(other > 1e-3, "{architecture} at {level}: {other}");
            }
            let tiled = plain.with_tile_pixels(24 * (size - 8));
            let tiled = tiled.with_map().unwrap().denoise_map(x, map).unwrap();
            assert!(largest(tiled - whole) < 1e-5, "{architecture} in tiles");
        }
    }

    /// Strided levels with a cell of 4 pixels: whole images, images that are extended, and images that are cut into quarters.
    #[test]
    fn tiles_of_strided_levels_are_exact() {
        let strided = "kind = \"unet\"\nwidths = [4, 6, 8]\nblocks = 1\nunshuffle = 1\nresampling = \"strided\"\nresidual = false";
        for sizes in ["extend", "quarters"] {
            let architecture = format!("{strided}\nsizes = {sizes:?}");
            for [h, w] in [[120, 136], [30, 301], [151, 149]] {
                let x = image([1, 1, h, w]);
                let sigma = Sigma::new(LEVEL).unwrap();
                let whole = denoiser(&architecture).denoise(x.clone(), sigma).unwrap();
                let tiled = denoiser(&architecture)
                    .with_tile_pixels(9000)
                    .denoise(x, sigma)
                    .unwrap();
                let scale = largest(whole.clone());
                let difference = largest(tiled - whole);
                assert!(
                    difference < 1e-5 * scale.max(1.0),
                    "{sizes} {h}x{w}: {difference} of {scale}"
                );
            }
        }
    }

    #[test]
    fn maps_are_for_networks_that_read_them_and_fit_the_image() {
        let blind = denoiser("kind = \"dncnn\"\ndepth = 3\nwidth = 9\nconditioning = \"blind\"");
        assert!(blind.with_map().is_none());
        let reader = denoiser(READERS[1]);
        let x = image([1, 3, 8, 8]);
        let map = |dims: [usize; 4], level: f64| Tensor::<4>::full(dims, level, &Device::flex());
        let reader = reader.with_map().unwrap();
        for (dims, level) in [
            ([1, 1, 8, 9], LEVEL),
            ([1, 3, 8, 8], LEVEL),
            ([1, 1, 8, 8], 0.6),
            ([1, 1, 8, 8], -0.1),
            ([1, 1, 8, 8], f64::NAN),
        ] {
            assert!(
                reader.denoise_map(x.clone(), map(dims, level)).is_err(),
                "{dims:?} {level}"
            );
        }
        assert!(reader.denoise_map(x, map([1, 1, 8, 8], LEVEL)).is_ok());
    }
}
