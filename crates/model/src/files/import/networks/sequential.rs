//! Convolutions that are numbered as in PyTorch's `Sequential` or in MatConvNet's list of layers: `P.N.weight`, with ReLU
//! between them and, in PyTorch, a batch normalisation as module N + 1 behind some.

use crate::files::import::stack::{Layer, Stack, batch_norm};
use crate::files::import::tensors::Tensors;
use crate::files::import::wrong::{Wrong, printable};

/// PyTorch's default.
const EPS: f64 = 1e-5;

/// Prefix and numbers of the convolutions, or `None` where they do not all have the same prefix.
fn convolutions(tensors: &Tensors) -> Option<(String, Vec<usize>)> {
    let mut found: Option<(String, Vec<usize>)> = None;
    for (name, dims) in tensors.shapes() {
        if dims.len() != 4 {
            continue;
        }
        let Some(module) = name.strip_suffix("weight").and_then(|rest| rest.strip_suffix('.')) else {
            continue;
        };
        let (prefix, number) = match module.rfind('.') {
            Some(dot) => module.split_at(dot + 1),
            None => ("", module),
        };
        let number = usize::from(number.parse::<u16>().ok()?);
        match &mut found {
            None => found = Some((prefix.to_owned(), vec![number])),
            Some((known, numbers)) if known == prefix => numbers.push(number),
            Some(_) => return None,
        }
    }
    found
}

/// Input channels of the first convolution and output channels of the last one, if the names are numbered so.
pub(super) fn ends(tensors: &Tensors) -> Option<[usize; 2]> {
    let (prefix, numbers) = convolutions(tensors)?;
    let dims = |number: Option<&usize>| {
        let name = format!("{prefix}{}.weight", number?);
        tensors
            .shapes()
            .find(|(known, _)| *known == name)
            .map(|(_, dims)| [dims[0], dims[1]])
    };
    let ([_, inputs], [outputs, _]) = (dims(numbers.iter().min())?, dims(numbers.iter().max())?);
    Some([inputs, outputs])
}

/// The stack, with batch normalisation folded into it.
pub(super) fn read(tensors: &mut Tensors) -> Result<Stack, Wrong> {
    let (prefix, mut numbers) = convolutions(tensors)
        .ok_or_else(|| Wrong::new("convolutions P.N.weight with one prefix P and numbers N", "other names"))?;
    numbers.sort_unstable();
    let mut layers = Vec::new();
    for (index, &number) in numbers.iter().enumerate() {
        let module = format!("{prefix}{number}");
        let bias = tensors.take_if(&format!("{module}.bias"));
        let weight = format!("{module}.weight");
        let mut layer = Layer::new(&weight, tensors.take(&weight)?, bias)?;
        let normalisation = format!("{prefix}{}", number + 1);
        let mut last = number;
        if tensors.has(&format!("{normalisation}.running_var")) {
            last += 1;
            let count = layer.outputs();
            let mut part =
                |name: &str, missing| tensors.channels_or(&format!("{normalisation}.{name}"), count, missing);
            let (weight, bias) = (part("weight", 1.0)?, part("bias", 0.0)?);
            let (mean, variance) = (part("running_mean", 0.0)?, part("running_var", 1.0)?);
            let (scale, shift) = batch_norm([&weight, &bias, &mean, &variance], EPS);
            layer = layer.then(&scale, Some(&shift));
        }
        layers.push(layer);
        if numbers.get(index + 1).is_some_and(|&next| next <= last + 1) {
            return Err(Wrong::new(
                format!("a ReLU behind {}", printable(&module)),
                "another convolution",
            ));
        }
    }
    Stack::new(layers)
}
