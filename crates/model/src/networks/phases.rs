//! Images as four phases at half the resolution, and sizes that fit.

use burn::tensor::Tensor;

/// Repeats the last row and the last column until height and width are multiples of `multiple`.
pub(crate) fn extend_to_multiple(x: Tensor<4>, multiple: usize) -> Tensor<4> {
    let [_, _, h, w] = x.dims();
    extend_to(x, [h, w].map(|size| size.next_multiple_of(multiple)))
}

/// Repeats the last row and the last column until the image has this size.
pub(crate) fn extend_to(x: Tensor<4>, [h, w]: [usize; 2]) -> Tensor<4> {
    repeat_last(repeat_last(x, 2, h), 3, w)
}

/// The adjoint of [`extend_to`] for images of this size: adds the repeated rows and columns to the last ones.
pub(crate) fn fold_back(x: Tensor<4>, size: [usize; 2]) -> Tensor<4> {
    [2, 3].into_iter().zip(size).fold(x, |x, (dim, size)| {
        let whole = x.dims()[dim];
        if whole == size {
            return x;
        }
        let last = x.clone().narrow(dim, size - 1, whole - size + 1).sum_dim(dim);
        match size {
            1 => last,
            _ => Tensor::cat(vec![x.narrow(dim, 0, size - 1), last], dim),
        }
    })
}

/// Repeats the last row (`dim` 2) or column (`dim` 3) until there are `size` of them.
fn repeat_last(x: Tensor<4>, dim: usize, size: usize) -> Tensor<4> {
    let mut dims = x.dims();
    let missing = size - dims[dim];
    if missing == 0 {
        return x;
    }
    let last = x.clone().narrow(dim, dims[dim] - 1, 1);
    dims[dim] = missing;
    Tensor::cat(vec![x, last.expand(dims)], dim)
}

/// Appends rows and columns of zeros until height and width are multiples of `multiple`. Cropping is the adjoint, and
/// neither expands distances.
pub(crate) fn zero_extended(x: Tensor<4>, multiple: usize) -> Tensor<4> {
    [2, 3].into_iter().fold(x, |x, dim| {
        let mut dims = x.dims();
        let missing = dims[dim].next_multiple_of(multiple) - dims[dim];
        if missing == 0 {
            return x;
        }
        dims[dim] = missing;
        let zeros = Tensor::zeros(dims, &x.device());
        Tensor::cat(vec![x, zeros], dim)
    })
}

/// `[N, C, H, W]` to `[N, 4 C, H/2, W/2]`, channel 4 c + 2 row + column, as PyTorch's `pixel_unshuffle`.
pub(crate) fn phases_from_image(x: Tensor<4>) -> Tensor<4> {
    let [n, c, h, w] = x.dims();
    x.reshape([n, c, h / 2, 2, w / 2, 2])
        .permute([0, 1, 3, 5, 2, 4])
        .reshape([n, 4 * c, h / 2, w / 2])
}

/// The inverse of [`phases_from_image`].
pub(crate) fn image_from_phases(x: Tensor<4>) -> Tensor<4> {
    let [n, c4, h, w] = x.dims();
    x.reshape([n, c4 / 4, 2, 2, h, w])
        .permute([0, 1, 4, 2, 5, 3])
        .reshape([n, c4 / 4, 2 * h, 2 * w])
}

/// The mean of the four phases: `[N, C, H, W]` to `[N, C, H/2, W/2]`.
pub(crate) fn mean_of_phases(x: Tensor<4>) -> Tensor<4> {
    let [n, c, h, w] = x.dims();
    let phases = phases_from_image(x).reshape([n, c, 4, h / 2 * (w / 2)]);
    phases.mean_dim(2).reshape([n, c, h / 2, w / 2])
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;

    #[test]
    fn phases_are_in_pytorch_order_and_invert() {
        let device = Device::flex();
        let x = Tensor::<1>::from_floats([0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0], &device).reshape([1, 1, 2, 4]);
        let phases = phases_from_image(x.clone());
        let values = phases.clone().into_data().try_into_vec::<f32>().unwrap();
        assert_eq!(values, [0.0, 2.0, 1.0, 3.0, 4.0, 6.0, 5.0, 7.0]);
        image_from_phases(phases).into_data().assert_eq(&x.into_data(), true);
    }

    #[test]
    fn sizes_are_extended_by_the_last_row_and_column() {
        let device = Device::flex();
        let x = Tensor::<1>::from_floats([0.0, 1.0, 2.0, 3.0, 4.0, 5.0], &device).reshape([1, 1, 2, 3]);
        let values = extend_to_multiple(x, 4).into_data().try_into_vec::<f32>().unwrap();
        let second = [3.0, 4.0, 5.0, 5.0];
        assert_eq!(values, [[0.0, 1.0, 2.0, 2.0], second, second, second].concat());
    }
}
