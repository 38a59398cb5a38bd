//! Activations whose slope is a function of their output ([`Smooth`]), as a backend extension on activations in any
//! layout: a vector-Jacobian product needs nothing but the outputs of the forward pass.

use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, TensorMetadata, backend_extension};
use burn::tensor::Tensor;
use burn_autodiff::checkpoint::base::Checkpointer;
use burn_autodiff::checkpoint::strategy::CheckpointStrategy;
use burn_autodiff::grads::Gradients;
use burn_autodiff::ops::{Backward, Ops, OpsKind, unary};
use burn_flex::FlexTensor;
use tweedie_kernels::Smooth;

use super::activations::Activations;
use super::flex::{SHAPES, contiguous, tensor, values};
use super::pool;

/// The operations of a network with a smooth activation f and of its transposed Jacobian.
#[backend_extension(
    Flex,
    NdArray: cfg(feature = "ndarray"),
    Cube: cfg(feature = "wgpu"),
    Autodiff,
)]
pub trait SmoothOps: Backend {
    /// y = f(v).
    fn smooth(v: FloatTensor<Self>, f: Smooth) -> FloatTensor<Self> {
        match f {
            Smooth::Squareplus => {
                let squared = Self::float_add_scalar(Self::float_mul(v.clone(), v.clone()), (S * S).into());
                let sum = Self::float_add(v, Self::float_sqrt(squared));
                Self::float_mul_scalar(Self::float_add_scalar(sum, (-S).into()), 0.5.into())
            }
            Smooth::Elu => {
                let below = Self::float_clamp_max(v.clone(), 0.0.into());
                let above = Self::float_clamp_min(v, 0.0.into());
                Self::float_add(above, Self::float_add_scalar(Self::float_exp(below), (-1.0).into()))
            }
        }
    }

    /// f'(v) u, where y = f(v).
    fn smooth_gate(u: FloatTensor<Self>, y: FloatTensor<Self>, f: Smooth) -> FloatTensor<Self> {
        let slope = match f {
            Smooth::Squareplus => {
                let (t_sq, sum) = rational::<Self>(y);
                Self::float_div(t_sq, sum)
            }
            Smooth::Elu => Self::float_add_scalar(Self::float_clamp_max(y, 0.0.into()), 1.0.into()),
        };
        Self::float_mul(u, slope)
    }
}

/// The derivative of [`SmoothOps::smooth_gate`] in y.
pub trait SmoothGrads: SmoothOps {
    /// d f'(v) / dy u w, where y = f(v).
    fn smooth_gate_grad(
        u: FloatTensor<Self>,
        y: FloatTensor<Self>,
        w: FloatTensor<Self>,
        f: Smooth,
    ) -> FloatTensor<Self> {
        let derivative = match f {
            Smooth::Squareplus => {
                let (t_sq, sum) = rational::<Self>(y);
                let factor = Self::float_mul_scalar(Self::float_sqrt(t_sq), (4.0 * S * S).into());
                Self::float_div(factor, Self::float_mul(sum.clone(), sum))
            }
            // 1 where y < 0.
            Smooth::Elu => Self::float_clamp(Self::float_mul_scalar(y, (-1e30).into()), 0.0.into(), 1.0.into()),
        };
        Self::float_mul(derivative, Self::float_mul(u, w))
    }
}

/// Where [`Smooth::Squareplus`] bends; `tweedie-kernels` says why.
const S: f64 = 0.1;

/// t^2 and t^2 + s^2 with t = 2 y + s, which is positive.
fn rational<B: Backend>(y: FloatTensor<B>) -> (FloatTensor<B>, FloatTensor<B>) {
    let t = B::float_add_scalar(B::float_mul_scalar(y, 2.0.into()), S.into());
    let t_sq = B::float_mul(t.clone(), t);
    (t_sq.clone(), B::float_add_scalar(t_sq, (S * S).into()))
}

impl SmoothOps for Flex {
    fn smooth(v: FloatTensor<Self>, f: Smooth) -> FloatTensor<Self> {
        map([v], |[v], y| f.forward(v, y))
    }

    fn smooth_gate(u: FloatTensor<Self>, y: FloatTensor<Self>, f: Smooth) -> FloatTensor<Self> {
        map([u, y], |[u, y], out| f.gate(u, y, out))
    }
}

impl SmoothGrads for Flex {
    fn smooth_gate_grad(
        u: FloatTensor<Self>,
        y: FloatTensor<Self>,
        w: FloatTensor<Self>,
        f: Smooth,
    ) -> FloatTensor<Self> {
        map([u, y, w], |[u, y, w], out| f.gate_grad(u, y, w, out))
    }
}

/// A function of tensors of one shape.
fn map<const K: usize>(
    inputs: [FlexTensor; K],
    f: impl Fn([&[f32]; K], &mut [f32]) -> Result<(), tweedie_kernels::Error>,
) -> FlexTensor {
    let inputs = inputs.map(contiguous);
    let dims: [usize; 4] = inputs[0].shape().dims();
    let mut out = pool::take(dims.iter().product());
    f(inputs.each_ref().map(values), &mut out).expect(SHAPES);
    inputs.into_iter().for_each(pool::recycle);
    tensor(out, dims)
}

impl<B: Backend + SmoothGrads, C: CheckpointStrategy> SmoothOps for Autodiff<B, C> {
    fn smooth(v: FloatTensor<Self>, f: Smooth) -> FloatTensor<Self> {
        #[derive(Debug)]
        struct SmoothActivation;

        impl<B: Backend + SmoothOps> Backward<B, 1> for SmoothActivation {
            /// y and f.
            type State = (FloatTensor<B>, Smooth);

            fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
                let (y, f) = ops.state;
                unary::<B, _>(ops.parents, ops.node, grads, |grad| B::smooth_gate(grad, y, f));
            }
        }

        let (v, node) = v.into_parts();
        let y = B::smooth(v, f);
        match SmoothActivation.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish((y.clone(), f), y),
            OpsKind::UnTracked(prep) => prep.finish(y),
        }
    }

    fn smooth_gate(u: FloatTensor<Self>, y: FloatTensor<Self>, f: Smooth) -> FloatTensor<Self> {
        #[derive(Debug)]
        struct SmoothGate;

        impl<B: Backend + SmoothGrads> Backward<B, 2> for SmoothGate {
            /// u, y and f.
            type State = (FloatTensor<B>, FloatTensor<B>, Smooth);

            fn backward(self, ops: Ops<Self::State, 2>, grads: &mut Gradients, _: &mut Checkpointer) {
                let [node_u, node_y] = ops.parents;
                let grad = grads.consume::<B>(&ops.node);
                let (u, y, f) = ops.state;
                if let Some(node) = node_y {
                    grads.register::<B>(node.id, B::smooth_gate_grad(u, y.clone(), grad.clone(), f));
                }
                if let Some(node) = node_u {
                    grads.register::<B>(node.id, B::smooth_gate(grad, y, f));
                }
            }
        }

        let ((u, node_u), (y, node_y)) = (u.into_parts(), y.into_parts());
        match SmoothGate.prepare::<C>([node_u, node_y]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let gated = B::smooth_gate(u.clone(), y.clone(), f);
                prep.finish((u, y, f), gated)
            }
            OpsKind::UnTracked(prep) => prep.finish(B::smooth_gate(u, y, f)),
        }
    }
}

#[cfg(feature = "ndarray")]
mod ndarray {
    impl super::SmoothOps for burn::backend::NdArray {}
    impl super::SmoothGrads for burn::backend::NdArray {}
}

#[cfg(feature = "wgpu")]
mod cube {
    impl super::SmoothOps for burn_wgpu::CubeBackend {}
    impl super::SmoothGrads for burn_wgpu::CubeBackend {}
}

impl Activations {
    /// f of every value.
    pub fn smooth(self, f: Smooth) -> Self {
        Self {
            tensor: Tensor::from_dispatch(<Dispatch as SmoothOps>::smooth(self.tensor.into_dispatch(), f)),
            dims: self.dims,
        }
    }

    /// f'(v) u, where `y` = f(v).
    ///
    /// # Panics
    /// If the shapes differ.
    pub fn smooth_gate(self, y: Self, f: Smooth) -> Self {
        assert_eq!(self.dims, y.dims, "smooth_gate: expected equal shapes");
        let gated = <Dispatch as SmoothOps>::smooth_gate(self.tensor.into_dispatch(), y.tensor.into_dispatch(), f);
        Self {
            tensor: Tensor::from_dispatch(gated),
            dims: self.dims,
        }
    }
}
