//! The convolution as a burn backend extension, with default bodies in burn's own operations.

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, backend_extension};
use burn::tensor::Shape;
use burn::tensor::ops::{ConvOptions, ConvTransposeOptions};

use super::Activation;
use super::cache::WeightCache;

/// Shapes and options of one convolution.
#[derive(Clone, Debug)]
pub struct ConvSpec {
    /// `[N, cin, H, W]`.
    pub input: [usize; 4],
    /// Output channels.
    pub cout: usize,
    /// What follows the convolution.
    pub activation: Activation,
    /// Transformed weights of this layer.
    pub cache: WeightCache,
}

/// 3x3 convolutions with stride 1 and zero padding 1 on activations in a layout of the backend's choice.
///
/// The default bodies keep `[N, C, H, W]` and use burn's convolution.
#[backend_extension(
    Flex,
    NdArray: cfg(feature = "ndarray"),
    Cube: cfg(feature = "wgpu"),
    Autodiff,
)]
pub trait ConvOps: Backend {
    /// `[N, C, H, W]` to the backend's layout.
    fn conv_pack(x: FloatTensor<Self>, dims: [usize; 4]) -> FloatTensor<Self> {
        let _ = dims;
        x
    }

    /// The backend's layout to `[N, C, H, W]`.
    fn conv_unpack(x: FloatTensor<Self>, dims: [usize; 4]) -> FloatTensor<Self> {
        let _ = dims;
        x
    }

    /// The four phases of images of `dims` as channels, at half the resolution: channel `(2 p + q) C + k` holds the
    /// pixels `(2 i + p, 2 j + q)` of channel `k`.
    fn conv_unshuffle(x: FloatTensor<Self>, dims: [usize; 4]) -> FloatTensor<Self> {
        let [n, c, h, w] = dims;
        let x = Self::float_reshape(x, Shape::from([n, c, h / 2, 2, w / 2, 2]));
        let x = Self::float_permute(x, &[0, 3, 5, 1, 2, 4]);
        Self::float_reshape(x, Shape::from([n, 4 * c, h / 2, w / 2]))
    }

    /// The inverse of [`ConvOps::conv_unshuffle`]: gives images of `dims`.
    fn conv_shuffle(x: FloatTensor<Self>, dims: [usize; 4]) -> FloatTensor<Self> {
        let [n, c, h, w] = dims;
        let x = Self::float_reshape(x, Shape::from([n, 2, 2, c, h / 2, w / 2]));
        let x = Self::float_permute(x, &[0, 3, 4, 1, 5, 2]);
        Self::float_reshape(x, Shape::from([n, c, h, w]))
    }

    /// f(weight * x + bias).
    fn conv3x3(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        spec: ConvSpec,
    ) -> FloatTensor<Self> {
        let y = Self::conv2d(x, weight, Some(bias), options());
        match spec.activation {
            Activation::None => y,
            Activation::Relu => Self::relu(y),
        }
    }

    /// weight^T * u: the adjoint of the convolution `spec` without its bias and activation.
    fn conv3x3_transposed(u: FloatTensor<Self>, weight: FloatTensor<Self>, spec: ConvSpec) -> FloatTensor<Self> {
        let _ = spec;
        Self::conv_transpose2d(
            u,
            weight,
            None,
            ConvTransposeOptions::new([1, 1], [1, 1], [0, 0], [1, 1], 1),
        )
    }
}

/// The gradients of [`ConvOps::conv3x3`]; `y` is its output, `dy` the gradient with respect to it.
pub trait ConvGrads: ConvOps {
    /// The gradient with respect to `x`.
    fn conv3x3_input_grad(
        dy: FloatTensor<Self>,
        y: FloatTensor<Self>,
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        spec: &ConvSpec,
    ) -> FloatTensor<Self> {
        Self::conv2d_x_backward(x, weight, gated::<Self>(dy, y, spec), options())
    }

    /// The gradients with respect to `weight` and `bias`.
    fn conv3x3_weight_grad(
        dy: FloatTensor<Self>,
        y: FloatTensor<Self>,
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        spec: &ConvSpec,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let dv = gated::<Self>(dy, y, spec);
        let dweight = Self::conv2d_weight_backward(x.clone(), weight, dv.clone(), options());
        (dweight, Self::conv2d_bias_backward(x, bias, dv))
    }
}

fn gated<B: Backend>(dy: FloatTensor<B>, y: FloatTensor<B>, spec: &ConvSpec) -> FloatTensor<B> {
    match spec.activation {
        Activation::None => dy,
        Activation::Relu => B::relu_backward(y, dy),
    }
}

fn options() -> ConvOptions<2> {
    ConvOptions::new([1, 1], [1, 1], [1, 1], 1)
}

#[cfg(feature = "ndarray")]
mod ndarray {
    use super::{ConvGrads, ConvOps};

    impl ConvOps for burn::backend::NdArray {}
    impl ConvGrads for burn::backend::NdArray {}
}

#[cfg(feature = "wgpu")]
mod cube {
    use super::{ConvGrads, ConvOps};

    impl ConvOps for burn_wgpu::CubeBackend {}
    impl ConvGrads for burn_wgpu::CubeBackend {}
}
