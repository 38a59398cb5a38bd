//! The 3x3 convolution as a module.

use burn::backend::Dispatch;
use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};
use tweedie_kernels::Activation;

use super::activations::Activations;
use super::cache::WeightCache;
use super::init;
use super::ops::{ConvOps, ConvSpec};
use crate::Error;

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
