//! A larger U-Net that starts as the same function as a smaller one.

use crate::UnetConfig;
use crate::weights::{Values, Weights};

/// Whether the network of `large` can start as that of `small`: as many levels, none narrower, and no fewer blocks.
pub(super) fn can_grow(small: &UnetConfig, large: &UnetConfig) -> bool {
    let mut widths = small.widths.iter().zip(&large.widths);
    small.widths.len() == large.widths.len()
        && widths.all(|(small, large)| small <= large)
        && small.blocks <= large.blocks
        && (small.channels, small.unshuffle, small.bias, small.residual)
            == (large.channels, large.unshuffle, large.bias, large.residual)
}

/// The weights of a U-Net `large` such that it computes what the U-Net `small` does, where [`can_grow`] holds
/// (Net2Net, Chen et al. 2016).
///
/// The channels of the smaller network come first in every layer and take nothing from the new ones; new channels keep
/// their random weights, and new residual blocks begin as the identity.
pub(super) fn grown(small: &Weights, large: Weights) -> Weights {
    large
        .into_iter()
        .map(|(name, values)| {
            let grown = match small.get(&name) {
                Some(old) => embedded(&name, old, values),
                // The branch of a block that is new.
                None if name.contains(".second.") => Values {
                    values: vec![0.0; values.values.len()],
                    ..values
                },
                None => values,
            };
            (name, grown)
        })
        .collect()
}

/// Kernels `[Cout, Cin, 3, 3]` or biases `[Cout]`.
fn embedded(name: &str, old: &Values, mut new: Values) -> Values {
    // Where the resolution changes, four phases stand one after the other, each with all channels.
    let phases = |level: &str| {
        let resamples = name.starts_with(level) && name.contains(".resample.");
        if resamples { 4 } else { 1 }
    };
    let phases_out = phases("decoder");
    // A bias has no inputs.
    let phases_in = if old.dims.len() > 1 { phases("encoder") } else { 1 };
    let columns = |dims: &[usize]| dims.get(1).copied().unwrap_or(1);
    let (rows_in, rows_out) = (columns(&old.dims), columns(&new.dims));
    let taps = new.values.len() / (new.dims[0] * rows_out);
    // The old channel that a new one was, if any.
    let place = |channel: usize, phases: usize, old: usize, new: usize| {
        let (phase, channel) = (channel / (new / phases), channel % (new / phases));
        (channel < old / phases).then(|| phase * (old / phases) + channel)
    };
    for output in 0..new.dims[0] {
        let Some(from_output) = place(output, phases_out, old.dims[0], new.dims[0]) else {
            continue;
        };
        for input in 0..rows_out {
            let to = (output * rows_out + input) * taps;
            let kernel = &mut new.values[to..to + taps];
            match place(input, phases_in, rows_in, rows_out) {
                Some(from_input) => {
                    let from = (from_output * rows_in + from_input) * taps;
                    kernel.copy_from_slice(&old.values[from..from + taps]);
                }
                None => kernel.fill(0.0),
            }
        }
    }
    new
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, Tensor, TensorData};
    use tweedie_imaging::noise::gaussian_values;

    use super::*;
    use crate::weights::{network_with_weights, weights_from_network};
    use crate::{Architecture, Network};

    fn network(widths: &[usize], blocks: usize, bias: bool, seed: u64) -> (UnetConfig, Network) {
        let config = UnetConfig {
            channels: 1,
            unshuffle: 2,
            widths: widths.to_vec(),
            blocks,
            bias,
            residual: true,
        };
        let network = Architecture::Unet(config.clone()).init(seed, &Device::flex()).unwrap();
        (config, network)
    }

    #[test]
    fn the_larger_network_starts_as_the_smaller_one() {
        let device = Device::flex();
        let dims = [1, 1, 24, 40];
        let x: Tensor<4> = Tensor::from_data(TensorData::new(gaussian_values(24 * 40, 0.3, 1, 0), dims), &device);
        let sigma = Tensor::<1>::from_floats([0.1], &device);
        for bias in [false, true] {
            let (small_config, small) = network(&[16, 24, 32], 1, bias, 1);
            // Larger branches and last layer than those of a new network, so that a wrong place shows.
            let mut weights = weights_from_network(&small).unwrap();
            for values in weights.values_mut() {
                let noise = gaussian_values(values.values.len(), 0.1, 5, 0);
                values
                    .values
                    .iter_mut()
                    .zip(noise)
                    .for_each(|(value, noise)| *value += noise);
            }
            let small = network_with_weights(small, &weights);
            let (large_config, large) = network(&[20, 32, 48], 3, bias, 2);
            assert!(can_grow(&small_config, &large_config));
            assert!(!can_grow(&large_config, &small_config));
            let own = weights_from_network(&large).unwrap();
            let before = large.forward(x.clone(), sigma.clone());
            let large = network_with_weights(large, &grown(&weights, own));
            let residual = |network: &Network| network.forward(x.clone(), sigma.clone()) - x.clone();
            let error = |y: Tensor<4>| y.abs().max().into_scalar::<f32>();
            let (got, expected) = (residual(&large), residual(&small));
            let scale = error(expected.clone());
            assert!(error(got - expected) < 1e-4 * scale);
            assert!(error(before - x.clone() - residual(&small)) > 0.1 * scale);
        }
    }
}
