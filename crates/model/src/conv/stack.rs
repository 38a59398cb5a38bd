//! Convolutions one after the other with ReLU between them: the body of DnCNN and FFDNet.

use burn::tensor::{Device, Tensor};

use super::{Activation, Activations, Conv3x3};

/// `depth` layers, `inputs` -> `width` -> ... -> `width` -> `outputs`.
pub(crate) fn init(
    inputs: usize,
    width: usize,
    outputs: usize,
    depth: usize,
    bias: bool,
    seed: u64,
    device: &Device,
) -> Vec<Conv3x3> {
    (0..depth)
        .map(|layer| {
            let cin = if layer == 0 { inputs } else { width };
            let last = layer + 1 == depth;
            let cout = if last { outputs } else { width };
            // A small last layer starts a residual network near D(x) = x, from where training is stable.
            let gain = if last { 0.1 } else { 1.0 };
            Conv3x3::init([cin, cout], bias, gain, seed, layer as u64, device)
        })
        .collect()
}

/// Applies the layers.
///
/// # Shapes
/// `x`: `[N, inputs, H, W]`; result: `[N, outputs, H, W]`.
pub(crate) fn forward(layers: &[Conv3x3], x: Tensor<4>) -> Tensor<4> {
    let last = layers.len() - 1;
    let mut activations = Activations::pack(x);
    for (index, layer) in layers.iter().enumerate() {
        let activation = if index == last {
            Activation::None
        } else {
            Activation::Relu
        };
        activations = layer.forward(activations, activation);
    }
    activations.unpack()
}
