//! One type for all networks, so that training and checkpoints need no type parameter.

use burn::module::Module;
use burn::tensor::Tensor;

use crate::{Dncnn, Ffdnet};

/// A denoising network.
#[derive(Module, Debug)]
pub enum Network {
    /// See [`Dncnn`].
    Dncnn(Dncnn),
    /// See [`Ffdnet`].
    Ffdnet(Ffdnet),
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
        }
    }
}
