//! A graph of ONNX operators in the making.

use onnx_rs::ast::{
    Attribute, AttributeType, DataType, Dimension, Model, Node, OpType, OperatorSetId, TensorProto, TensorShape,
    TensorShapeDimension, TensorTypeProto, TypeProto, TypeValue, ValueInfo,
};

use crate::weights::{Values, Weights};

/// Operator set and format version that runtimes since 2020 read.
const OPERATOR_SET: i64 = 13;
const FORMAT: i64 = 7;

/// D(x, sigma) takes these two and gives [`OUTPUT`].
pub(crate) const IMAGE: &str = "noisy";
pub(super) const LEVEL: &str = "sigma";
pub(super) const OUTPUT: &str = "denoised";
/// Name of the constant level of a blind network with a noise map.
const TOLD: &str = "told";

/// Values are known by name; an operator's only output has the number of the operator.
pub(crate) struct Graph {
    weights: Weights,
    operators: Vec<Operator>,
    /// Constant lists of integers, such as shapes.
    lists: Vec<(String, Vec<i64>)>,
    uses_level: bool,
}

struct Operator {
    kind: OpType<'static>,
    inputs: Vec<String>,
    output: String,
    attributes: Vec<Attribute<'static>>,
}

/// An attribute that is a number, a list of numbers or a word.
fn number(name: &'static str, i: i64) -> Attribute<'static> {
    Attribute {
        name,
        r#type: AttributeType::Int,
        i,
        ..Default::default()
    }
}

fn numbers(name: &'static str, ints: Vec<i64>) -> Attribute<'static> {
    Attribute {
        name,
        r#type: AttributeType::Ints,
        ints,
        ..Default::default()
    }
}

fn word(name: &'static str, text: &'static str) -> Attribute<'static> {
    Attribute {
        name,
        r#type: AttributeType::String,
        s: text.as_bytes(),
        ..Default::default()
    }
}

impl Graph {
    /// `weights` by the names of the network's parameters.
    pub(crate) fn new(weights: Weights) -> Self {
        Self {
            weights,
            operators: Vec::new(),
            lists: Vec::new(),
            uses_level: false,
        }
    }

    /// An operator without attributes; returns the name of its output.
    pub(crate) fn add(&mut self, kind: OpType<'static>, inputs: &[&str]) -> String {
        self.add_with(kind, inputs, Vec::new())
    }

    /// An operator whose output is an output of the model.
    pub(crate) fn add_named(&mut self, kind: OpType<'static>, inputs: &[&str], output: &str) {
        self.add(kind, inputs);
        if let Some(last) = self.operators.last_mut() {
            output.clone_into(&mut last.output);
        }
    }

    fn add_with(&mut self, kind: OpType<'static>, inputs: &[&str], attributes: Vec<Attribute<'static>>) -> String {
        let output = format!("{}", self.operators.len());
        self.operators.push(Operator {
            kind,
            inputs: inputs.iter().map(|&name| name.to_owned()).collect(),
            output: output.clone(),
            attributes,
        });
        output
    }

    /// A constant list.
    fn list(&mut self, values: Vec<i64>) -> String {
        let name = format!("list.{}", self.lists.len());
        self.lists.push((name.clone(), values));
        name
    }

    /// The 3x3 convolution of the layer `name`, with zeros beyond the border.
    pub(crate) fn conv(&mut self, name: &str, x: &str) -> String {
        let (weight, bias) = (format!("{name}.weight"), format!("{name}.bias"));
        let mut inputs = vec![x, weight.as_str()];
        if self.weights.contains_key(&bias) {
            inputs.push(&bias);
        }
        let attributes = vec![numbers("kernel_shape", vec![3; 2]), numbers("pads", vec![1; 4])];
        self.add_with(OpType::Conv, &inputs, attributes)
    }

    /// max(x, 0).
    pub(crate) fn relu(&mut self, x: &str) -> String {
        self.add(OpType::Relu, &[x])
    }

    /// x, or e^x - 1 below 0.
    pub(crate) fn elu(&mut self, x: &str) -> String {
        self.add(OpType::Elu, &[x])
    }

    /// The 2x2 convolution with stride 2 of the layer `name`.
    pub(crate) fn conv_down(&mut self, name: &str, x: &str) -> String {
        self.strided(OpType::Conv, name, x)
    }

    /// The adjoint of [`Self::conv_down`].
    pub(crate) fn conv_up(&mut self, name: &str, x: &str) -> String {
        self.strided(OpType::ConvTranspose, name, x)
    }

    fn strided(&mut self, kind: OpType<'static>, name: &str, x: &str) -> String {
        let weight = format!("{name}.weight");
        let attributes = vec![numbers("kernel_shape", vec![2; 2]), numbers("strides", vec![2; 2])];
        self.add_with(kind, &[x, &weight], attributes)
    }

    /// x + y.
    pub(crate) fn sum(&mut self, x: &str, y: &str) -> String {
        self.add(OpType::Add, &[x, y])
    }

    /// [H, W] of an image.
    pub(crate) fn size(&mut self, x: &str) -> String {
        let shape = self.add(OpType::Shape, &[x]);
        let (start, end) = (self.list(vec![2]), self.list(vec![4]));
        self.add(OpType::Slice, &[&shape, &start, &end])
    }

    /// Repeats the last row and the last column until `multiple` divides the size.
    pub(crate) fn extend_to_multiple(&mut self, x: &str, size: &str, multiple: usize) -> String {
        let multiple = self.list(vec![multiple as i64]);
        let beyond = self.add(OpType::Mod, &[size, &multiple]);
        let missing = self.add(OpType::Sub, &[&multiple, &beyond]);
        let missing = self.add(OpType::Mod, &[&missing, &multiple]);
        let zeros = self.list(vec![0; 6]);
        let pads = self.add_with(OpType::Concat, &[&zeros, &missing], vec![number("axis", 0)]);
        self.add_with(OpType::Pad, &[x, &pads], vec![word("mode", "edge")])
    }

    /// The first rows and columns.
    pub(crate) fn crop(&mut self, x: &str, size: &str) -> String {
        let (start, axes) = (self.list(vec![0, 0]), self.list(vec![2, 3]));
        self.add(OpType::Slice, &[x, &start, size, &axes])
    }

    /// `[N, C, H, W]` to `[N, 4 C, H/2, W/2]`, channel C (2 row + column) + c, as between the levels of a U-Net.
    pub(crate) fn unshuffle(&mut self, x: &str) -> String {
        self.add_with(OpType::SpaceToDepth, &[x], vec![number("blocksize", 2)])
    }

    /// The inverse of [`Self::unshuffle`].
    pub(crate) fn shuffle(&mut self, x: &str) -> String {
        self.add_with(
            OpType::DepthToSpace,
            &[x],
            vec![number("blocksize", 2), word("mode", "DCR")],
        )
    }

    /// The same of an image, with channel 4 c + 2 row + column.
    pub(crate) fn phases_from_image(&mut self, x: &str, channels: usize) -> String {
        let phases = self.unshuffle(x);
        if channels == 1 {
            return phases;
        }
        let order = (0..4 * channels).map(|k| (k % 4 * channels + k / 4) as i64).collect();
        let order = self.list(order);
        self.add_with(OpType::Gather, &[&phases, &order], vec![number("axis", 1)])
    }

    /// The inverse of [`Self::phases_from_image`].
    pub(crate) fn image_from_phases(&mut self, x: &str) -> String {
        self.add_with(
            OpType::DepthToSpace,
            &[x],
            vec![number("blocksize", 2), word("mode", "CRD")],
        )
    }

    /// One more channel that is sigma everywhere, or a constant that the network is told instead.
    pub(crate) fn with_noise_map(&mut self, x: &str, told: Option<f32>) -> String {
        let level = match told {
            Some(value) => {
                let (dims, values) = (vec![1], vec![value]);
                self.weights.insert(TOLD.to_owned(), Values { dims, values });
                TOLD
            }
            None => {
                self.uses_level = true;
                LEVEL
            }
        };
        let (column, one) = (self.list(vec![-1, 1, 1, 1]), self.list(vec![1]));
        let level = self.add(OpType::Reshape, &[level, &column]);
        let (size, batch) = (self.size(x), self.batch(x));
        let shape = self.add_with(OpType::Concat, &[&batch, &one, &size], vec![number("axis", 0)]);
        let map = self.add(OpType::Expand, &[&level, &shape]);
        self.add_with(OpType::Concat, &[x, &map], vec![number("axis", 1)])
    }

    /// [N] of a batch of images.
    fn batch(&mut self, x: &str) -> String {
        let shape = self.add(OpType::Shape, &[x]);
        let (start, end) = (self.list(vec![0]), self.list(vec![1]));
        self.add(OpType::Slice, &[&shape, &start, &end])
    }

    /// The model as a file's bytes; the second input is left out if nothing needs it.
    pub(crate) fn encode(&self, channels: usize) -> Vec<u8> {
        let free = Dimension::Param;
        let pixels = [
            free("batch"),
            Dimension::Value(channels as i64),
            free("height"),
            free("width"),
        ];
        let mut inputs = vec![described(IMAGE, &pixels)];
        if self.uses_level {
            inputs.push(described(LEVEL, &[free("batch")]));
        }
        let weights = self.weights.iter().map(|(name, values)| {
            let dims = values.dims.iter().map(|&dim| dim as i64).collect();
            TensorProto::from_f32(name, dims, values.values.clone())
        });
        let lists = self
            .lists
            .iter()
            .map(|(name, values)| TensorProto::from_i64(name, vec![values.len() as i64], values.clone()));
        let node = self.operators.iter().map(|operator| Node {
            op_type: operator.kind.clone(),
            input: operator.inputs.iter().map(String::as_str).collect(),
            output: vec![&operator.output],
            attribute: operator.attributes.clone(),
            ..Default::default()
        });
        onnx_rs::encode(&Model {
            ir_version: FORMAT,
            opset_import: vec![OperatorSetId {
                domain: "",
                version: OPERATOR_SET,
            }],
            producer_name: "tweedie",
            producer_version: env!("CARGO_PKG_VERSION"),
            graph: Some(onnx_rs::ast::Graph {
                name: "denoiser",
                node: node.collect(),
                initializer: weights.chain(lists).collect(),
                input: inputs,
                output: vec![described(OUTPUT, &pixels)],
                ..Default::default()
            }),
            ..Default::default()
        })
    }
}

/// An input or output in f32.
fn described<'a>(name: &'a str, dims: &[Dimension<'a>]) -> ValueInfo<'a> {
    let dim = dims.iter().map(|value| TensorShapeDimension {
        value: value.clone(),
        ..Default::default()
    });
    ValueInfo {
        name,
        r#type: Some(TypeProto {
            value: Some(TypeValue::Tensor(TensorTypeProto {
                elem_type: DataType::Float,
                shape: Some(TensorShape { dim: dim.collect() }),
            })),
            ..Default::default()
        }),
        ..Default::default()
    }
}
