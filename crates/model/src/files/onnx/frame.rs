//! What is around the layers of a network.

use onnx_rs::ast::OpType;

use super::graph::{Graph, IMAGE, OUTPUT};

/// The output itself, or the image less the estimated noise.
pub(crate) fn finish(graph: &mut Graph, output: &str, residual: bool) {
    if residual {
        graph.add_named(OpType::Sub, &[IMAGE, output], OUTPUT);
    } else {
        graph.add_named(OpType::Identity, &[output], OUTPUT);
    }
}

/// Convolutions with ReLU between them.
pub(crate) fn plain_stack(graph: &mut Graph, depth: usize, input: String) -> String {
    (0..depth).fold(input, |x, layer| {
        let y = graph.conv(&format!("layers.{layer}"), &x);
        if layer + 1 == depth { y } else { graph.relu(&y) }
    })
}

/// What is around a network that takes a noise map and images of certain sizes.
pub(crate) struct Frame {
    pub channels: usize,
    /// Divides heights and widths.
    pub multiple: usize,
    /// Whether the network works on the four phases at half resolution.
    pub phases: bool,
    pub residual: bool,
    /// A level in [0, 1] units in the noise map whatever the noise is.
    pub told: Option<f32>,
}

impl Frame {
    /// The model of D around `network`.
    pub(crate) fn around(&self, graph: &mut Graph, network: impl FnOnce(&mut Graph, String) -> String) {
        let size = graph.size(IMAGE);
        let mut x = graph.extend_to_multiple(IMAGE, &size, self.multiple);
        if self.phases {
            x = graph.phases_from_image(&x, self.channels);
        }
        let input = graph.with_noise_map(&x, self.told);
        let mut output = network(graph, input);
        if self.phases {
            output = graph.image_from_phases(&output);
        }
        let output = graph.crop(&output, &size);
        finish(graph, &output, self.residual);
    }
}
