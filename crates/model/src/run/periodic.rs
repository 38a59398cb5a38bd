//! Images as one period of a periodic image.

use burn::tensor::{Int, Tensor};

/// Continues images periodically by `margin` pixels on every side.
///
/// # Shapes
/// `[N, C, H, W]` to `[N, C, H + 2 margin, W + 2 margin]`.
pub(crate) fn wrap(x: Tensor<4>, margin: usize) -> Tensor<4> {
    [2, 3].into_iter().fold(x, |x, dim| {
        let size = x.dims()[dim];
        // Also where the margin is wider than the image.
        let start = size - margin % size;
        let places: Vec<i32> = (0..size + 2 * margin).map(|i| ((start + i) % size) as i32).collect();
        let places = Tensor::<1, Int>::from_ints(places.as_slice(), &x.device());
        x.select(dim, places)
    })
}

/// Takes the margin of [`wrap`] away.
pub(crate) fn crop(x: Tensor<4>, margin: usize) -> Tensor<4> {
    let [n, c, h, w] = x.dims();
    x.slice([0..n, 0..c, margin..h - margin, margin..w - margin])
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;

    #[test]
    fn the_image_goes_on_beyond_its_borders() {
        let x = Tensor::<1>::from_floats([0.0, 1.0, 2.0, 3.0, 4.0, 5.0], &Device::flex()).reshape([1, 1, 2, 3]);
        let around = wrap(x.clone(), 4);
        assert_eq!(around.dims(), [1, 1, 10, 11]);
        let values = around.clone().into_data().try_into_vec::<f32>().unwrap();
        for (i, value) in values.into_iter().enumerate() {
            // Row -4 + i / 11 and column -4 + i % 11 of the periodic image.
            let (row, column) = ((i / 11) % 2, (i % 11 + 2) % 3);
            assert_eq!(value, (3 * row + column) as f32, "{i}");
        }
        crop(around, 4).into_data().assert_eq(&x.into_data(), true);
    }
}
