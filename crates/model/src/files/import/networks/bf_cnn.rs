//! BF-CNN (Kadkhodaie and Simoncelli 2021): DnCNN without biases, normalised by x / running_sd * gamma.

use super::dncnn::blind_residual;
use super::recognised::Recognised;
use crate::files::import::stack::{Layer, Stack};
use crate::files::import::tensors::Tensors;
use crate::files::import::wrong::Wrong;

const FIRST: &str = "conv_layers.0.weight";

pub(super) fn matches(tensors: &Tensors) -> bool {
    tensors.prefix_of(FIRST).is_some() && tensors.prefix_of("running_sd.0").is_some()
}

/// Convolutions 0, 1, ...; normalisation i stands behind convolution i + 1.
pub(super) fn read(tensors: &mut Tensors) -> Result<Recognised, Wrong> {
    let prefix = tensors.prefix_of(FIRST).unwrap_or_default().to_owned();
    let mut layers = Vec::new();
    loop {
        let name = format!("{prefix}conv_layers.{}.weight", layers.len());
        if layers.len() >= 2 && !tensors.has(&name) {
            break;
        }
        let mut layer = Layer::new(&name, tensors.take(&name)?, None)?;
        if let Some(index) = layers.len().checked_sub(1) {
            let deviation = format!("{prefix}running_sd.{index}");
            if tensors.has(&deviation) {
                let deviation = tensors.channels(&deviation, layer.outputs())?;
                let gamma = tensors.channels(&format!("{prefix}gammas.{index}"), layer.outputs())?;
                let scale: Vec<f64> = gamma.iter().zip(&deviation).map(|(gamma, sd)| gamma / sd).collect();
                layer = layer.then(&scale, None);
            }
        }
        layers.push(layer);
    }
    blind_residual(Stack::new(layers)?)
}
