//! MatConvNet's simple networks in MATLAB 7.3 files: `net.layers` is a list of layers, each a structure with a `type`.
//!
//! Convolutions become `layers.N.weight` in the order `[cout, cin, row, column]`, and `layers.N.bias`; N counts all layers.

use super::bytes::Bytes;
use super::hdf5::{Dataset, Hdf5};
use super::number::Number;
use crate::files::import::wrong::{Wrong, printable};
use crate::weights::{Values, Weights};

/// Networks have fewer layers.
const MAX_LAYERS: usize = 1024;

pub(super) fn read(bytes: &[u8]) -> Result<Weights, Wrong> {
    let mut file = Hdf5::open(bytes)?;
    let root = file.root();
    let net = member(&mut file, root, "net")?;
    let layers = member(&mut file, net, "layers")?;
    let layers = references(&file.dataset(layers)?)?;
    if layers.len() > MAX_LAYERS {
        return Err(Wrong::new(
            format!("at most {MAX_LAYERS} layers"),
            layers.len().to_string(),
        ));
    }
    let mut weights = Weights::new();
    for (index, layer) in layers.into_iter().enumerate() {
        let kind = member(&mut file, layer, "type")?;
        let kind = text(&file.dataset(kind)?);
        match kind.as_str() {
            "conv" => convolution(&mut file, layer, index, &mut weights)?,
            // FFDNet's change of resolution and its noise map: its architecture says where they are.
            "relu" | "SubP" | "concat" => {}
            _ => {
                return Err(Wrong::new(
                    "layers of type conv, relu, SubP or concat",
                    format!("'{}' (layer {index})", printable(&kind)),
                ));
            }
        }
    }
    Ok(weights)
}

fn convolution(file: &mut Hdf5<'_>, layer: u64, index: usize, weights: &mut Weights) -> Result<(), Wrong> {
    let members = file.members(layer)?;
    for (name, required) in [("stride", 1.0), ("dilate", 1.0), ("pad", 1.0)] {
        let Some(&address) = members.get(name) else { continue };
        let values = floats(&file.dataset(address)?)?;
        if values.iter().any(|&value| value != required) {
            return Err(Wrong::new(
                format!("{name} {required} in layer {index}"),
                format!("{values:?}"),
            ));
        }
    }
    let parts = member(file, layer, "weights")?;
    let parts = references(&file.dataset(parts)?)?;
    let [filter, bias] = parts[..] else {
        let got = format!("{} arrays in layer {index}", parts.len());
        return Err(Wrong::new("a filter and a bias", got));
    };
    let bias = floats(&file.dataset(bias)?)?;
    let filter = file.dataset(filter)?;
    let values = floats(&filter)?;
    // MATLAB drops a last axis of length 1, which is the first one here.
    let [cout, cin, columns, rows] = match filter.dims[..] {
        [cin, columns, rows] => [1, cin, columns, rows],
        [cout, cin, columns, rows] => [cout, cin, columns, rows],
        _ => {
            let got = format!("{:?} in layer {index}", filter.dims);
            return Err(Wrong::new("a filter of 3 or 4 dimensions", got));
        }
    };
    let mut turned = vec![0.0; values.len()];
    if !values.is_empty() {
        for (from, to) in values
            .chunks_exact(rows * columns)
            .zip(turned.chunks_exact_mut(rows * columns))
        {
            for (at, value) in to.iter_mut().enumerate() {
                *value = from[(at % columns) * rows + at / columns];
            }
        }
    }
    let weight = Values {
        dims: vec![cout, cin, rows, columns],
        values: turned,
    };
    weights.insert(format!("layers.{index}.weight"), weight);
    // A network without biases has empty ones.
    if !bias.is_empty() {
        let dims = vec![bias.len()];
        weights.insert(format!("layers.{index}.bias"), Values { dims, values: bias });
    }
    Ok(())
}

fn member(file: &mut Hdf5<'_>, group: u64, name: &str) -> Result<u64, Wrong> {
    let members = file.members(group)?;
    members.get(name).copied().ok_or_else(|| {
        let names: Vec<_> = members.keys().take(8).map(|name| printable(name)).collect();
        Wrong::new(format!("a MatConvNet network with '{name}'"), format!("{names:?}"))
    })
}

fn references(dataset: &Dataset) -> Result<Vec<u64>, Wrong> {
    if (dataset.class, dataset.size) != (7, 8) {
        return Err(Wrong::new(
            "references to objects",
            format!("data of class {}", dataset.class),
        ));
    }
    let mut bytes = Bytes::new(&dataset.bytes);
    (0..dataset.bytes.len() / 8).map(|_| bytes.u64()).collect()
}

fn floats(dataset: &Dataset) -> Result<Vec<f32>, Wrong> {
    let number = match (dataset.class, dataset.size) {
        (1, 4) => Number::F32,
        (1, 8) => Number::F64,
        // MATLAB writes an empty array as its dimensions.
        (0, 8) if dataset.bytes.len() <= 16 => return Ok(Vec::new()),
        (class, size) => {
            let got = format!("class {class} of {size} bytes");
            return Err(Wrong::new("floating point numbers", got));
        }
    };
    Ok(number.values(&dataset.bytes))
}

/// MATLAB's characters are 16-bit integers.
fn text(dataset: &Dataset) -> String {
    let units: Vec<u16> = dataset
        .bytes
        .chunks_exact(2)
        .map(|pair| u16::from_le_bytes([pair[0], pair[1]]))
        .collect();
    String::from_utf16_lossy(&units)
}
