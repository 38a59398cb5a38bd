//! What [`crate::Checkpoint::export`] wrote: the metadata names the architecture, so nothing has to be guessed.

use super::recognised::Recognised;
use super::sequential;
use crate::Architecture;
use crate::files::import::tensors::Tensors;
use crate::files::import::wrong::Wrong;

pub(super) fn read(tensors: &mut Tensors, architecture: Architecture) -> Result<Recognised, Wrong> {
    let expected = architecture
        .exported_stack()
        .ok_or_else(|| Wrong::new("an exported dncnn or ffdnet", "another network"))?;
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
