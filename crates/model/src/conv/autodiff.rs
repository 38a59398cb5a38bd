//! The backward pass of the convolution, for every backend.

use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, TensorMetadata};
use burn::tensor::Shape;
use burn_autodiff::checkpoint::base::Checkpointer;
use burn_autodiff::checkpoint::strategy::CheckpointStrategy;
use burn_autodiff::grads::Gradients;
use burn_autodiff::ops::{Backward, Ops, OpsKind, unary};

use super::ops::{ConvGrads, ConvOps, ConvSpec};

impl<B: Backend + ConvGrads, C: CheckpointStrategy> ConvOps for Autodiff<B, C> {
    fn conv_pack(x: FloatTensor<Self>, dims: [usize; 4]) -> FloatTensor<Self> {
        #[derive(Debug)]
        struct Pack;

        impl<B: Backend + ConvOps> Backward<B, 1> for Pack {
            type State = [usize; 4];

            fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
                unary::<B, _>(ops.parents, ops.node, grads, |grad| B::conv_unpack(grad, ops.state));
            }
        }

        let (x, node) = x.into_parts();
        match Pack.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish(dims, B::conv_pack(x, dims)),
            OpsKind::UnTracked(prep) => prep.finish(B::conv_pack(x, dims)),
        }
    }

    fn conv_unpack(x: FloatTensor<Self>, dims: [usize; 4]) -> FloatTensor<Self> {
        #[derive(Debug)]
        struct Unpack;

        impl<B: Backend + ConvOps> Backward<B, 1> for Unpack {
            type State = [usize; 4];

            fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
                unary::<B, _>(ops.parents, ops.node, grads, |grad| B::conv_pack(grad, ops.state));
            }
        }

        let (x, node) = x.into_parts();
        match Unpack.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish(dims, B::conv_unpack(x, dims)),
            OpsKind::UnTracked(prep) => prep.finish(B::conv_unpack(x, dims)),
        }
    }

    fn conv_unshuffle(x: FloatTensor<Self>, dims: [usize; 4]) -> FloatTensor<Self> {
        #[derive(Debug)]
        struct Unshuffle;

        impl<B: Backend + ConvOps> Backward<B, 1> for Unshuffle {
            type State = [usize; 4];

            fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
                unary::<B, _>(ops.parents, ops.node, grads, |grad| B::conv_shuffle(grad, ops.state));
            }
        }

        let (x, node) = x.into_parts();
        match Unshuffle.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish(dims, B::conv_unshuffle(x, dims)),
            OpsKind::UnTracked(prep) => prep.finish(B::conv_unshuffle(x, dims)),
        }
    }

    fn conv_shuffle(x: FloatTensor<Self>, dims: [usize; 4]) -> FloatTensor<Self> {
        #[derive(Debug)]
        struct Shuffle;

        impl<B: Backend + ConvOps> Backward<B, 1> for Shuffle {
            type State = [usize; 4];

            fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
                unary::<B, _>(ops.parents, ops.node, grads, |grad| B::conv_unshuffle(grad, ops.state));
            }
        }

        let (x, node) = x.into_parts();
        match Shuffle.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish(dims, B::conv_shuffle(x, dims)),
            OpsKind::UnTracked(prep) => prep.finish(B::conv_shuffle(x, dims)),
        }
    }

    fn conv3x3(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        spec: ConvSpec,
    ) -> FloatTensor<Self> {
        #[derive(Debug)]
        struct Conv;

        /// What the backward pass needs: x, weight, bias, y.
        #[derive(Clone, Debug)]
        struct Saved<T> {
            x: T,
            weight: T,
            bias: T,
            y: T,
            spec: ConvSpec,
        }

        impl<B: Backend + ConvGrads> Backward<B, 3> for Conv {
            type State = Saved<FloatTensor<B>>;

            fn backward(self, ops: Ops<Self::State, 3>, grads: &mut Gradients, _: &mut Checkpointer) {
                let [node_x, node_weight, node_bias] = ops.parents;
                let dy = grads.consume::<B>(&ops.node);
                let Saved {
                    x,
                    weight,
                    bias,
                    y,
                    spec,
                } = ops.state;
                if let Some(node) = node_x {
                    let dx = B::conv3x3_input_grad(dy.clone(), y.clone(), x.clone(), weight.clone(), &spec);
                    grads.register::<B>(node.id, dx);
                }
                if node_weight.is_some() || node_bias.is_some() {
                    let (dweight, dbias) = B::conv3x3_weight_grad(dy, y, x, weight, bias, &spec);
                    if let Some(node) = node_weight {
                        grads.register::<B>(node.id, dweight);
                    }
                    if let Some(node) = node_bias {
                        grads.register::<B>(node.id, dbias);
                    }
                }
            }
        }

        let ((x, node_x), (weight, node_weight), (bias, node_bias)) =
            (x.into_parts(), weight.into_parts(), bias.into_parts());
        match Conv
            .prepare::<C>([node_x, node_weight, node_bias])
            .compute_bound()
            .stateful()
        {
            OpsKind::Tracked(prep) => {
                let y = B::conv3x3(x.clone(), weight.clone(), bias.clone(), spec.clone());
                prep.finish(
                    Saved {
                        x,
                        weight,
                        bias,
                        y: y.clone(),
                        spec,
                    },
                    y,
                )
            }
            OpsKind::UnTracked(prep) => prep.finish(B::conv3x3(x, weight, bias, spec)),
        }
    }

    fn conv3x3_transposed(u: FloatTensor<Self>, weight: FloatTensor<Self>, spec: ConvSpec) -> FloatTensor<Self> {
        #[derive(Debug)]
        struct Transposed;

        impl<B: Backend + ConvGrads> Backward<B, 2> for Transposed {
            /// u, the weight and the shapes.
            type State = (FloatTensor<B>, FloatTensor<B>, ConvSpec);

            fn backward(self, ops: Ops<Self::State, 2>, grads: &mut Gradients, _: &mut Checkpointer) {
                let [node_u, node_weight] = ops.parents;
                let dx = grads.consume::<B>(&ops.node);
                let (u, weight, spec) = ops.state;
                let bias = B::float_zeros(Shape::from([spec.cout]), &weight.device(), weight.dtype().into());
                if let Some(node) = node_u {
                    let du = B::conv3x3(dx.clone(), weight.clone(), bias.clone(), spec.clone());
                    grads.register::<B>(node.id, du);
                }
                if let Some(node) = node_weight {
                    // <dx, weight^T * u> = <weight * dx, u>: u takes the place of an output's gradient.
                    let (dweight, _) = B::conv3x3_weight_grad(u.clone(), u, dx, weight, bias, &spec);
                    grads.register::<B>(node.id, dweight);
                }
            }
        }

        let ((u, node_u), (weight, node_weight)) = (u.into_parts(), weight.into_parts());
        match Transposed
            .prepare::<C>([node_u, node_weight])
            .compute_bound()
            .stateful()
        {
            OpsKind::Tracked(prep) => {
                let x = B::conv3x3_transposed(u.clone(), weight.clone(), spec.clone());
                prep.finish((u, weight, spec), x)
            }
            OpsKind::UnTracked(prep) => prep.finish(B::conv3x3_transposed(u, weight, spec)),
        }
    }
}
