//! Bias-free DnCNN (Mohan et al. 2020): no biases, normalised by x / (sqrt(running_var) + 1e-5) * weight.

use super::dncnn::blind_residual;
use super::recognised::Recognised;
use crate::files::import::stack::{Layer, Stack};
use crate::files::import::tensors::Tensors;
use crate::files::import::wrong::{Wrong, printable};

/// Added to the standard deviation, not to the variance as elsewhere.
const EPS: f64 = 1e-5;

const FIRST: &str = "first_layer.weight";

pub(super) fn matches(tensors: &Tensors) -> bool {
    tensors.prefix_of(FIRST).is_some() && tensors.prefix_of("bn_layer_list.0.running_var").is_some()
}

pub(super) fn read(tensors: &mut Tensors) -> Result<Recognised, Wrong> {
    let prefix = tensors.prefix_of(FIRST).unwrap_or_default().to_owned();
    let convolution = |tensors: &mut Tensors, name: String| {
        let name = format!("{prefix}{name}.weight");
        Layer::new(&name, tensors.take(&name)?, None)
    };
    let mut layers = vec![convolution(tensors, "first_layer".to_owned())?];
    for index in 0.. {
        if !tensors.has(&format!("{prefix}hidden_layer_list.{index}.weight")) {
            break;
        }
        let layer = convolution(tensors, format!("hidden_layer_list.{index}"))?;
        let normalisation = format!("{prefix}bn_layer_list.{index}");
        // They are there, but have no place in a bias-free network.
        for unused in ["bias", "running_mean"] {
            let name = format!("{normalisation}.{unused}");
            let values = tensors.channels_or(&name, layer.outputs(), 0.0)?;
            if let Some(value) = values.iter().find(|&&value| value != 0.0) {
                return Err(Wrong::new(format!("zeros in {}", printable(&name)), value.to_string()));
            }
        }
        let weight = tensors.channels(&format!("{normalisation}.weight"), layer.outputs())?;
        let variance = tensors.channels(&format!("{normalisation}.running_var"), layer.outputs())?;
        let scale: Vec<f64> = weight
            .iter()
            .zip(&variance)
            .map(|(weight, variance)| weight / (variance.sqrt() + EPS))
            .collect();
        layers.push(layer.then(&scale, None));
    }
    layers.push(convolution(tensors, "last_layer".to_owned())?);
    blind_residual(Stack::new(layers)?)
}
