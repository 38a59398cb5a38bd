//! 2x2 convolutions with stride 2 and their adjoint, as a backend extension and a module: changes of resolution.

use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, TensorMetadata, backend_extension};
use burn::module::{Module, Param};
use burn::tensor::{Device, Shape, Tensor};
use burn_autodiff::checkpoint::base::Checkpointer;
use burn_autodiff::checkpoint::strategy::CheckpointStrategy;
use burn_autodiff::grads::Gradients;
use burn_autodiff::ops::{Backward, Ops, OpsKind};
use burn_flex::FlexTensor;
use tweedie_kernels::Layout;

use super::activations::Activations;
use super::flex::{SHAPES, contiguous, tensor, values};
use super::{init, pool};

/// Strided convolutions on activations in the backend's layout; `dims` are `[N, C, H, W]` at full resolution, with even H
/// and W, and the weight is `[K, C, 2, 2]` for K channels at half the resolution.
///
/// The default bodies are matrix products on `[N, C, H, W]`.
#[backend_extension(
    Flex,
    NdArray: cfg(feature = "ndarray"),
    Cube: cfg(feature = "wgpu"),
    Autodiff,
)]
pub trait StridedOps: Backend {
    /// u[n,k,i,j] = sum_{c,p,q} w[k,c,p,q] x[n,c,2i+p,2j+q].
    fn strided_down(x: FloatTensor<Self>, weight: FloatTensor<Self>, dims: [usize; 4]) -> FloatTensor<Self> {
        let [n, c, h, w] = dims;
        let [k, _, _, _] = weight.shape().dims();
        let weight = Self::float_reshape(weight, Shape::from([1, k, 4 * c]));
        let u = Self::float_matmul(weight, phases::<Self>(x, dims));
        Self::float_reshape(u, Shape::from([n, k, h / 2, w / 2]))
    }

    /// x[n,c,2i+p,2j+q] = sum_k w[k,c,p,q] u[n,k,i,j], the adjoint of [`StridedOps::strided_down`].
    fn strided_up(u: FloatTensor<Self>, weight: FloatTensor<Self>, dims: [usize; 4]) -> FloatTensor<Self> {
        let [n, c, h, w] = dims;
        let [k, _, _, _] = weight.shape().dims();
        let weight = Self::float_permute(Self::float_reshape(weight, Shape::from([1, k, 4 * c])), &[0, 2, 1]);
        let u = Self::float_reshape(u, Shape::from([n, k, h / 2 * (w / 2)]));
        let x = Self::float_reshape(Self::float_matmul(weight, u), Shape::from([n, c, 2, 2, h / 2, w / 2]));
        Self::float_reshape(Self::float_permute(x, &[0, 1, 4, 2, 5, 3]), Shape::from([n, c, h, w]))
    }
}

/// The gradient of <down(x), u> = <x, up(u)> in the weight.
pub trait StridedGrads: StridedOps {
    /// sum_{n,i,j} u[n,k,i,j] x[n,c,2i+p,2j+q], `[K, C, 2, 2]`.
    fn strided_weight_grad(x: FloatTensor<Self>, u: FloatTensor<Self>, dims: [usize; 4]) -> FloatTensor<Self> {
        let [n, c, h, w] = dims;
        let [_, k, _, _] = u.shape().dims();
        let u = Self::float_reshape(u, Shape::from([n, k, h / 2 * (w / 2)]));
        let products = Self::float_matmul(u, Self::float_permute(phases::<Self>(x, dims), &[0, 2, 1]));
        Self::float_reshape(Self::float_sum_dim(products, 0), Shape::from([k, c, 2, 2]))
    }
}

/// The 2x2 blocks as columns, `[N, 4 C, H/2 W/2]`, rows in the order (c, p, q).
fn phases<B: Backend>(x: FloatTensor<B>, [n, c, h, w]: [usize; 4]) -> FloatTensor<B> {
    let x = B::float_reshape(x, Shape::from([n, c, h / 2, 2, w / 2, 2]));
    let x = B::float_permute(x, &[0, 1, 3, 5, 2, 4]);
    B::float_reshape(x, Shape::from([n, 4 * c, h / 2 * (w / 2)]))
}

impl StridedOps for Flex {
    fn strided_down(x: FloatTensor<Self>, weight: FloatTensor<Self>, dims: [usize; 4]) -> FloatTensor<Self> {
        let (x, weight) = (contiguous(x), contiguous(weight));
        let plan = plan(&weight, dims);
        let mut u = pool::take(plan.coarse().len());
        plan.down(values(&x), values(&weight), &mut u).expect(SHAPES);
        pool::recycle(x);
        tensor(u, plan.coarse().dims())
    }

    fn strided_up(u: FloatTensor<Self>, weight: FloatTensor<Self>, dims: [usize; 4]) -> FloatTensor<Self> {
        let (u, weight) = (contiguous(u), contiguous(weight));
        let plan = plan(&weight, dims);
        let mut x = pool::take(plan.fine().len());
        plan.up(values(&u), values(&weight), &mut x).expect(SHAPES);
        pool::recycle(u);
        tensor(x, plan.fine().dims())
    }
}

impl StridedGrads for Flex {
    fn strided_weight_grad(x: FloatTensor<Self>, u: FloatTensor<Self>, dims: [usize; 4]) -> FloatTensor<Self> {
        let (x, u) = (contiguous(x), contiguous(u));
        let [_, _, _, stored] = u.shape().dims();
        // The channels that fill up a register are zero, and so are their gradients.
        let fine = Layout::new(dims[0], dims[1], dims[2], dims[3]).expect(SHAPES);
        let plan = tweedie_kernels::Conv2x2::new(fine, stored).expect(SHAPES);
        let mut gradient = vec![0.0; 4 * stored * dims[1]];
        plan.weight_grad(values(&x), values(&u), &mut gradient).expect(SHAPES);
        tensor(gradient, [stored, dims[1], 2, 2])
    }
}

fn plan(weight: &FlexTensor, [n, c, h, w]: [usize; 4]) -> tweedie_kernels::Conv2x2 {
    let [k, _, _, _] = weight.shape().dims();
    let fine = Layout::new(n, c, h, w).expect(SHAPES);
    tweedie_kernels::Conv2x2::new(fine, k).expect(SHAPES)
}

#[cfg(feature = "ndarray")]
mod ndarray {
    impl super::StridedOps for burn::backend::NdArray {}
    impl super::StridedGrads for burn::backend::NdArray {}
}

#[cfg(feature = "wgpu")]
mod cube {
    impl super::StridedOps for burn_wgpu::CubeBackend {}
    impl super::StridedGrads for burn_wgpu::CubeBackend {}
}

/// The gradient in a weight of this shape; backends may give more channels at half the resolution than there are.
fn weight_grad<B: StridedGrads>(
    x: FloatTensor<B>,
    u: FloatTensor<B>,
    weight: &FloatTensor<B>,
    dims: [usize; 4],
) -> FloatTensor<B> {
    let [k, _, _, _] = weight.shape().dims();
    let gradient = B::strided_weight_grad(x, u, dims);
    B::float_slice(gradient, &[(0..k).into()])
}

impl<B: Backend + StridedGrads, C: CheckpointStrategy> StridedOps for Autodiff<B, C> {
    fn strided_down(x: FloatTensor<Self>, weight: FloatTensor<Self>, dims: [usize; 4]) -> FloatTensor<Self> {
        #[derive(Debug)]
        struct Down;

        impl<B: Backend + StridedGrads> Backward<B, 2> for Down {
            /// x, the weight and the dimensions of x.
            type State = (FloatTensor<B>, FloatTensor<B>, [usize; 4]);

            fn backward(self, ops: Ops<Self::State, 2>, grads: &mut Gradients, _: &mut Checkpointer) {
                let [node_x, node_weight] = ops.parents;
                let du = grads.consume::<B>(&ops.node);
                let (x, weight, dims) = ops.state;
                if let Some(node) = node_weight {
                    grads.register::<B>(node.id, weight_grad::<B>(x, du.clone(), &weight, dims));
                }
                if let Some(node) = node_x {
                    grads.register::<B>(node.id, B::strided_up(du, weight, dims));
                }
            }
        }

        let ((x, node_x), (weight, node_weight)) = (x.into_parts(), weight.into_parts());
        match Down.prepare::<C>([node_x, node_weight]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let u = B::strided_down(x.clone(), weight.clone(), dims);
                prep.finish((x, weight, dims), u)
            }
            OpsKind::UnTracked(prep) => prep.finish(B::strided_down(x, weight, dims)),
        }
    }

    fn strided_up(u: FloatTensor<Self>, weight: FloatTensor<Self>, dims: [usize; 4]) -> FloatTensor<Self> {
        #[derive(Debug)]
        struct Up;

        impl<B: Backend + StridedGrads> Backward<B, 2> for Up {
            /// u, the weight and the dimensions of the result.
            type State = (FloatTensor<B>, FloatTensor<B>, [usize; 4]);

            fn backward(self, ops: Ops<Self::State, 2>, grads: &mut Gradients, _: &mut Checkpointer) {
                let [node_u, node_weight] = ops.parents;
                let dx = grads.consume::<B>(&ops.node);
                let (u, weight, dims) = ops.state;
                if let Some(node) = node_weight {
                    grads.register::<B>(node.id, weight_grad::<B>(dx.clone(), u, &weight, dims));
                }
                if let Some(node) = node_u {
                    grads.register::<B>(node.id, B::strided_down(dx, weight, dims));
                }
            }
        }

        let ((u, node_u), (weight, node_weight)) = (u.into_parts(), weight.into_parts());
        match Up.prepare::<C>([node_u, node_weight]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let x = B::strided_up(u.clone(), weight.clone(), dims);
                prep.finish((u, weight, dims), x)
            }
            OpsKind::UnTracked(prep) => prep.finish(B::strided_up(u, weight, dims)),
        }
    }
}

/// A 2x2 convolution with stride 2 and without bias, from full to half resolution; used the other way it is its adjoint,
/// which is also called a transposed convolution.
#[derive(Module, Debug)]
pub struct Conv2x2 {
    /// `[channels at half resolution, channels at full resolution, 2, 2]`, as PyTorch keeps it for either way.
    pub weight: Param<Tensor<4>>,
}

impl Conv2x2 {
    /// Normal weights with the standard deviation `std`; `stream` separates the random numbers of the layers of one
    /// network.
    pub(crate) fn init([coarse, fine]: [usize; 2], std: f64, seed: u64, stream: u64, device: &Device) -> Self {
        Self {
            weight: init::normal([coarse, fine, 2, 2], std, seed, stream, device),
        }
    }

    /// `u[n,k,i,j] = sum_{c,p,q} w[k,c,p,q] x[n,c,2i+p,2j+q]`.
    ///
    /// # Shapes
    /// `x`: `[N, fine, H, W]` with even H and W; result: `[N, coarse, H/2, W/2]`.
    ///
    /// # Panics
    /// If the height or the width is odd.
    pub fn down(&self, x: Activations) -> Activations {
        let weight = self.weight.val();
        let ([coarse, _, _, _], [n, _, h, w]) = (weight.dims(), x.dims);
        assert!(h % 2 == 0 && w % 2 == 0, "down: expected an even size, got {h}x{w}");
        let u = <Dispatch as StridedOps>::strided_down(x.tensor.into_dispatch(), weight.into_dispatch(), x.dims);
        Activations {
            tensor: Tensor::from_dispatch(u),
            dims: [n, coarse, h / 2, w / 2],
        }
    }

    /// `x[n,c,2i+p,2j+q] = sum_k w[k,c,p,q] u[n,k,i,j]`, the adjoint of [`Conv2x2::down`].
    ///
    /// # Shapes
    /// `u`: `[N, coarse, H, W]`; result: `[N, fine, 2 H, 2 W]`.
    pub fn up(&self, u: Activations) -> Activations {
        let weight = self.weight.val();
        let ([_, fine, _, _], [n, _, h, w]) = (weight.dims(), u.dims);
        let dims = [n, fine, 2 * h, 2 * w];
        let x = <Dispatch as StridedOps>::strided_up(u.tensor.into_dispatch(), weight.into_dispatch(), dims);
        Activations {
            tensor: Tensor::from_dispatch(x),
            dims,
        }
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::TensorData;
    use burn::tensor::module::{conv_transpose2d, conv2d};
    use burn::tensor::ops::{ConvOptions, ConvTransposeOptions};
    use tweedie_imaging::noise::gaussian_values;

    use super::*;

    fn normal<const D: usize>(dims: [usize; D], stream: u64, device: &Device) -> Tensor<D> {
        let values = gaussian_values(dims.iter().product(), 1.0, 7, stream);
        Tensor::from_data(TensorData::new(values, dims), device)
    }

    fn largest(x: Tensor<4>) -> f32 {
        x.abs().max().into_scalar()
    }

    /// Values and gradients of both ways against burn's own convolutions, with channels that are stored as they are, with
    /// padding and in whole registers. Sums of some hundred products of order 1 round at 1e-5.
    #[test]
    fn both_ways_are_burns_convolutions() {
        let device = Device::flex().autodiff();
        for [coarse, fine, h, w] in [[3, 2, 3, 5], [20, 12, 4, 7], [32, 16, 6, 6]] {
            let conv = Conv2x2::init([coarse, fine], 0.3, 1, 0, &device);
            let weight = conv.weight.val();
            let x = normal([2, fine, 2 * h, 2 * w], 1, &device).require_grad();
            let u = normal([2, coarse, h, w], 2, &device).require_grad();
            let down = [
                conv.down(Activations::pack(x.clone())).unpack(),
                conv2d(
                    x.clone(),
                    weight.clone(),
                    None,
                    ConvOptions::new([2, 2], [0, 0], [1, 1], 1),
                ),
            ];
            let up = [
                conv.up(Activations::pack(u.clone())).unpack(),
                conv_transpose2d(
                    u.clone(),
                    weight.clone(),
                    None,
                    ConvTransposeOptions::new([2, 2], [0, 0], [0, 0], [1, 1], 1),
                ),
            ];
            for (results, input, other) in [(down, &x, &u), (up, &u, &x)] {
                let [got, expected] = results.map(|y| {
                    let grads = (y.clone() * other.clone()).sum().backward();
                    let of_input = Tensor::from_inner(input.grad(&grads).expect("tracked"));
                    let of_weight = Tensor::from_inner(weight.grad(&grads).expect("tracked"));
                    [y, of_input, of_weight]
                });
                for (got, expected) in got.into_iter().zip(expected) {
                    assert_eq!(got.dims(), expected.dims());
                    let error = largest(got - expected.clone()) / largest(expected);
                    assert!(error < 1e-5, "{coarse} {fine}: {error}");
                }
            }
        }
    }
}
