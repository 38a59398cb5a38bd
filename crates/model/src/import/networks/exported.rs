//! What [`crate::Checkpoint::export`] wrote: the metadata names the architecture, so nothing has to be guessed.

use super::{Recognised, sequential};
use crate::import::stack::Shape;
use crate::import::tensors::Tensors;
use crate::import::wrong::Wrong;
use crate::{Architecture, Conditioning, DncnnConfig, FfdnetConfig};

pub(super) fn read(tensors: &mut Tensors, architecture: Architecture) -> Result<Recognised, Wrong> {
    let expected = match &architecture {
        Architecture::Dncnn(DncnnConfig {
            channels,
            depth,
            width,
            bias,
            conditioning,
            ..
        }) => Shape {
            inputs: channels.saturating_add(usize::from(*conditioning == Conditioning::NoiseMap)),
            width: *width,
            outputs: *channels,
            depth: *depth,
            bias: *bias,
        },
        Architecture::Ffdnet(FfdnetConfig {
            channels,
            depth,
            width,
            bias,
            ..
        }) => Shape {
            inputs: channels.saturating_mul(4).saturating_add(1),
            width: *width,
            outputs: channels.saturating_mul(4),
            depth: *depth,
            bias: *bias,
        },
        Architecture::Unet(_)
        | Architecture::Crr(_)
        | Architecture::GradientStep(_)
        | Architecture::Lipschitz(_)
        | Architecture::Ridge(_) => {
            return Err(Wrong::new("an exported dncnn or ffdnet", "another network"));
        }
    };
    let stack = sequential::read(tensors)?;
    let shape = stack.shape();
    if shape != expected {
        return Err(Wrong::new(
            format!("{expected:?}, as the metadata says"),
            format!("{shape:?}"),
        ));
    }
    Ok(Recognised {
        architecture,
        weights: stack.weights()?,
    })
}
