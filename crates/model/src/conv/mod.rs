//! 3x3 convolutions with stride 1 and zero padding 1: the layer that all networks are made of.
//!
//! Activations stay in the layout that the device's convolution wants from the first layer of a stack to the last.

mod autodiff;
mod cache;
mod flex;
mod ops;
mod pool;
mod smooth;
pub(crate) mod spline;
pub(crate) mod stack;

use std::ops::{Add, Sub};

use burn::backend::Dispatch;
use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};
use ops::{ConvOps, ConvSpec};
pub use tweedie_kernels::Activation;

use crate::{Error, init};
use cache::WeightCache;

/// A batch of activations in the layout of the device's convolution: padded and channels-last on the CPU, `[N, C, H, W]`
/// elsewhere.
///
/// Elementwise operations that map 0 to 0 may be applied to the tensor as it is.
#[derive(Clone, Debug)]
pub struct Activations {
    tensor: Tensor<4>,
    dims: [usize; 4],
}

impl Activations {
    /// Brings a batch into the device's layout.
    ///
    /// # Shapes
    /// `x`: `[N, C, H, W]`.
    pub fn pack(x: Tensor<4>) -> Self {
        let dims = x.dims();
        let packed = <Dispatch as ConvOps>::conv_pack(x.into_dispatch(), dims);
        Self {
            tensor: Tensor::from_dispatch(packed),
            dims,
        }
    }

    /// The batch as `[N, C, H, W]`.
    pub fn unpack(self) -> Tensor<4> {
        Tensor::from_dispatch(<Dispatch as ConvOps>::conv_unpack(
            self.tensor.into_dispatch(),
            self.dims,
        ))
    }

    /// Brings the four phases together as channels, at half the resolution: channel `(2 p + q) C + k` of the result
    /// holds the pixels `(2 i + p, 2 j + q)` of channel `k`. (PyTorch's `pixel_unshuffle` gives channel `4 k + 2 p + q`.)
    ///
    /// # Shapes
    /// `[N, C, H, W]` with even H and W to `[N, 4 C, H/2, W/2]`.
    ///
    /// # Panics
    /// If the height or the width is odd.
    pub fn unshuffle(self) -> Self {
        let [n, c, h, w] = self.dims;
        assert!(
            h % 2 == 0 && w % 2 == 0,
            "unshuffle: expected an even size, got {h}x{w}"
        );
        let y = <Dispatch as ConvOps>::conv_unshuffle(self.tensor.into_dispatch(), self.dims);
        Self {
            tensor: Tensor::from_dispatch(y),
            dims: [n, 4 * c, h / 2, w / 2],
        }
    }

    /// The inverse of [`Activations::unshuffle`].
    ///
    /// # Shapes
    /// `[N, 4 C, H, W]` to `[N, C, 2 H, 2 W]`.
    ///
    /// # Panics
    /// If the number of channels is not a multiple of 4.
    pub fn shuffle(self) -> Self {
        let [n, c, h, w] = self.dims;
        assert!(c % 4 == 0, "shuffle: expected a multiple of 4 channels, got {c}");
        let dims = [n, c / 4, 2 * h, 2 * w];
        let y = <Dispatch as ConvOps>::conv_shuffle(self.tensor.into_dispatch(), dims);
        Self {
            tensor: Tensor::from_dispatch(y),
            dims,
        }
    }

    /// `[N, C, H, W]`.
    pub fn dims(&self) -> [usize; 4] {
        self.dims
    }
}

impl Sub for Activations {
    type Output = Self;

    /// The difference of two batches of the same shape.
    ///
    /// # Panics
    /// If the shapes differ.
    fn sub(self, other: Self) -> Self {
        assert_eq!(self.dims, other.dims, "sub: expected equal shapes");
        Self {
            tensor: self.tensor - other.tensor,
            dims: self.dims,
        }
    }
}

impl Add for Activations {
    type Output = Self;

    /// The sum of two batches of the same shape.
    ///
    /// # Panics
    /// If the shapes differ.
    fn add(self, other: Self) -> Self {
        assert_eq!(self.dims, other.dims, "add: expected equal shapes");
        Self {
            tensor: self.tensor + other.tensor,
            dims: self.dims,
        }
    }
}

/// y = f(W * x + b) with a 3x3 kernel W, stride 1, zero padding 1 and an activation f.
#[derive(Module, Debug)]
pub struct Conv3x3 {
    /// Cross-correlation kernel, `[cout, cin, 3, 3]`.
    pub weight: Param<Tensor<4>>,
    /// `[cout]`, or none.
    pub bias: Option<Param<Tensor<1>>>,
    #[module(skip)]
    cache: WeightCache,
}

impl Conv3x3 {
    /// He-normal weights times `gain`, zero bias.
    ///
    /// `stream` separates the random numbers of the layers of one network.
    pub fn init(channels: [usize; 2], bias: bool, gain: f64, seed: u64, stream: u64, device: &Device) -> Self {
        let [cin, cout] = channels;
        Self {
            weight: init::he_normal(cin, cout, gain, seed, stream, device),
            bias: bias.then(|| init::zeros(cout, stream, device)),
            cache: WeightCache::default(),
        }
    }

    /// A layer with fixed weights and no bias.
    ///
    /// # Shapes
    /// `weight`: `[cout, cin, 3, 3]`.
    pub(crate) fn from_weight(weight: Tensor<4>) -> Self {
        Self {
            weight: Param::from_tensor(weight),
            bias: None,
            cache: WeightCache::default(),
        }
    }

    /// The layer with another weight tensor, which need not be a leaf of the graph.
    ///
    /// # Shapes
    /// `weight`: `[cout, cin, 3, 3]`.
    pub(crate) fn with_tensor(&self, weight: Tensor<4>) -> Self {
        Self {
            weight: Param::initialized(self.weight.id, weight),
            bias: self.bias.clone(),
            cache: WeightCache::default(),
        }
    }

    /// The weights in the order `[cout, cin, 3, 3]`.
    pub(crate) fn weight_values(&self) -> Result<Vec<f32>, Error> {
        self.weight.val().try_into_vec_as::<f32>().map_err(|error| {
            tweedie_imaging::Error::Device {
                reason: error.to_string(),
            }
            .into()
        })
    }

    /// The layer with other weights of the same shape.
    pub(crate) fn with_weight(self, values: Vec<f32>) -> Self {
        let dims = self.weight.val().dims();
        let weight = init::replaced(self.weight, values, dims);
        Self { weight, ..self }
    }

    /// W * x, without the bias.
    ///
    /// # Shapes
    /// As [`Conv3x3::forward`].
    pub(crate) fn linear(&self, x: Activations) -> Activations {
        let layer = Self {
            bias: None,
            ..self.clone()
        };
        layer.forward(x, Activation::None)
    }

    /// f(W * x + b).
    ///
    /// # Shapes
    /// `x`: `[N, cin, H, W]`; result: `[N, cout, H, W]`.
    pub fn forward(&self, x: Activations, activation: Activation) -> Activations {
        let weight = self.weight.val();
        let [cout, _, _, _] = weight.dims();
        let bias = match &self.bias {
            Some(bias) => bias.val(),
            None => Tensor::zeros([cout], &weight.device()),
        };
        let [n, _, h, w] = x.dims;
        let spec = ConvSpec {
            input: x.dims,
            cout,
            activation,
            cache: self.cache.clone(),
        };
        let y = <Dispatch as ConvOps>::conv3x3(
            x.tensor.into_dispatch(),
            weight.into_dispatch(),
            bias.into_dispatch(),
            spec,
        );
        Activations {
            tensor: Tensor::from_dispatch(y),
            dims: [n, cout, h, w],
        }
    }

    /// W^T * u, the adjoint of x -> W * x: without the bias, without an activation.
    ///
    /// # Shapes
    /// `u`: `[N, cout, H, W]`; result: `[N, cin, H, W]`.
    pub fn transposed(&self, u: Activations) -> Activations {
        let weight = self.weight.val();
        let [cout, cin, _, _] = weight.dims();
        let [n, _, h, w] = u.dims;
        let spec = ConvSpec {
            input: [n, cin, h, w],
            cout,
            activation: Activation::None,
            cache: self.cache.clone(),
        };
        let x = <Dispatch as ConvOps>::conv3x3_transposed(u.tensor.into_dispatch(), weight.into_dispatch(), spec);
        Activations {
            tensor: Tensor::from_dispatch(x),
            dims: [n, cin, h, w],
        }
    }
}
