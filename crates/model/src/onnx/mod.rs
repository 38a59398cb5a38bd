//! Checkpoints as ONNX models, for runtimes without this crate.

mod graph;

use std::path::Path;

use onnx_rs::ast::OpType;

use self::graph::Graph;
use crate::dncnn::{Conditioning, Padding};
use crate::tensor_file::{self, checkpoint};
use crate::weights::{Weights, weights_from_network};
use crate::{Architecture, Checkpoint, Error, UnetConfig};

/// D(x, sigma) takes these and gives [`OUTPUT`].
const IMAGE: &str = "noisy";
const LEVEL: &str = "sigma";
const OUTPUT: &str = "denoised";

impl Checkpoint {
    /// Writes D as an ONNX model (operator set 13) of one `dncnn`, `ffdnet` or `unet`: from `noisy` `[N, C, H, W]`, nominal
    /// range [0, 1], and `sigma` `[N]` in the same units (a blind network has no such input) to `denoised` `[N, C, H, W]`,
    /// all in f32. H and W are free: the model extends and crops images as the network here does.
    ///
    /// # Errors
    /// [`Error::Checkpoint`] for another kind of network or for circular padding; [`Error::Imaging`] naming the file that
    /// cannot be written.
    pub fn export_onnx(&self, path: &Path) -> Result<(), Error> {
        let weights = weights_from_network(&self.network)?;
        let bytes = model(&self.config.architecture, weights).map_err(|got| {
            checkpoint(
                path,
                "a dncnn with zero padding, an ffdnet or a unet to write as ONNX",
                got,
            )
        })?;
        tensor_file::write(path, &bytes)
    }
}

/// The model's bytes, or what it is that has no model.
fn model(architecture: &Architecture, weights: Weights) -> Result<Vec<u8>, &'static str> {
    let mut graph = Graph::new(weights);
    match architecture {
        Architecture::Dncnn(config) if config.padding == Padding::Circular => return Err("circular padding"),
        Architecture::Dncnn(config) => {
            let noise_map = config.conditioning == Conditioning::NoiseMap;
            let input = if noise_map {
                graph.with_noise_map(IMAGE)
            } else {
                IMAGE.to_owned()
            };
            let output = stack(&mut graph, config.depth, input);
            finish(&mut graph, &output, config.residual);
        }
        Architecture::Ffdnet(config) => {
            let frame = Frame {
                channels: config.channels,
                multiple: architecture.size_multiple(),
                phases: true,
                residual: config.residual,
            };
            frame.around(&mut graph, |graph, input| stack(graph, config.depth, input));
        }
        Architecture::Unet(config) => {
            let frame = Frame {
                channels: config.channels,
                multiple: architecture.size_multiple(),
                phases: config.unshuffle == 2,
                residual: config.residual,
            };
            frame.around(&mut graph, |graph, input| levels(graph, config, &input));
        }
        Architecture::GradientStep(_) => return Err("a gradient-step network"),
        Architecture::Lipschitz(_) => return Err("a lipschitz network"),
        Architecture::Ridge(_) | Architecture::Crr(_) => return Err("a ridge regulariser"),
    }
    Ok(graph.encode(architecture.channels(), [IMAGE, LEVEL], OUTPUT))
}

/// The output itself, or the image less the estimated noise.
fn finish(graph: &mut Graph, output: &str, residual: bool) {
    if residual {
        graph.add_named(OpType::Sub, &[IMAGE, output], OUTPUT);
    } else {
        graph.add_named(OpType::Identity, &[output], OUTPUT);
    }
}

/// Convolutions with ReLU between them.
fn stack(graph: &mut Graph, depth: usize, input: String) -> String {
    (0..depth).fold(input, |x, layer| {
        let y = graph.conv(&format!("layers.{layer}"), &x);
        if layer + 1 == depth {
            y
        } else {
            graph.add(OpType::Relu, &[&y])
        }
    })
}

/// What is around a network that takes a noise map and images of certain sizes.
struct Frame {
    channels: usize,
    /// Divides heights and widths.
    multiple: usize,
    /// Whether the network works on the four phases at half resolution.
    phases: bool,
    residual: bool,
}

impl Frame {
    fn around(&self, graph: &mut Graph, network: impl FnOnce(&mut Graph, String) -> String) {
        let size = graph.size(IMAGE);
        let mut x = graph.extend_to_multiple(IMAGE, &size, self.multiple);
        if self.phases {
            x = graph.phases_from_image(&x, self.channels);
        }
        let input = graph.with_noise_map(&x);
        let mut output = network(graph, input);
        if self.phases {
            output = graph.image_from_phases(&output);
        }
        let output = graph.crop(&output, &size);
        finish(graph, &output, self.residual);
    }
}

/// The levels of a U-Net.
fn levels(graph: &mut Graph, config: &UnetConfig, input: &str) -> String {
    let blocks = |graph: &mut Graph, part: &str, x: String| {
        (0..config.blocks).fold(x, |x, block| {
            let y = graph.conv(&format!("{part}.{block}.first"), &x);
            let y = graph.add(OpType::Relu, &[&y]);
            let y = graph.conv(&format!("{part}.{block}.second"), &y);
            graph.add(OpType::Add, &[&x, &y])
        })
    };
    let mut x = graph.conv("head", input);
    let mut skips = Vec::new();
    for level in 0..config.widths.len() - 1 {
        skips.push(x.clone());
        let y = blocks(graph, &format!("encoder.{level}.blocks"), x);
        let phases = graph.unshuffle(&y);
        x = graph.conv(&format!("encoder.{level}.resample"), &phases);
    }
    let y = blocks(graph, "body", x.clone());
    x = graph.add(OpType::Add, &[&y, &x]);
    for (level, skip) in skips.iter().rev().enumerate() {
        let phases = graph.conv(&format!("decoder.{level}.resample"), &x);
        let y = graph.shuffle(&phases);
        let y = blocks(graph, &format!("decoder.{level}.blocks"), y);
        x = graph.add(OpType::Add, &[&y, skip]);
    }
    graph.conv("tail", &x)
}

#[cfg(test)]
mod tests;
