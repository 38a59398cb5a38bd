//! A smooth ReLU and its derivatives as a backend extension, on activations in any layout.
//!
//! With s = 0.1, f(v) = (v + sqrt(v^2 + s^2) - s) / 2 is the square-root softplus (Barron 2021, "Squareplus"), moved so
//! that f(0) = 0 and padding stays zero. Its derivative is a rational function of its output y: with t = 2 y + s,
//! f'(v) = t^2 / (t^2 + s^2), in (0, 1). So it costs no exponential, and a vector-Jacobian product needs nothing but the
//! outputs of the forward pass.

use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Flex, backend_extension};
use burn::tensor::Tensor;
use burn_autodiff::checkpoint::base::Checkpointer;
use burn_autodiff::checkpoint::strategy::CheckpointStrategy;
use burn_autodiff::grads::Gradients;
use burn_autodiff::ops::{Backward, Ops, OpsKind, unary};
use burn_flex::FlexTensor;
use rayon::prelude::*;

use super::flex::{contiguous, tensor, values};
use super::{Activations, pool};

/// Where f bends: a fifth of the standard deviation of a strong noise in an image, so that f is neither nearly linear on
/// what the layers see nor nearly a kink.
const S: f32 = 0.1;

/// Values that a thread takes at a time.
const CHUNK: usize = 1 << 14;

fn f(v: f32) -> f32 {
    0.5 * (v + (v * v + S * S).sqrt() - S)
}

/// f'(v), where y = f(v).
fn slope(y: f32) -> f32 {
    let t_sq = (2.0 * y + S).powi(2);
    t_sq / (t_sq + S * S)
}

/// The derivative of [`slope`].
fn slope_derivative(y: f32) -> f32 {
    let t = 2.0 * y + S;
    let sum = t * t + S * S;
    4.0 * S * S * t / (sum * sum)
}

/// The operations of a network with the smooth ReLU and of its transposed Jacobian.
#[backend_extension(
    Flex,
    NdArray: cfg(feature = "ndarray"),
    Cube: cfg(feature = "wgpu"),
    Autodiff,
)]
pub trait SmoothOps: Backend {
    /// y = f(v).
    fn smooth_relu(v: FloatTensor<Self>) -> FloatTensor<Self> {
        let s = f64::from(S);
        let squared = Self::float_add_scalar(Self::float_mul(v.clone(), v.clone()), (s * s).into());
        let sum = Self::float_add(v, Self::float_sqrt(squared));
        Self::float_mul_scalar(Self::float_add_scalar(sum, (-s).into()), 0.5.into())
    }

    /// f'(v) u, where y = f(v).
    fn smooth_gate(u: FloatTensor<Self>, y: FloatTensor<Self>) -> FloatTensor<Self> {
        let (t_sq, sum) = rational::<Self>(y);
        Self::float_mul(u, Self::float_div(t_sq, sum))
    }
}

/// The derivative of [`SmoothOps::smooth_gate`] in y.
pub trait SmoothGrads: SmoothOps {
    /// d f'(v) / dy u w, where y = f(v).
    fn smooth_gate_grad(u: FloatTensor<Self>, y: FloatTensor<Self>, w: FloatTensor<Self>) -> FloatTensor<Self> {
        let s = f64::from(S);
        let (t_sq, sum) = rational::<Self>(y);
        let factor = Self::float_mul_scalar(Self::float_sqrt(t_sq), (4.0 * s * s).into());
        let derivative = Self::float_div(factor, Self::float_mul(sum.clone(), sum));
        Self::float_mul(derivative, Self::float_mul(u, w))
    }
}

/// t^2 and t^2 + s^2; t is positive.
fn rational<B: Backend>(y: FloatTensor<B>) -> (FloatTensor<B>, FloatTensor<B>) {
    let s = f64::from(S);
    let t = B::float_add_scalar(B::float_mul_scalar(y, 2.0.into()), s.into());
    let t_sq = B::float_mul(t.clone(), t);
    (t_sq.clone(), B::float_add_scalar(t_sq, (s * s).into()))
}

impl SmoothOps for Flex {
    fn smooth_relu(v: FloatTensor<Self>) -> FloatTensor<Self> {
        map([v], |[v]| f(v))
    }

    fn smooth_gate(u: FloatTensor<Self>, y: FloatTensor<Self>) -> FloatTensor<Self> {
        map([u, y], |[u, y]| u * slope(y))
    }
}

impl SmoothGrads for Flex {
    fn smooth_gate_grad(u: FloatTensor<Self>, y: FloatTensor<Self>, w: FloatTensor<Self>) -> FloatTensor<Self> {
        map([u, y, w], |[u, y, w]| u * w * slope_derivative(y))
    }
}

/// `f` of the values at each place of tensors of one shape.
fn map<const K: usize>(inputs: [FlexTensor; K], f: impl Fn([f32; K]) -> f32 + Sync) -> FlexTensor {
    use burn::backend::TensorMetadata;

    let inputs = inputs.map(contiguous);
    let dims: [usize; 4] = inputs[0].shape().dims();
    let mut out = pool::take(dims.iter().product());
    let slices = inputs.each_ref().map(values);
    out.par_chunks_mut(CHUNK).enumerate().for_each(|(index, out)| {
        let first = index * CHUNK;
        let slices = slices.map(|values| &values[first..first + out.len()]);
        for (at, out) in out.iter_mut().enumerate() {
            *out = f(slices.map(|values| values[at]));
        }
    });
    inputs.into_iter().for_each(pool::recycle);
    tensor(out, dims)
}

impl<B: Backend + SmoothGrads, C: CheckpointStrategy> SmoothOps for Autodiff<B, C> {
    fn smooth_relu(v: FloatTensor<Self>) -> FloatTensor<Self> {
        #[derive(Debug)]
        struct SmoothRelu;

        impl<B: Backend + SmoothOps> Backward<B, 1> for SmoothRelu {
            /// y.
            type State = FloatTensor<B>;

            fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
                unary::<B, _>(ops.parents, ops.node, grads, |grad| B::smooth_gate(grad, ops.state));
            }
        }

        let (v, node) = v.into_parts();
        let y = B::smooth_relu(v);
        match SmoothRelu.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish(y.clone(), y),
            OpsKind::UnTracked(prep) => prep.finish(y),
        }
    }

    fn smooth_gate(u: FloatTensor<Self>, y: FloatTensor<Self>) -> FloatTensor<Self> {
        #[derive(Debug)]
        struct SmoothGate;

        impl<B: Backend + SmoothGrads> Backward<B, 2> for SmoothGate {
            /// u and y.
            type State = (FloatTensor<B>, FloatTensor<B>);

            fn backward(self, ops: Ops<Self::State, 2>, grads: &mut Gradients, _: &mut Checkpointer) {
                let [node_u, node_y] = ops.parents;
                let grad = grads.consume::<B>(&ops.node);
                let (u, y) = ops.state;
                if let Some(node) = node_y {
                    grads.register::<B>(node.id, B::smooth_gate_grad(u, y.clone(), grad.clone()));
                }
                if let Some(node) = node_u {
                    grads.register::<B>(node.id, B::smooth_gate(grad, y));
                }
            }
        }

        let ((u, node_u), (y, node_y)) = (u.into_parts(), y.into_parts());
        match SmoothGate.prepare::<C>([node_u, node_y]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let gated = B::smooth_gate(u.clone(), y.clone());
                prep.finish((u, y), gated)
            }
            OpsKind::UnTracked(prep) => prep.finish(B::smooth_gate(u, y)),
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
    /// The smooth ReLU f of every value: f(v) = (v + sqrt(v^2 + s^2) - s) / 2, s = 0.1, infinitely often differentiable.
    pub fn smooth_relu(self) -> Self {
        use burn::backend::Dispatch;
        Self {
            tensor: Tensor::from_dispatch(<Dispatch as SmoothOps>::smooth_relu(self.tensor.into_dispatch())),
            dims: self.dims,
        }
    }

    /// f'(v) u for the smooth ReLU f, where `y` = f(v).
    ///
    /// # Panics
    /// If the shapes differ.
    pub fn smooth_gate(self, y: Self) -> Self {
        use burn::backend::Dispatch;
        assert_eq!(self.dims, y.dims, "smooth_gate: expected equal shapes");
        let gated = <Dispatch as SmoothOps>::smooth_gate(self.tensor.into_dispatch(), y.tensor.into_dispatch());
        Self {
            tensor: Tensor::from_dispatch(gated),
            dims: self.dims,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Central differences with a step of 1e-3: their own error is h^2 f''' / 6 < 1e-3 / s^2 1e-3 / 6 = 2e-5 of f' and
    /// 1e-7 / h = 1e-4 by rounding.
    #[test]
    fn slopes_are_derivatives() {
        let h = 1e-3;
        for v in [-3.0, -0.2, -0.05, 0.0, 0.02, 0.1, 0.7, 5.0_f32] {
            let central = (f(v + h) - f(v - h)) / (2.0 * h);
            assert!(
                (slope(f(v)) - central).abs() < 5e-4,
                "{v}: {} and {central}",
                slope(f(v))
            );
            let y = f(v);
            let step = 1e-3 * (1.0 + y.abs());
            let central = (slope(y + step) - slope(y - step)) / (2.0 * step);
            assert!(
                (slope_derivative(y) - central).abs() < 2e-2 * (1.0 + central.abs()),
                "{v}: {} and {central}",
                slope_derivative(y)
            );
        }
        assert_eq!(f(0.0), 0.0);
    }
}
