//! deepinv's DnCNN: `in_conv`, `conv_list.N`, `out_conv`, and D(x) = x + N(x).

use super::dncnn::blind_residual;
use super::recognised::Recognised;
use crate::files::import::stack::{Layer, Stack};
use crate::files::import::tensors::Tensors;
use crate::files::import::wrong::Wrong;

const FIRST: &str = "in_conv.weight";

pub(super) fn matches(tensors: &Tensors) -> bool {
    tensors
        .prefix_of(FIRST)
        .is_some_and(|prefix| tensors.has(&format!("{prefix}out_conv.weight")))
}

pub(super) fn read(tensors: &mut Tensors) -> Result<Recognised, Wrong> {
    let prefix = tensors.prefix_of(FIRST).unwrap_or_default().to_owned();
    let convolution = |tensors: &mut Tensors, module: &str| {
        let name = format!("{prefix}{module}");
        let bias = tensors.take_if(&format!("{name}.bias"));
        let weight = format!("{name}.weight");
        Layer::new(&weight, tensors.take(&weight)?, bias)
    };
    let mut layers = vec![convolution(tensors, "in_conv")?];
    for index in 0.. {
        let module = format!("conv_list.{index}");
        if !tensors.has(&format!("{prefix}{module}.weight")) {
            break;
        }
        layers.push(convolution(tensors, &module)?);
    }
    let last = convolution(tensors, "out_conv")?;
    // Ours subtracts what the last layer gives.
    let minus = vec![-1.0; last.outputs()];
    layers.push(last.then(&minus, None));
    blind_residual(Stack::new(layers)?)
}
