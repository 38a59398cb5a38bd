//! A stack of 3x3 convolutions on its way from a file into one of our networks.

use super::wrong::{Wrong, printable};
use crate::weights::{Values, Weights};

/// Pixels of a kernel.
const TAPS: usize = 9;

/// One convolution, in f64 until everything is folded into it.
#[derive(Clone, Debug)]
pub(super) struct Layer {
    /// What the file calls it.
    name: String,
    /// `[cout, cin]`.
    channels: [usize; 2],
    /// `[cout, cin, 3, 3]`.
    weight: Vec<f64>,
    bias: Option<Vec<f64>>,
}

/// Layers with ReLU between them.
#[derive(Clone, Debug)]
pub(super) struct Stack(Vec<Layer>);

/// The numbers of channels of a stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    pub inputs: usize,
    pub width: usize,
    pub outputs: usize,
    pub depth: usize,
    pub bias: bool,
}

impl Layer {
    /// # Errors
    /// Unless `weight` is `[cout, cin, 3, 3]` and not empty, and `bias`, if any, `[cout]`.
    pub fn new(name: &str, weight: Values, bias: Option<Values>) -> Result<Self, Wrong> {
        let name = printable(name);
        let &[cout, cin, 3, 3] = weight.dims.as_slice() else {
            let got = format!("{:?}", weight.dims);
            return Err(Wrong::new(format!("{name} as [out, in, 3, 3]"), got));
        };
        if weight.values.is_empty() {
            return Err(Wrong::new(format!("values in {name}"), "none"));
        }
        if let Some(bias) = &bias
            && bias.dims != [cout]
        {
            let got = format!("{:?}", bias.dims);
            return Err(Wrong::new(format!("the bias of {name} as [{cout}]"), got));
        }
        Ok(Self {
            name,
            channels: [cout, cin],
            weight: wide(&weight.values),
            bias: bias.map(|bias| wide(&bias.values)),
        })
    }

    /// Output channels.
    pub fn outputs(&self) -> usize {
        self.channels[0]
    }

    /// Folds the affine map of every output channel, z = scale y + shift, into the convolution before it.
    pub fn then(mut self, scale: &[f64], shift: Option<&[f64]>) -> Self {
        let filter = self.channels[1] * TAPS;
        for (weights, scale) in self.weight.chunks_mut(filter).zip(scale) {
            weights.iter_mut().for_each(|weight| *weight *= scale);
        }
        if let Some(bias) = &mut self.bias {
            bias.iter_mut().zip(scale).for_each(|(bias, scale)| *bias *= scale);
        }
        if let Some(shift) = shift {
            let bias = self.bias.get_or_insert_with(|| vec![0.0; shift.len()]);
            bias.iter_mut().zip(shift).for_each(|(bias, shift)| *bias += shift);
        }
        self
    }

    /// Reorders the inputs: input channel i of the result is `from(i)` of this layer.
    pub fn with_inputs(mut self, from: impl Fn(usize) -> usize) -> Self {
        let old = self.weight.clone();
        let cin = self.channels[1];
        for (index, kernel) in self.weight.chunks_mut(TAPS).enumerate() {
            let (o, i) = (index / cin, index % cin);
            kernel.copy_from_slice(&old[(o * cin + from(i)) * TAPS..][..TAPS]);
        }
        self
    }

    /// Reorders or selects the outputs: output channel k of the result is `from[k]` of this layer.
    pub fn with_outputs(self, from: &[usize]) -> Self {
        let filter = self.channels[1] * TAPS;
        let weight = from
            .iter()
            .flat_map(|&o| &self.weight[o * filter..(o + 1) * filter])
            .copied()
            .collect();
        Self {
            name: self.name,
            channels: [from.len(), self.channels[1]],
            weight,
            bias: self.bias.map(|bias| from.iter().map(|&o| bias[o]).collect()),
        }
    }
}

impl Stack {
    /// # Errors
    /// Unless there are two layers or more and each takes what the one before gives.
    pub fn new(layers: Vec<Layer>) -> Result<Self, Wrong> {
        if layers.len() < 2 {
            return Err(Wrong::new("two convolutions or more", layers.len().to_string()));
        }
        for pair in layers.windows(2) {
            let [given, taken] = [pair[0].channels[0], pair[1].channels[1]];
            if given != taken {
                return Err(Wrong::new(
                    format!("{} with {given} input channels", pair[1].name),
                    taken.to_string(),
                ));
            }
        }
        let width = layers[0].channels[0];
        let between = &layers[..layers.len() - 1];
        if let Some(other) = between.iter().find(|layer| layer.channels[0] != width) {
            return Err(Wrong::new(
                format!("{width} channels between all convolutions"),
                format!("{} behind {}", other.channels[0], other.name),
            ));
        }
        Ok(Self(layers))
    }

    pub fn shape(&self) -> Shape {
        let (first, last) = (&self.0[0], &self.0[self.0.len() - 1]);
        Shape {
            inputs: first.channels[1],
            width: first.channels[0],
            outputs: last.channels[0],
            depth: self.0.len(),
            bias: self.0.iter().any(|layer| layer.bias.is_some()),
        }
    }

    /// Replaces the first layer.
    pub fn map_first(mut self, f: impl FnOnce(Layer) -> Layer) -> Self {
        let first = self.0.remove(0);
        self.0.insert(0, f(first));
        self
    }

    /// Replaces the last layer.
    pub fn map_last(mut self, f: impl FnOnce(Layer) -> Layer) -> Self {
        if let Some(last) = self.0.pop() {
            self.0.push(f(last));
        }
        self
    }

    /// The parameters of our networks, `layers.N.weight` and, where any layer has one, `layers.N.bias`.
    ///
    /// # Errors
    /// If a value is not finite as f32.
    pub fn weights(self) -> Result<Weights, Wrong> {
        let bias = self.shape().bias;
        let mut weights = Weights::new();
        for (index, layer) in self.0.into_iter().enumerate() {
            let [cout, cin] = layer.channels;
            let mut insert = |part: &str, dims: Vec<usize>, values: Vec<f64>| {
                let values: Vec<f32> = values.into_iter().map(|value| value as f32).collect();
                if let Some(value) = values.iter().find(|value| !value.is_finite()) {
                    return Err(Wrong::new(
                        format!("finite parameters in {}", layer.name),
                        value.to_string(),
                    ));
                }
                weights.insert(format!("layers.{index}.{part}"), Values { dims, values });
                Ok(())
            };
            insert("weight", vec![cout, cin, 3, 3], layer.weight)?;
            if bias {
                insert("bias", vec![cout], layer.bias.unwrap_or_else(|| vec![0.0; cout]))?;
            }
        }
        Ok(weights)
    }
}

/// Scale and shift of a batch normalisation at test time, y = (x - mean) / sqrt(variance + eps) * weight + bias.
pub(super) fn batch_norm([weight, bias, mean, variance]: [&[f64]; 4], eps: f64) -> (Vec<f64>, Vec<f64>) {
    let scale: Vec<f64> = weight
        .iter()
        .zip(variance)
        .map(|(weight, variance)| weight / (variance + eps).sqrt())
        .collect();
    let shift = bias
        .iter()
        .zip(mean)
        .zip(&scale)
        .map(|((bias, mean), scale)| bias - mean * scale)
        .collect();
    (scale, shift)
}

/// As f64.
pub(super) fn wide(values: &[f32]) -> Vec<f64> {
    values.iter().copied().map(f64::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Weights 1, 2, 3, ...
    fn layer(cout: usize, cin: usize, bias: Option<Vec<f32>>) -> Layer {
        let weight = Values {
            dims: vec![cout, cin, 3, 3],
            values: (1..=cout * cin * TAPS).map(|i| i as f32).collect(),
        };
        let bias = bias.map(|values| Values {
            dims: vec![values.len()],
            values,
        });
        Layer::new("test", weight, bias).unwrap()
    }

    #[test]
    fn batch_normalisation_by_hand() {
        // y = (x - 3) / sqrt(3.75 + 0.25) * 5 + 7 = 2.5 x - 0.5
        let (scale, shift) = batch_norm([&[5.0], &[7.0], &[3.0], &[3.75]], 0.25);
        assert_eq!((&scale[..], &shift[..]), (&[2.5][..], &[-0.5][..]));
        let folded = layer(1, 1, Some(vec![4.0])).then(&scale, Some(&shift));
        assert_eq!(folded.weight[..3], [2.5, 5.0, 7.5]);
        assert_eq!(folded.bias, Some(vec![9.5]));
        assert_eq!(layer(1, 1, None).then(&scale, None).bias, None);
    }

    #[test]
    fn channels_are_reordered_and_selected() {
        let swapped = layer(2, 2, None).with_inputs(|i| 1 - i);
        let firsts: Vec<f64> = swapped.weight.iter().step_by(TAPS).copied().collect();
        assert_eq!(firsts, [10.0, 1.0, 28.0, 19.0]);
        let second = layer(2, 2, Some(vec![0.5, 0.25])).with_outputs(&[1]);
        assert_eq!((second.channels, second.weight[0]), ([1, 2], 19.0));
        assert_eq!(second.bias, Some(vec![0.25]));
    }

    #[test]
    fn layers_have_to_fit() {
        let channels = |layers: &[[usize; 2]]| {
            Stack::new(layers.iter().map(|&[cout, cin]| layer(cout, cin, None)).collect()).map(|stack| stack.shape())
        };
        let shape = channels(&[[4, 2], [4, 4], [1, 4]]).unwrap();
        assert_eq!((shape.inputs, shape.width, shape.outputs, shape.depth), (2, 4, 1, 3));
        for wrong in [&[[4, 1]][..], &[[4, 1], [1, 3]], &[[4, 1], [5, 4], [1, 5]]] {
            assert!(channels(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn what_is_not_finite_is_refused() {
        let stack = Stack::new(vec![layer(1, 1, None).then(&[f64::NAN], None), layer(1, 1, None)]).unwrap();
        assert!(stack.weights().is_err());
        let stack = Stack::new(vec![layer(1, 1, None).then(&[1e300], None), layer(1, 1, None)]).unwrap();
        assert!(stack.weights().is_err());
    }
}
