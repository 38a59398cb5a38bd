//! Models against the networks that they were made from, by an interpreter of the few operators that occur.

use std::collections::HashMap;

use burn::tensor::activation::relu;
use burn::tensor::module::{conv_transpose2d, conv2d};
use burn::tensor::ops::{ConvOptions, ConvTransposeOptions};
use burn::tensor::{Device, Tensor, TensorData};
use onnx_rs::ast::{Node, TensorProto};
use tweedie_imaging::noise::gaussian_values;

use super::graph::{IMAGE, LEVEL, OUTPUT};
use super::*;

#[derive(Clone)]
enum Value {
    Image(Tensor<4>),
    /// A vector of floats, such as a bias or the noise levels.
    Vector(Tensor<1>),
    List(Vec<i64>),
}

impl Value {
    fn from_initializer(tensor: &TensorProto<'_>, device: &Device) -> Self {
        if let Some(values) = tensor.as_i64() {
            return Self::List(values.to_vec());
        }
        let values = tensor.as_f32().unwrap().to_vec();
        match *tensor.dims() {
            [n] => Self::Vector(Tensor::from_data(TensorData::new(values, [n as usize]), device)),
            [a, b, c, d] => {
                let dims = [a, b, c, d].map(|dim| dim as usize);
                Self::Image(Tensor::from_data(TensorData::new(values, dims), device))
            }
            ref dims => panic!("{dims:?}"),
        }
    }

    fn image(&self) -> Tensor<4> {
        let Self::Image(x) = self else {
            panic!("expected an image")
        };
        x.clone()
    }

    fn list(&self) -> &[i64] {
        let Self::List(list) = self else {
            panic!("expected a list")
        };
        list
    }
}

/// The meaning of an operator as the ONNX standard has it (operator set 13).
fn evaluate(node: &Node<'_>, inputs: &[Value]) -> Value {
    let attribute = |name: &str| node.attribute.iter().find(|attribute| attribute.name == name);
    let text = |name: &str| attribute(name).map(|attribute| std::str::from_utf8(attribute.s).unwrap());
    let lists = |f: fn(i64, i64) -> i64| {
        let (a, b) = (inputs[0].list(), inputs[1].list());
        let length = a.len().max(b.len());
        Value::List((0..length).map(|i| f(a[i % a.len()], b[i % b.len()])).collect())
    };
    match (node.op_type.as_str(), inputs) {
        ("Shape", [x]) => Value::List(x.image().dims().map(|dim| dim as i64).to_vec()),
        ("Mod", _) => lists(i64::rem_euclid),
        ("Sub", [Value::List(_), _]) => lists(|a, b| a - b),
        ("Sub", [a, b]) => Value::Image(a.image() - b.image()),
        ("Add", [a, b]) => Value::Image(a.image() + b.image()),
        ("Relu", [x]) => Value::Image(relu(x.image())),
        ("Identity", [x]) => x.clone(),
        ("Slice", [Value::List(list), start, end]) => {
            Value::List(list[start.list()[0] as usize..end.list()[0] as usize].to_vec())
        }
        ("Slice", [x, start, end, axes]) => {
            assert_eq!((start.list(), axes.list()), (&[0, 0][..], &[2, 3][..]));
            let [h, w] = *end.list() else {
                panic!("height and width")
            };
            Value::Image(x.image().narrow(2, 0, h as usize).narrow(3, 0, w as usize))
        }
        ("Concat", [Value::List(a), Value::List(b)]) => Value::List([&a[..], &b[..]].concat()),
        ("Concat", [Value::List(a), Value::List(b), Value::List(c)]) => Value::List([&a[..], b, c].concat()),
        ("Concat", [a, b]) => {
            assert_eq!(attribute("axis").unwrap().i, 1);
            Value::Image(Tensor::cat(vec![a.image(), b.image()], 1))
        }
        ("Pad", [x, pads]) => {
            assert_eq!(text("mode"), Some("edge"));
            let [0, 0, 0, 0, 0, 0, rows, columns] = *pads.list() else {
                panic!("{:?}", pads.list())
            };
            let x = (0..rows).fold(x.image(), |x, _| {
                let last = x.clone().narrow(2, x.dims()[2] - 1, 1);
                Tensor::cat(vec![x, last], 2)
            });
            Value::Image((0..columns).fold(x, |x, _| {
                let last = x.clone().narrow(3, x.dims()[3] - 1, 1);
                Tensor::cat(vec![x, last], 3)
            }))
        }
        ("Reshape", [Value::Vector(levels), shape]) => {
            assert_eq!(shape.list(), [-1, 1, 1, 1]);
            Value::Image(levels.clone().reshape([levels.dims()[0], 1, 1, 1]))
        }
        ("Expand", [x, shape]) => {
            let [n, 1, h, w] = *shape.list() else {
                panic!("{:?}", shape.list())
            };
            Value::Image(x.image().expand([n as usize, 1, h as usize, w as usize]))
        }
        ("SpaceToDepth", [x]) => {
            let x = x.image();
            let [n, c, h, w] = x.dims();
            let x = x.reshape([n, c, h / 2, 2, w / 2, 2]).permute([0, 3, 5, 1, 2, 4]);
            Value::Image(x.reshape([n, 4 * c, h / 2, w / 2]))
        }
        ("DepthToSpace", [x]) => {
            let x = x.image();
            let [n, c, h, w] = x.dims();
            let x = match text("mode") {
                Some("CRD") => x.reshape([n, c / 4, 2, 2, h, w]).permute([0, 1, 4, 2, 5, 3]),
                Some("DCR") => x.reshape([n, 2, 2, c / 4, h, w]).permute([0, 3, 4, 1, 5, 2]),
                other => panic!("{other:?}"),
            };
            Value::Image(x.reshape([n, c / 4, 2 * h, 2 * w]))
        }
        ("Gather", [x, order]) => {
            let channels = order
                .list()
                .iter()
                .map(|&k| x.image().narrow(1, k as usize, 1))
                .collect();
            Value::Image(Tensor::cat(channels, 1))
        }
        ("Conv", [x, weight, bias @ ..]) => {
            let bias = bias.first().map(|bias| {
                let Value::Vector(bias) = bias else { panic!("a bias") };
                bias.clone()
            });
            let options = match attribute("strides") {
                None => ConvOptions::new([1, 1], [1, 1], [1, 1], 1),
                Some(strides) => {
                    assert_eq!(strides.ints, [2, 2]);
                    ConvOptions::new([2, 2], [0, 0], [1, 1], 1)
                }
            };
            Value::Image(conv2d(x.image(), weight.image(), bias, options))
        }
        ("ConvTranspose", [x, weight]) => {
            let options = ConvTransposeOptions::new([2, 2], [0, 0], [0, 0], [1, 1], 1);
            Value::Image(conv_transpose2d(x.image(), weight.image(), None, options))
        }
        ("Elu", [x]) => {
            let x = x.image();
            Value::Image(relu(x.clone()) + x.clamp_max(0.0).exp() - 1.0)
        }
        (other, _) => panic!("{other} with {} inputs", inputs.len()),
    }
}

/// The largest difference between the model's and the network's output.
fn difference(architecture: &str, [h, w]: [usize; 2]) -> f32 {
    let device = Device::flex();
    let architecture: Architecture = toml::from_str(architecture).unwrap();
    let network = architecture.init(4, &device).unwrap();
    let c = architecture.channels();
    let image = gaussian_values(2 * c * h * w, 1.0, 1, 0);
    let image = Tensor::<4>::from_data(TensorData::new(image, [2, c, h, w]), &device);
    let sigma = Tensor::<1>::from_data([0.1f32, 0.3], &device);
    let bytes = model(&architecture, weights_from_network(&network).unwrap()).unwrap();
    let graph = onnx_rs::parse(&bytes).unwrap().graph.unwrap();
    let blind = architecture.is_blind();
    assert_eq!(graph.input.len(), if blind { 1 } else { 2 });
    let mut values: HashMap<&str, Value> = HashMap::from([(IMAGE, Value::Image(image.clone()))]);
    if !blind {
        values.insert(LEVEL, Value::Vector(sigma.clone()));
    }
    for tensor in &graph.initializer {
        values.insert(tensor.name(), Value::from_initializer(tensor, &device));
    }
    for node in &graph.node {
        let inputs: Vec<Value> = node.input.iter().map(|name| values[name].clone()).collect();
        values.insert(node.output[0], evaluate(node, &inputs));
    }
    let (got, expected) = (values[OUTPUT].image(), network.forward(image.clone(), sigma));
    // A model that returns its input would be near a residual network with small weights.
    assert!((expected.clone() - image).abs().max().into_scalar::<f32>() > 1e-3);
    (got - expected).abs().max().into_scalar()
}

#[test]
fn a_model_gives_what_its_network_gives() {
    for (architecture, size) in [
        ("kind = \"dncnn\"\ndepth = 3\nwidth = 8", [7, 9]),
        (
            "kind = \"dncnn\"\ndepth = 3\nwidth = 8\nconditioning = \"blind\"\nchannels = 3",
            [5, 6],
        ),
        ("kind = \"ffdnet\"\ndepth = 3\nwidth = 8\nresidual = false", [7, 9]),
        (
            "kind = \"ffdnet\"\ndepth = 3\nwidth = 8\nchannels = 3\nbias = false",
            [6, 9],
        ),
        ("kind = \"unet\"\nwidths = [8, 16, 16]\nblocks = 2", [13, 22]),
        ("kind = \"unet\"\nwidths = [8, 16]\nblocks = 1\ntold = 12.0", [8, 10]),
        (
            "kind = \"unet\"\nwidths = [8, 16]\nblocks = 1\nchannels = 3\nunshuffle = 1\nbias = true",
            [9, 10],
        ),
        (
            "kind = \"unet\"\nwidths = [8, 12]\nblocks = 1\nunshuffle = 1\nresampling = \"strided\"\nactivation = \"elu\"",
            [9, 10],
        ),
    ] {
        let difference = difference(architecture, size);
        assert!(difference < 1e-5, "{architecture}: {difference}");
    }
}

#[test]
fn other_networks_are_refused() {
    for (architecture, got) in [
        (
            "kind = \"dncnn\"\ndepth = 3\nwidth = 8\npadding = \"circular\"",
            "circular padding",
        ),
        (
            "kind = \"gradient-step\"\ndepth = 3\nwidth = 8",
            "a gradient-step network",
        ),
    ] {
        let architecture: Architecture = toml::from_str(architecture).unwrap();
        assert_eq!(model(&architecture, Weights::new()), Err(got));
    }
}
