//! The convolution as a burn backend extension, with default bodies in burn's own operations.

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, TensorMetadata, backend_extension};
use burn::tensor::ops::ConvOptions;
use burn::tensor::{Shape, Slice};

use tweedie_kernels::Activation;

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
        adjoint::<Self>(u, weight)
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
        let _ = x;
        adjoint::<Self>(gated::<Self>(dy, y, spec), weight)
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
        let _ = (weight, bias);
        weight_grad::<Self>(gated::<Self>(dy, y, spec), x, spec)
    }
}

fn gated<B: Backend>(dy: FloatTensor<B>, y: FloatTensor<B>, spec: &ConvSpec) -> FloatTensor<B> {
    match spec.activation {
        Activation::None => dy,
        Activation::Relu => B::relu_backward(y, dy),
    }
}

/// weight^T * u as a convolution with the kernels turned around: burn's transposed convolution and its gradients of a
/// convolution end in a segmentation fault on software Vulkan drivers, and are slow on `ndarray`.
fn adjoint<B: Backend>(u: FloatTensor<B>, weight: FloatTensor<B>) -> FloatTensor<B> {
    let turned = B::float_flip(B::float_permute(weight, &[1, 0, 2, 3]), &[2, 3]);
    B::conv2d(u, turned, None, options())
}

/// The gradients with respect to weight and bias from dv, that of the convolution's result: a matrix product for each of
/// the nine shifts of x.
fn weight_grad<B: Backend>(dv: FloatTensor<B>, x: FloatTensor<B>, spec: &ConvSpec) -> (FloatTensor<B>, FloatTensor<B>) {
    let ([n, cin, h, w], cout) = (spec.input, spec.cout);
    let range = |from: usize, len: usize| Slice::from(from..from + len);
    let zeros = B::float_zeros(Shape::from([n, cin, h + 2, w + 2]), &x.device(), x.dtype().into());
    let inside = [range(0, n), range(0, cin), range(1, h), range(1, w)];
    let padded = B::float_slice_assign(zeros, &inside, x);
    let dv = B::float_reshape(B::float_permute(dv, &[1, 0, 2, 3]), Shape::from([cout, n * h * w]));
    let shifts = (0..9)
        .map(|shift| {
            let shifted = [range(0, n), range(0, cin), range(shift / 3, h), range(shift % 3, w)];
            let x = B::float_permute(B::float_slice(padded.clone(), &shifted), &[0, 2, 3, 1]);
            let x = B::float_reshape(x, Shape::from([n * h * w, cin]));
            B::float_reshape(B::float_matmul(dv.clone(), x), Shape::from([cout, cin, 1]))
        })
        .collect();
    let dweight = B::float_reshape(B::float_cat(shifts, 2), Shape::from([cout, cin, 3, 3]));
    let dbias = B::float_reshape(B::float_sum_dim(dv, 1), Shape::from([cout]));
    (dweight, dbias)
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
