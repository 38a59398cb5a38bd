//! What a kind of network has to say and to do: the one trait that every file beside this one implements.

use std::fmt::Debug;
use std::sync::Arc;

use burn::tensor::{Device, Tensor};
use tweedie_imaging::{Image, Sigma};

use super::spectral::PowerIteration;
use crate::Error;
use crate::files::import::stack::Shape;
use crate::files::onnx::graph::Graph;
use crate::run::tiling::Tiles;

/// A kind of network D(x, sigma) with everything that is special to it. What most kinds have in common is the default.
pub(crate) trait NetworkKind: Clone + Debug + Sized {
    /// What stands in a configuration file.
    type Config;

    /// Checks the configuration and makes the network with seeded weights.
    ///
    /// # Errors
    /// [`Error::Config`] naming the key that is out of range.
    fn init(config: &Self::Config, seed: u64, device: &Device) -> Result<Self, Error>;

    /// What does not depend on the weights.
    fn facts(config: &Self::Config) -> Facts;

    /// The network in a few words, for cards.
    fn description(config: &Self::Config) -> String;

    /// D(x, sigma).
    ///
    /// # Shapes
    /// `x`: `[N, C, H, W]`, nominal range [0, 1]; `sigma`: `[N]`, in [0, 1] units (ignored by a blind network).
    fn forward(&self, x: Tensor<4>, sigma: Tensor<1>) -> Tensor<4>;

    /// D(x, sigma) of a network that iterates to a tolerance, or why it was not reached; `None` for all others.
    fn solve(&self, _x: Tensor<4>, _sigma: Tensor<1>) -> Option<Result<Tensor<4>, tweedie_imaging::Error>> {
        None
    }

    /// D of an image whose noise has another level at every pixel; `None` where the network does not read a map.
    ///
    /// # Shapes
    /// `x`: `[N, C, H, W]`; `map`: `[N, 1, H, W]`, in [0, 1] units.
    fn forward_map(&self, _x: Tensor<4>, _map: Tensor<4>) -> Option<Tensor<4>> {
        None
    }

    /// What is proven of D by how the network is built and by its weights. Takes seconds for some networks.
    ///
    /// # Errors
    /// [`Error::Imaging`] if the device fails to deliver the weights.
    fn proven(&self) -> Result<Proven, Error> {
        Ok(Proven::default())
    }

    /// The network with weights for which its bounds are proven; the same network where it has none.
    ///
    /// # Errors
    /// As [`Self::proven`].
    fn certified(self) -> Result<Self, Error> {
        Ok(self)
    }

    /// The network that a training step differentiates: with weights near its bounds, as functions of its own weights;
    /// the same network where it has no bounds. `iterations` go on from step to step.
    ///
    /// # Errors
    /// As [`Self::proven`].
    fn normalised(&self, _iterations: &mut Vec<PowerIteration>) -> Result<Self, Error> {
        Ok(self.clone())
    }

    /// The network after a training step, its splines within their bounds.
    ///
    /// # Errors
    /// As [`Self::proven`].
    fn clamped(self) -> Result<Self, Error> {
        Ok(self)
    }

    /// The potential g of D = x - grad g, where the network is built from one.
    fn potential(&self) -> Option<Arc<dyn Potential>> {
        None
    }

    /// Adds D to an ONNX model.
    ///
    /// # Errors
    /// What it is that has no model.
    fn onnx(config: &Self::Config, graph: &mut Graph) -> Result<(), &'static str>;

    /// The stack of convolutions that an export holds, for the kinds that can be imported again.
    fn exported_stack(_config: &Self::Config) -> Option<Shape> {
        None
    }
}

/// What is known of a network from its configuration alone.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Facts {
    /// Image channels that it takes and gives.
    pub channels: usize,
    /// How it learns the noise level.
    pub noise: NoiseInput,
    /// Side length in pixels of the input region that one output pixel depends on; 0 if that is the whole image.
    pub receptive_field: usize,
    /// It treats an image as it treats a part of it that starts at a multiple of this.
    pub size_multiple: usize,
    /// The multiple that the sides of quarters are, where images that it does not divide are cut into quarters.
    pub quarters: Option<usize>,
    /// It takes the image for periodic: then a part of it is no image of its own.
    pub periodic: bool,
    /// What holds by construction for every checkpoint that training saves.
    pub theory: Option<&'static str>,
    /// `theory` rests on the exact values of the weights, so rounding them would void it.
    pub theory_needs_f32: bool,
    /// It can be trained here.
    pub trainable: bool,
    /// Images may be stretched to about [0, 1] for it: it does not read the level that stretching changes, and nothing is
    /// proven of it that stretching would void.
    pub stretchable: bool,
}

/// How a network learns the noise level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoiseInput {
    /// Not at all.
    Blind,
    /// One number for an image.
    Level,
    /// A number for every pixel; a level is a map that is the same everywhere.
    Map,
}

/// What is proven of a network's D.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Proven {
    /// D = x - grad g with g known.
    pub gradient_step: bool,
    /// That g is bounded below, and its gradient locally Lipschitz continuous.
    pub regular_potential: bool,
    /// D is the proximal operator of a convex function.
    pub proximal: bool,
    /// D is infinitely often differentiable.
    pub smooth: bool,
    /// A Lipschitz constant of D in x, for every image size.
    pub lipschitz: Option<f64>,
    /// A Lipschitz constant of D - I.
    pub residual_lipschitz: Option<f64>,
    /// An alpha < 1 for which D = (1 - alpha) I + alpha N with a nonexpansive N; up to 1/2, D is firmly nonexpansive.
    pub averaged: Option<f64>,
}

/// g with D(x, sigma) = x - grad g(x, sigma).
pub(crate) trait Potential: Debug + Send + Sync {
    /// g of each image of the batch, and grad g; large images may be cut into `tiles`.
    ///
    /// # Errors
    /// If the device fails.
    fn value_and_gradient(
        &self,
        x: Image,
        sigma: Sigma,
        tiles: Tiles,
    ) -> Result<(Vec<f64>, Image), tweedie_imaging::Error>;
}

/// Refuses a configuration value below `min` or above `max`.
pub(crate) fn require_range(key: &'static str, value: usize, min: usize, max: usize) -> Result<(), Error> {
    if (min..=max).contains(&value) {
        return Ok(());
    }
    Err(Error::Config {
        key,
        expected: format!("{min} to {max}"),
        got: value.to_string(),
    })
}

/// A default of configurations.
pub(crate) fn one() -> usize {
    1
}

/// A default of configurations.
pub(crate) fn yes() -> bool {
    true
}
