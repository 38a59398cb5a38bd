//! Convolutions of any odd side with zero padding that keeps the size, and their adjoints.

use burn::tensor::Tensor;
use burn::tensor::module::conv2d;
use burn::tensor::ops::ConvOptions;

/// The convolution with a kernel `[cout, cin, side, side]`.
pub(super) fn convolve(x: Tensor<4>, weight: Tensor<4>) -> Tensor<4> {
    let margin = weight.dims()[2] / 2;
    conv2d(x, weight, None, ConvOptions::new([1, 1], [margin, margin], [1, 1], 1))
}

/// The kernel of the adjoint.
pub(super) fn adjoint(weight: Tensor<4>) -> Tensor<4> {
    weight.swap_dims(0, 1).flip([2, 3])
}
