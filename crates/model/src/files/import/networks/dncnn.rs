//! DnCNN (Zhang et al. 2017) with one noise level or blind, and what has its form: the networks of Ryu et al. 2019 (DnCNN,
//! SimpleCNN, RealSN_SimpleCNN) and those of KAIR.
//!
//! D(x) = x - N(x): all of these predict the noise. Of RealSN's layers `weight` counts, which is `weight_orig` divided by
//! its spectral norm.

use super::recognised::Recognised;
use super::sequential;
use crate::files::import::stack::Stack;
use crate::files::import::tensors::Tensors;
use crate::files::import::wrong::Wrong;
use crate::{Architecture, Conditioning, DncnnConfig, Padding};

pub(super) fn matches(tensors: &Tensors) -> bool {
    matches!(sequential::ends(tensors), Some([inputs, outputs]) if inputs == outputs)
}

pub(super) fn read(tensors: &mut Tensors) -> Result<Recognised, Wrong> {
    blind_residual(sequential::read(tensors)?)
}

/// D(x) = x - N(x) with a stack N that does not read the noise level.
pub(super) fn blind_residual(stack: Stack) -> Result<Recognised, Wrong> {
    let shape = stack.shape();
    if shape.inputs != shape.outputs {
        return Err(Wrong::new(
            format!("{} output channels, as many as inputs", shape.inputs),
            shape.outputs.to_string(),
        ));
    }
    Ok(Recognised {
        architecture: Architecture::Dncnn(DncnnConfig {
            channels: shape.inputs,
            depth: shape.depth,
            width: shape.width,
            bias: shape.bias,
            residual: true,
            conditioning: Conditioning::Blind,
            padding: Padding::Zero,
        }),
        weights: stack.weights()?,
    })
}
