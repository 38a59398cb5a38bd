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
use rayon::prelude::*;

use super::flex::{contiguous, tensor, values};
use super::{Activations, pool};

/// Length of a segment. Coefficients are in units of the noise, which filters of a frame shrink to a few tenths.
pub(crate) const SEGMENT: f32 = 0.05;

/// Pixels that a thread takes at a time.
const PIXELS: usize = 1 << 10;

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

/// The segment of |t|, and how far |t| lies in it.
fn segment(t: f32, segments: usize) -> (usize, f32) {
    let distance = t.abs();
    let j = ((distance / SEGMENT) as usize).min(segments - 1);
    (j, distance - j as f32 * SEGMENT)
}

/// phi at the beginning of each segment of each channel, `[C, segments]`.
fn starts(slopes: &[f32], segments: usize) -> Vec<f32> {
    slopes
        .chunks(segments)
        .flat_map(|slopes| {
            slopes.iter().scan(0.0, |sum, slope| {
                let start = *sum;
                *sum += slope * SEGMENT;
                Some(start)
            })
        })
        .collect()
}

/// psi(t), the integral of phi from 0 to t, for one channel's slopes.
pub(crate) fn potential(t: f32, slopes: &[f32]) -> f64 {
    let (last, rest) = segment(t, slopes.len());
    let h = f64::from(SEGMENT);
    let (mut phi, mut psi) = (0.0, 0.0);
    for &slope in &slopes[..last] {
        let slope = f64::from(slope);
        psi += phi * h + 0.5 * slope * h * h;
        phi += slope * h;
    }
    let rest = f64::from(rest);
    psi + phi * rest + 0.5 * f64::from(slopes[last]) * rest * rest
}

impl SplineOps for Flex {
    fn spline(t: FloatTensor<Self>, slopes: FloatTensor<Self>) -> FloatTensor<Self> {
        let (t, slopes) = (contiguous(t), contiguous(slopes));
        let [c, segments] = slopes.shape().dims();
        let (dims, slopes) = (t.shape().dims::<4>(), values(&slopes));
        let starts = starts(slopes, segments);
        let mut y = pool::take(dims.iter().product());
        let rows = PIXELS * dims[3];
        y.par_chunks_mut(rows)
            .zip(values(&t).par_chunks(rows))
            .for_each(|(y, t)| {
                for (y, t) in y.chunks_mut(dims[3]).zip(t.chunks(dims[3])) {
                    for (channel, (y, &t)) in y.iter_mut().zip(t).enumerate() {
                        // Channels that fill up a register hold zeros.
                        *y = if channel < c {
                            let (j, rest) = segment(t, segments);
                            let at = channel * segments + j;
                            let value = starts[at] + slopes[at] * rest;
                            if t < 0.0 { -value } else { value }
                        } else {
                            0.0
                        };
                    }
                }
            });
        pool::recycle(t);
        tensor(y, dims)
    }
}

impl SplineGrads for Flex {
    fn spline_input_grad(t: FloatTensor<Self>, slopes: FloatTensor<Self>, dy: FloatTensor<Self>) -> FloatTensor<Self> {
        let (t, slopes, dy) = (contiguous(t), contiguous(slopes), contiguous(dy));
        let [c, segments] = slopes.shape().dims();
        let (dims, slopes) = (t.shape().dims::<4>(), values(&slopes));
        let mut dt = pool::take(dims.iter().product());
        let rows = PIXELS * dims[3];
        let inputs = values(&t).par_chunks(rows).zip(values(&dy).par_chunks(rows));
        dt.par_chunks_mut(rows).zip(inputs).for_each(|(dt, (t, dy))| {
            for (index, (dt, (&t, dy))) in dt.iter_mut().zip(t.iter().zip(dy)).enumerate() {
                let channel = index % dims[3];
                *dt = if channel < c {
                    slopes[channel * segments + segment(t, segments).0] * dy
                } else {
                    0.0
                };
            }
        });
        tensor(dt, dims)
    }

    fn spline_slopes_grad(t: FloatTensor<Self>, slopes: FloatTensor<Self>, dy: FloatTensor<Self>) -> FloatTensor<Self> {
        let (t, dy) = (contiguous(t), contiguous(dy));
        let [c, segments] = slopes.shape().dims();
        let dims = t.shape().dims::<4>();
        let rows = PIXELS * dims[3];
        // Sums over the values in a segment of sign dy (|t| - j h) and of sign dy, chunk by chunk in a fixed order.
        let chunks: Vec<[Vec<f64>; 2]> = values(&t)
            .par_chunks(rows)
            .zip(values(&dy).par_chunks(rows))
            .map(|(t, dy)| {
                let mut sums = [vec![0.0; c * segments], vec![0.0; c * segments]];
                for (t, dy) in t.chunks(dims[3]).zip(dy.chunks(dims[3])) {
                    for (channel, (&t, dy)) in t.iter().zip(dy).take(c).enumerate() {
                        let (j, rest) = segment(t, segments);
                        let signed = if t < 0.0 { -dy } else { *dy };
                        sums[0][channel * segments + j] += f64::from(signed * rest);
                        sums[1][channel * segments + j] += f64::from(signed);
                    }
                }
                sums
            })
            .collect();
        let mut gradient = vec![0.0; c * segments];
        for channel in 0..c {
            let mut beyond = 0.0;
            for j in (0..segments).rev() {
                let at = channel * segments + j;
                let [rest, count] = [0, 1].map(|kind| chunks.iter().map(|sums| sums[kind][at]).sum::<f64>());
                // A value beyond a segment has crossed all of it.
                gradient[at] = (rest + f64::from(SEGMENT) * beyond) as f32;
                beyond += count;
            }
        }
        tensor(gradient, [c, segments])
    }
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

    #[test]
    fn the_potential_is_the_integral() {
        let slopes = [0.9, 0.4, 0.0, 0.7, 0.2];
        let phi = |t: f32| {
            let (j, rest) = segment(t, SEGMENTS);
            f64::from((starts(&slopes, SEGMENTS)[j] + slopes[j] * rest).copysign(t))
        };
        for t in [-0.6, -0.12, 0.02, 0.07, 0.18, 0.9_f32] {
            let h = 1e-3;
            let central = (potential(t + h, &slopes) - potential(t - h, &slopes)) / f64::from(2.0 * h);
            assert!((central - phi(t)).abs() < 1e-4, "{t}: {central} and {}", phi(t));
        }
    }
}
