//! One type for all networks, so that training and checkpoints need no type parameter.

use burn::module::Module;
use burn::tensor::Tensor;

use crate::{Crr, Dncnn, Ffdnet, Unet};

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
    /// See [`Crr`].
    Crr(Crr),
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
            Self::Crr(network) => network.forward(x),
        }
    }
}
