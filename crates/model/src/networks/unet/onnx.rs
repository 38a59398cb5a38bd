//! A U-Net as an ONNX model.

use super::{BlockActivation, Resampling, Sizes, UnetConfig};
use crate::files::onnx::frame::Frame;
use crate::files::onnx::graph::Graph;

/// Adds D to a model.
pub(super) fn model(config: &UnetConfig, graph: &mut Graph) -> Result<(), &'static str> {
    if config.sizes == Sizes::Quarters {
        return Err("a unet with sizes = \"quarters\" (with \"extend\" in its config.toml it has a model)");
    }
    let frame = Frame {
        channels: config.channels,
        multiple: config.cell(),
        phases: config.unshuffle == 2,
        residual: config.residual,
        told: config.told.map(|level| (level / 255.0) as f32),
    };
    frame.around(graph, |graph, input| levels(config, graph, &input));
    Ok(())
}

fn levels(config: &UnetConfig, graph: &mut Graph, input: &str) -> String {
    let blocks = |graph: &mut Graph, part: &str, x: String| {
        (0..config.blocks).fold(x, |x, block| {
            let y = graph.conv(&format!("{part}.{block}.first"), &x);
            let y = match config.activation {
                BlockActivation::Relu => graph.relu(&y),
                BlockActivation::Elu => graph.elu(&y),
            };
            let y = graph.conv(&format!("{part}.{block}.second"), &y);
            graph.sum(&x, &y)
        })
    };
    let down = |graph: &mut Graph, name: &str, x: &str| match config.resampling {
        Resampling::Phases => {
            let phases = graph.unshuffle(x);
            graph.conv(name, &phases)
        }
        Resampling::Strided => graph.conv_down(name, x),
    };
    let up = |graph: &mut Graph, name: &str, x: &str| match config.resampling {
        Resampling::Phases => {
            let phases = graph.conv(name, x);
            graph.shuffle(&phases)
        }
        Resampling::Strided => graph.conv_up(name, x),
    };
    let mut x = graph.conv("head", input);
    let mut skips = Vec::new();
    for level in 0..config.widths.len() - 1 {
        skips.push(x.clone());
        let y = blocks(graph, &format!("encoder.{level}.blocks"), x);
        x = down(graph, &format!("encoder.{level}.resample"), &y);
    }
    let y = blocks(graph, "body", x.clone());
    x = graph.sum(&y, &x);
    for (level, skip) in skips.iter().rev().enumerate() {
        let y = up(graph, &format!("decoder.{level}.resample"), &x);
        let y = blocks(graph, &format!("decoder.{level}.blocks"), y);
        x = graph.sum(&y, skip);
    }
    graph.conv("tail", &x)
}
