//! FFDNet (Zhang, Zuo and Zhang 2018), in the order of channels of its MATLAB files or in PyTorch's.
//!
//! D(x) = N(phases of x, sigma): it predicts the image. MATLAB counts columns first, so the four phases of an image channel
//! are (row, column) = (0,0), (1,0), (0,1), (1,1) there, and (0,0), (0,1), (1,0), (1,1) in PyTorch's `pixel_unshuffle` and
//! in [`crate::Ffdnet`].

use super::recognised::Recognised;
use super::sequential;
use crate::files::import::formats::Format;
use crate::files::import::tensors::Tensors;
use crate::files::import::wrong::Wrong;
use crate::{Architecture, FfdnetConfig};

pub(super) fn matches(tensors: &Tensors) -> bool {
    // The phases, and the noise map behind them.
    matches!(sequential::ends(tensors), Some([inputs, outputs]) if outputs % 4 == 0 && inputs == outputs + 1)
}

pub(super) fn read(tensors: &mut Tensors, format: Format) -> Result<Recognised, Wrong> {
    let mut stack = sequential::read(tensors)?;
    let shape = stack.shape();
    if shape.outputs % 4 != 0 || shape.inputs != shape.outputs + 1 {
        return Err(Wrong::new(
            "four phases per image channel in and out, and a noise map in",
            format!("{} in, {} out", shape.inputs, shape.outputs),
        ));
    }
    if format == Format::Matconvnet {
        let outputs: Vec<usize> = (0..shape.outputs).map(transposed).collect();
        // The map is the first channel of a group of its own, which stays where it is.
        stack = stack
            .map_first(|layer| layer.with_inputs(transposed))
            .map_last(|layer| layer.with_outputs(&outputs));
    }
    Ok(Recognised {
        architecture: Architecture::Ffdnet(FfdnetConfig {
            channels: shape.outputs / 4,
            depth: shape.depth,
            width: shape.width,
            bias: shape.bias,
            residual: false,
        }),
        weights: stack.weights()?,
    })
}

/// Phases 1 and 2 of a channel change places.
fn transposed(channel: usize) -> usize {
    match channel % 4 {
        1 => channel + 1,
        2 => channel - 1,
        _ => channel,
    }
}
