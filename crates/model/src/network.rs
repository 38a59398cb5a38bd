//! One type for all networks, so that training and checkpoints need no type parameter.

use burn::module::Module;
use burn::tensor::{Device, Tensor};

use crate::spectral::PowerIteration;
use crate::{Dncnn, Error, Ffdnet, GradientStep, Lipschitz, Unet};

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
        }
    }

    /// Whether D = x - grad g with g known.
    pub fn is_gradient_step(&self) -> bool {
        matches!(self, Self::GradientStep(_))
    }

    /// A Lipschitz constant of D in x for every image size that follows from the weights, for networks that are built to
    /// have one. Takes seconds.
    ///
    /// # Errors
    /// [`Error::Imaging`] if the device fails to deliver the weights.
    pub fn lipschitz_bound(&self) -> Result<Option<f64>, Error> {
        match self {
            Self::Lipschitz(network) => network.lipschitz_bound().map(Some),
            _ => Ok(None),
        }
    }

    /// The network with weights for which its bounds are proven; the same network where it has none.
    pub(crate) fn certified(self) -> Result<Self, Error> {
        match self {
            Self::Lipschitz(network) => network.certified().map(Self::Lipschitz),
            other => Ok(other),
        }
    }

    /// The network near its bounds after a training step; `iterations` go on from step to step.
    pub(crate) fn projected(self, iterations: &mut Vec<PowerIteration>, device: &Device) -> Result<Self, Error> {
        match self {
            Self::Lipschitz(network) => network.projected(iterations, device).map(Self::Lipschitz),
            other => Ok(other),
        }
    }
}
