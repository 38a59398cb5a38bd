//! Odd linear splines with a learned slope for each segment, channel by channel, as a backend extension.
//!
//! phi(t) = sign(t) sum_j s_j clip(|t| - j h, 0, h) with h = 0.05; the last segment has no end. Slopes in [0, 1] make phi
//! increasing and nonexpansive.

use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, TensorMetadata, backend_extension};
use burn::tensor::{Shape, Slice, Tensor};
use burn_autodiff::checkpoint::base::Checkpointer;
use burn_autodiff::checkpoint::strategy::CheckpointStrategy;
use burn_autodiff::grads::Gradients;
use burn_autodiff::ops::{Backward, Ops, OpsKind};
use burn_flex::FlexTensor;
use tweedie_kernels::{SEGMENT, Splines};

use super::activations::Activations;
use super::flex::{SHAPES, contiguous, tensor, values};
use super::pool;

/// Splines on activations in the backend's layout; slopes are `[C, segments]`.
///
/// The default bodies are for `[N, C, H, W]`.
#[backend_extension(
    Flex,
    NdArray: cfg(feature = "ndarray"),
    Cube: cfg(feature = "wgpu"),
    Autodiff,
)]
pub trait SplineOps: Backend {
    /// phi(t).
    fn spline(t: FloatTensor<Self>, slopes: FloatTensor<Self>) -> FloatTensor<Self> {
        let [c, segments] = slopes.shape().dims();
        let mut y = None;
        for j in 0..segments {
            let slope = Self::float_reshape(column::<Self>(slopes.clone(), j), Shape::from([1, c, 1, 1]));
            let term = Self::float_mul(part::<Self>(t.clone(), j, segments), slope);
            y = Some(match y {
                None => term,
                Some(sum) => Self::float_add(sum, term),
            });
        }
        y.unwrap_or(t)
    }
}

/// The gradients of [`SplineOps::spline`].
pub trait SplineGrads: SplineOps {
    /// phi'(t) dy.
    fn spline_input_grad(t: FloatTensor<Self>, slopes: FloatTensor<Self>, dy: FloatTensor<Self>) -> FloatTensor<Self> {
        let [c, segments] = slopes.shape().dims();
        let mut sum = None;
        for j in 0..segments {
            let slope = Self::float_reshape(column::<Self>(slopes.clone(), j), Shape::from([1, c, 1, 1]));
            // The segment's part has slope 1 inside it and 0 outside.
            let (first, last) = bounds(j, segments);
            let distance = Self::float_abs(t.clone());
            let above = step::<Self>(distance.clone(), first);
            let inside = match last {
                None => above,
                Some(last) => Self::float_sub(above, step::<Self>(distance, last)),
            };
            let term = Self::float_mul(inside, slope);
            sum = Some(match sum {
                None => term,
                Some(sum) => Self::float_add(sum, term),
            });
        }
        Self::float_mul(sum.unwrap_or(t), dy)
    }

    /// The gradient with respect to the slopes.
    fn spline_slopes_grad(t: FloatTensor<Self>, slopes: FloatTensor<Self>, dy: FloatTensor<Self>) -> FloatTensor<Self> {
        let [c, segments] = slopes.shape().dims();
        let columns = (0..segments).map(|j| {
            let product = Self::float_mul(part::<Self>(t.clone(), j, segments), dy.clone());
            let sum = [0, 2, 3].into_iter().fold(product, Self::float_sum_dim);
            Self::float_reshape(sum, Shape::from([c, 1]))
        });
        Self::float_cat(columns.collect(), 1)
    }
}

fn column<B: Backend>(slopes: FloatTensor<B>, j: usize) -> FloatTensor<B> {
    B::float_slice(slopes, &[Slice::from(..), Slice::from(j..j + 1)])
}

/// Where segment j begins and ends; the last one has no end.
fn bounds(j: usize, segments: usize) -> (f64, Option<f64>) {
    let at = |j: usize| j as f64 * f64::from(SEGMENT);
    (at(j), (j + 1 < segments).then(|| at(j + 1)))
}

/// sign(t) clip(|t| - j h, 0, h).
fn part<B: Backend>(t: FloatTensor<B>, j: usize, segments: usize) -> FloatTensor<B> {
    let clamped = |bound: f64| B::float_clamp(t.clone(), (-bound).into(), bound.into());
    let (first, last) = bounds(j, segments);
    let inner = clamped(first);
    B::float_sub(last.map_or_else(|| t.clone(), clamped), inner)
}

/// 1 where `distance` > `bound`, else 0.
fn step<B: Backend>(distance: FloatTensor<B>, bound: f64) -> FloatTensor<B> {
    let scaled = B::float_mul_scalar(B::float_add_scalar(distance, (-bound).into()), 1e30.into());
    B::float_clamp(scaled, 0.0.into(), 1.0.into())
}

impl SplineOps for Flex {
    fn spline(t: FloatTensor<Self>, slopes: FloatTensor<Self>) -> FloatTensor<Self> {
        let (t, slopes) = (contiguous(t), contiguous(slopes));
        let dims: [usize; 4] = t.shape().dims();
        let mut y = pool::take(dims.iter().product());
        splines(&slopes, dims).forward(values(&t), &mut y).expect(SHAPES);
        pool::recycle(t);
        tensor(y, dims)
    }
}

impl SplineGrads for Flex {
    fn spline_input_grad(t: FloatTensor<Self>, slopes: FloatTensor<Self>, dy: FloatTensor<Self>) -> FloatTensor<Self> {
        let (t, slopes, dy) = (contiguous(t), contiguous(slopes), contiguous(dy));
        let dims: [usize; 4] = t.shape().dims();
        let mut dt = pool::take(dims.iter().product());
        splines(&slopes, dims)
            .input_grad(values(&t), values(&dy), &mut dt)
            .expect(SHAPES);
        tensor(dt, dims)
    }

    fn spline_slopes_grad(t: FloatTensor<Self>, slopes: FloatTensor<Self>, dy: FloatTensor<Self>) -> FloatTensor<Self> {
        let (t, slopes, dy) = (contiguous(t), contiguous(slopes), contiguous(dy));
        let gradient = splines(&slopes, t.shape().dims())
            .slopes_grad(values(&t), values(&dy))
            .expect(SHAPES);
        tensor(gradient, slopes.shape().dims::<2>())
    }
}

/// The splines of activations of these dimensions.
fn splines(slopes: &FlexTensor, dims: [usize; 4]) -> Splines<'_> {
    let [channels, _] = slopes.shape().dims();
    Splines::new(values(slopes), channels, dims[3]).expect(SHAPES)
}

impl<B: Backend + SplineGrads, C: CheckpointStrategy> SplineOps for Autodiff<B, C> {
    fn spline(t: FloatTensor<Self>, slopes: FloatTensor<Self>) -> FloatTensor<Self> {
        #[derive(Debug)]
        struct Spline;

        impl<B: Backend + SplineGrads> Backward<B, 2> for Spline {
            /// t and the slopes.
            type State = (FloatTensor<B>, FloatTensor<B>);

            fn backward(self, ops: Ops<Self::State, 2>, grads: &mut Gradients, _: &mut Checkpointer) {
                let [node_t, node_slopes] = ops.parents;
                let dy = grads.consume::<B>(&ops.node);
                let (t, slopes) = ops.state;
                if let Some(node) = node_slopes {
                    let gradient = B::spline_slopes_grad(t.clone(), slopes.clone(), dy.clone());
                    grads.register::<B>(node.id, gradient);
                }
                if let Some(node) = node_t {
                    grads.register::<B>(node.id, B::spline_input_grad(t, slopes, dy));
                }
            }
        }

        let ((t, node_t), (slopes, node_slopes)) = (t.into_parts(), slopes.into_parts());
        match Spline.prepare::<C>([node_t, node_slopes]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let y = B::spline(t.clone(), slopes.clone());
                prep.finish((t, slopes), y)
            }
            OpsKind::UnTracked(prep) => prep.finish(B::spline(t, slopes)),
        }
    }
}

#[cfg(feature = "ndarray")]
mod ndarray {
    impl super::SplineOps for burn::backend::NdArray {}
    impl super::SplineGrads for burn::backend::NdArray {}
}

#[cfg(feature = "wgpu")]
mod cube {
    impl super::SplineOps for burn_wgpu::CubeBackend {}
    impl super::SplineGrads for burn_wgpu::CubeBackend {}
}

impl Activations {
    /// phi of every value, with the slopes of its channel's segments.
    ///
    /// # Shapes
    /// `slopes`: `[C, segments]`.
    ///
    /// # Panics
    /// If there are not as many channels.
    pub(crate) fn spline(self, slopes: Tensor<2>) -> Self {
        assert_eq!(
            self.dims[1],
            slopes.dims()[0],
            "spline: expected slopes for every channel"
        );
        let y = <Dispatch as SplineOps>::spline(self.tensor.into_dispatch(), slopes.into_dispatch());
        Self {
            tensor: Tensor::from_dispatch(y),
            dims: self.dims,
        }
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, TensorData};
    use tweedie_imaging::noise::gaussian_values;

    use super::*;

    const SEGMENTS: usize = 5;

    /// The formula in burn's own operations.
    fn reference(t: Tensor<4>, slopes: Tensor<2>) -> Tensor<4> {
        let [c, _] = slopes.dims();
        let parts = (0..SEGMENTS).map(|j| {
            let (first, last) = bounds(j, SEGMENTS);
            let outer = last.map_or_else(|| t.clone(), |last| t.clone().clamp(-last, last));
            let slope = slopes.clone().narrow(1, j, 1).reshape([1, c, 1, 1]);
            (outer - t.clone().clamp(-first, first)) * slope
        });
        parts.reduce(|sum, part| sum + part).expect("a segment")
    }

    #[test]
    fn values_and_gradients_are_those_of_the_formula() {
        let device = Device::flex().autodiff();
        // 3 channels are stored as they are, 20 with padding.
        for c in [3, 20] {
            let dims = [2, c, 9, 7];
            let normal = |std: f64, stream: u64| -> Tensor<4> {
                let values = gaussian_values(dims.iter().product(), std, 7, stream);
                Tensor::from_data(TensorData::new(values, dims), &device)
            };
            let t = normal(0.2, 1).require_grad();
            let slopes: Vec<f32> = gaussian_values(c * SEGMENTS, 1.0, 7, 2);
            let slopes = Tensor::<2>::from_data(TensorData::new(slopes, [c, SEGMENTS]), &device).require_grad();
            let dy = normal(1.0, 3);
            let got = Activations::pack(t.clone()).spline(slopes.clone()).unpack();
            let expected = reference(t.clone(), slopes.clone());
            let largest: f32 = (got.clone() - expected.clone()).abs().max().into_scalar();
            assert!(largest < 1e-6, "{c} channels: {largest}");
            let gradients = |y: Tensor<4>| {
                let gradients = (y * dy.clone()).sum().backward();
                (
                    t.grad(&gradients).expect("tracked"),
                    slopes.grad(&gradients).expect("tracked"),
                )
            };
            let ((dt, ds), (et, es)) = (gradients(got), gradients(expected));
            let largest: f32 = (dt - et).abs().max().into_scalar();
            assert!(largest < 1e-5, "{c} channels, t: {largest}");
            let largest: f32 = (ds - es).abs().max().into_scalar();
            assert!(largest < 1e-5, "{c} channels, slopes: {largest}");
        }
    }
}
