//! Convolutions one after the other with ReLU between them: the body of DnCNN and FFDNet.

use burn::tensor::{Device, Tensor};

use crate::{Activation, Activations, Conv3x3};

/// A small last layer starts a residual network near D(x) = x, from where training is stable.
pub(crate) const SMALL_GAIN: f64 = 0.1;

/// Channels of a stack: `inputs` -> `between` -> ... -> `between` -> `outputs`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Widths {
    pub inputs: usize,
    pub between: usize,
    pub outputs: usize,
}

impl Widths {
    /// `depth` layers, the last one with the gain `last_gain`.
    pub(crate) fn init(self, depth: usize, bias: bool, last_gain: f64, seed: u64, device: &Device) -> Vec<Conv3x3> {
        (0..depth)
            .map(|layer| {
                let cin = if layer == 0 { self.inputs } else { self.between };
                let last = layer + 1 == depth;
                let cout = if last { self.outputs } else { self.between };
                let gain = if last { last_gain } else { 1.0 };
                Conv3x3::init([cin, cout], bias, gain, seed, layer as u64, device)
            })
            .collect()
    }
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

/// A network of convolutions in words: its body, whether it has biases, its padding, whether it predicts the noise, and
/// whether it `reads` the noise level.
pub(crate) fn description(body: &str, bias: bool, padding: &str, residual: bool, reads: &str) -> String {
    let biases = if bias { "with" } else { "without" };
    let predicts = if residual { "noise" } else { "image" };
    format!("{body}, {biases} biases, {padding} padding; predicts the {predicts}; {reads} the noise level")
}
