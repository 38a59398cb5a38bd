//! The convolution against burn's own, forward and backward.

use burn::tensor::module::conv2d;
use burn::tensor::ops::ConvOptions;
use burn::tensor::{Device, Tensor, TensorData};
use tweedie_imaging::noise::gaussian_values;
use tweedie_model::{Activation, Activations, Conv3x3};

fn normal<const D: usize>(dims: [usize; D], stream: u64, device: &Device) -> Tensor<D> {
    let values = gaussian_values(dims.iter().product(), 1.0, 7, stream);
    Tensor::from_data(TensorData::new(values, dims), device)
}

/// ||got - expected|| / ||expected||. Winograd transforms of 6x6 tiles round about ten times more than a direct sum in
/// f32, whose own error is near 1e-7; a wrong tap, shift or sign is above 1e-2.
fn difference<const D: usize>(got: Tensor<D>, expected: Tensor<D>) -> f32 {
    let norm: f32 = expected.clone().square().sum().sqrt().into_scalar();
    let error: f32 = (got - expected).square().sum().sqrt().into_scalar();
    error / norm
}

fn reference(layer: &Conv3x3, x: Tensor<4>, activation: Activation) -> Tensor<4> {
    let bias = layer.bias.as_ref().map(|bias| bias.val());
    let y = conv2d(x, layer.weight.val(), bias, ConvOptions::new([1, 1], [1, 1], [1, 1], 1));
    match activation {
        Activation::None => y,
        Activation::Relu => burn::tensor::activation::relu(y),
    }
}

/// Batch, channels in and out, height, width.
const SHAPES: [[usize; 5]; 6] = [
    [1, 1, 64, 20, 30],
    [2, 64, 64, 17, 13],
    [1, 64, 1, 9, 40],
    [3, 5, 48, 8, 8],
    [1, 96, 12, 1, 1],
    [2, 3, 3, 31, 2],
];

#[test]
fn forward_equals_burns_convolution() {
    let device = Device::flex();
    for [n, cin, cout, h, w] in SHAPES {
        for (bias, activation) in [(true, Activation::Relu), (false, Activation::None)] {
            let layer = Conv3x3::init([cin, cout], bias, 1.0, 3, 0, &device);
            let x = normal([n, cin, h, w], 1, &device);
            let got = layer.forward(Activations::pack(x.clone()), activation).unpack();
            let error = difference(got, reference(&layer, x, activation));
            assert!(error < 1e-5, "{n} {cin}->{cout} {h}x{w}: {error}");
        }
    }
}

#[test]
fn gradients_equal_those_of_burns_convolution() {
    let device = Device::flex().autodiff();
    for [n, cin, cout, h, w] in SHAPES {
        let layer = Conv3x3::init([cin, cout], true, 1.0, 3, 0, &device);
        let x = normal([n, cin, h, w], 1, &device).require_grad();
        let dy = normal([n, cout, h, w], 2, &device);
        // Without an activation the map is bilinear, so no sign flip at zero can blur the comparison.
        let gradients = |y: Tensor<4>| {
            let grads = (y * dy.clone()).sum().backward();
            let of = |tensor: &Tensor<4>| tensor.grad(&grads).expect("tracked");
            (
                of(&x),
                of(&layer.weight.val()),
                layer.bias.as_ref().and_then(|b| b.val().grad(&grads)).expect("tracked"),
            )
        };
        let packed = layer.forward(Activations::pack(x.clone()), Activation::None).unpack();
        let (dx, dw, db) = gradients(packed);
        let (ex, ew, eb) = gradients(reference(&layer, x.clone(), Activation::None));
        for (name, error) in [
            ("x", difference(dx, ex)),
            ("weight", difference(dw, ew)),
            ("bias", difference(db, eb)),
        ] {
            assert!(error < 1e-5, "{name} of {n} {cin}->{cout} {h}x{w}: {error}");
        }
    }
}

#[test]
fn only_the_input_may_ask_for_a_gradient() {
    let device = Device::flex().autodiff();
    let mut layer = Conv3x3::init([4, 16], true, 1.0, 3, 0, &device);
    layer.weight = layer.weight.set_require_grad(false);
    layer.bias = layer.bias.map(|bias| bias.set_require_grad(false));
    let x = normal([1, 4, 12, 12], 1, &device).require_grad();
    let packed = layer.forward(Activations::pack(x.clone()), Activation::Relu).unpack();
    let got = x.grad(&packed.sum().backward()).expect("tracked");
    let expected = x
        .grad(&reference(&layer, x.clone(), Activation::Relu).sum().backward())
        .expect("tracked");
    assert!(difference(got, expected) < 1e-5);
}

#[test]
fn new_weights_are_never_taken_for_old_ones() {
    let device = Device::flex();
    let x = normal([1, 16, 12, 12], 1, &device);
    let mut layer = Conv3x3::init([16, 16], true, 1.0, 3, 0, &device);
    for step in 0..20 {
        let got = layer.forward(Activations::pack(x.clone()), Activation::Relu).unpack();
        let error = difference(got, reference(&layer, x.clone(), Activation::Relu));
        assert!(error < 1e-5, "step {step}: {error}");
        layer.weight = layer.weight.map(|weight| weight.mul_scalar(1.1));
    }
}
