//! One type for all networks, so that training and checkpoints need no type parameter.

use burn::module::Module;
use burn::tensor::Tensor;

use crate::spectral::PowerIteration;
use crate::{Crr, Dncnn, Error, Ffdnet, GradientStep, Lipschitz, Ridge, Unet};

/// A denoising network.
#[derive(Module, Debug)]
// One network at a time: an indirection would only complicate its parameters' paths.
#[allow(clippy::large_enum_variant)]
pub enum Network {
    /// See [`Dncnn`].
    Dncnn(Dncnn),
    /// See [`Ffdnet`].
    Ffdnet(Ffdnet),
    /// See [`Unet`].
    Unet(Unet),
    /// See [`GradientStep`].
    GradientStep(GradientStep),
    /// See [`Lipschitz`].
    Lipschitz(Lipschitz),
    /// See [`Ridge`].
    Ridge(Ridge),
    /// See [`Crr`].
    Crr(Crr),
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

impl Network {
    /// D(x, sigma).
    ///
    /// # Shapes
    /// `x`: `[N, C, H, W]`, nominal range [0, 1]; `sigma`: `[N]`, in [0, 1] units (ignored by a blind network).
    pub fn forward(&self, x: Tensor<4>, sigma: Tensor<1>) -> Tensor<4> {
        match self {
            Self::Dncnn(network) => network.forward(x, sigma),
            Self::Ffdnet(network) => network.forward(x, sigma),
            Self::Unet(network) => network.forward(x, sigma),
            Self::GradientStep(network) => network.forward(x, sigma),
            Self::Lipschitz(network) => network.forward(x, sigma),
            Self::Ridge(network) => network.forward(x, sigma),
            Self::Crr(network) => network.forward(x),
        }
    }

    /// What is proven of D by how the network is built and by its weights. Takes seconds for some networks.
    ///
    /// # Errors
    /// [`Error::Imaging`] if the device fails to deliver the weights.
    pub fn proven(&self) -> Result<Proven, Error> {
        Ok(match self {
            Self::Dncnn(_) | Self::Ffdnet(_) | Self::Unet(_) | Self::Crr(_) => Proven::default(),
            Self::GradientStep(_) => Proven {
                gradient_step: true,
                // g = 1/2 ||x - N(x)||^2 with smooth activations.
                regular_potential: true,
                smooth: true,
                ..Proven::default()
            },
            Self::Lipschitz(network) => network.proven()?,
            Self::Ridge(network) => network.proven()?,
        })
    }

    /// The network with weights for which its bounds are proven; the same network where it has none.
    pub(crate) fn certified(self) -> Result<Self, Error> {
        match self {
            Self::Lipschitz(network) => network.certified().map(Self::Lipschitz),
            Self::Ridge(network) => network.certified().map(Self::Ridge),
            other => Ok(other),
        }
    }

    /// The network that a training step differentiates: with weights near its bounds, as functions of its own weights;
    /// the same network where it has no bounds. `iterations` go on from step to step.
    pub(crate) fn normalised(&self, iterations: &mut Vec<PowerIteration>) -> Result<Self, Error> {
        match self {
            Self::Lipschitz(network) => network.normalised(iterations).map(Self::Lipschitz),
            Self::Ridge(network) => network.normalised(iterations).map(Self::Ridge),
            other => Ok(other.clone()),
        }
    }

    /// The network after a training step, its splines within their bounds.
    pub(crate) fn clamped(self) -> Result<Self, Error> {
        match self {
            Self::Lipschitz(network) => network.clamped().map(Self::Lipschitz),
            Self::Ridge(network) => network.clamped().map(Self::Ridge),
            other => Ok(other),
        }
    }
}
