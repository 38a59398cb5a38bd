//! Activations in the layout of the device's convolution.

use std::ops::{Add, Sub};

use burn::backend::Dispatch;
use burn::tensor::Tensor;

use super::ops::ConvOps;

/// A batch of activations in the layout of the device's convolution: padded and channels-last on the CPU, `[N, C, H, W]`
/// elsewhere.
///
/// Elementwise operations that map 0 to 0 may be applied to the tensor as it is.
#[derive(Clone, Debug)]
pub struct Activations {
    pub(super) tensor: Tensor<4>,
    pub(super) dims: [usize; 4],
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
