//! SCICO's DnCNN in Flax (Balke et al. 2022): circular padding, batch normalisation, kernels as [row, column, in, out].
//!
//! D(x) = x - N(x). The networks for a range of levels have the noise map as a second input, and a second output that is
//! not used.

use super::recognised::Recognised;
use crate::files::import::stack::{Layer, Stack, batch_norm};
use crate::files::import::tensors::Tensors;
use crate::files::import::wrong::{Wrong, printable};
use crate::weights::Values;
use crate::{Architecture, Conditioning, DncnnConfig, Padding};

/// Flax's default.
const EPS: f64 = 1e-5;

pub(super) fn matches(tensors: &Tensors) -> bool {
    tensors.has("params/conv_start/kernel") && tensors.has("params/conv_end/kernel")
}

pub(super) fn read(tensors: &mut Tensors) -> Result<Recognised, Wrong> {
    let mut layers = vec![convolution(tensors, "params/conv_start")?];
    for index in 0.. {
        let block = format!("ConvBNBlock_{index}");
        if !tensors.has(&format!("params/{block}/Conv_0/kernel")) {
            break;
        }
        let layer = convolution(tensors, &format!("params/{block}/Conv_0"))?;
        let count = layer.outputs();
        let mut part =
            |folder: &str, name: &str| tensors.channels(&format!("{folder}/{block}/BatchNorm_0/{name}"), count);
        let (scale, bias) = (part("params", "scale")?, part("params", "bias")?);
        let (mean, variance) = (part("batch_stats", "mean")?, part("batch_stats", "var")?);
        let (scale, shift) = batch_norm([&scale, &bias, &mean, &variance], EPS);
        layers.push(layer.then(&scale, Some(&shift)));
    }
    layers.push(convolution(tensors, "params/conv_end")?);
    let mut stack = Stack::new(layers)?;
    let shape = stack.shape();
    let conditioning = match [shape.inputs, shape.outputs] {
        [1, 1] | [3, 3] => Conditioning::Blind,
        [2, 2] | [4, 4] => {
            let image: Vec<usize> = (0..shape.outputs - 1).collect();
            stack = stack.map_last(|layer| layer.with_outputs(&image));
            Conditioning::NoiseMap
        }
        [inputs, outputs] => {
            return Err(Wrong::new(
                "an image, or an image and a noise map, in and out",
                format!("{inputs} channels in, {outputs} out"),
            ));
        }
    };
    Ok(Recognised {
        architecture: Architecture::Dncnn(DncnnConfig {
            channels: stack.shape().outputs,
            depth: shape.depth,
            width: shape.width,
            bias: shape.bias,
            residual: true,
            conditioning,
            padding: Padding::Circular,
        }),
        weights: stack.weights()?,
    })
}

fn convolution(tensors: &mut Tensors, module: &str) -> Result<Layer, Wrong> {
    let name = format!("{module}/kernel");
    let kernel = tensors.take(&name)?;
    let &[rows, columns, cin, cout] = kernel.dims.as_slice() else {
        let got = format!("{:?}", kernel.dims);
        return Err(Wrong::new(
            format!("{} as [row, column, in, out]", printable(&name)),
            got,
        ));
    };
    let taps = rows * columns;
    let mut values = vec![0.0; kernel.values.len()];
    for (from, value) in kernel.values.iter().enumerate() {
        let (tap, i, o) = (from / (cin * cout), from / cout % cin, from % cout);
        values[(o * cin + i) * taps + tap] = *value;
    }
    let weight = Values {
        dims: vec![cout, cin, rows, columns],
        values,
    };
    Layer::new(&name, weight, tensors.take_if(&format!("{module}/bias")))
}
