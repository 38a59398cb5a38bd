//! Potentials of the form g = 1/2 ||R||^2.

use burn::tensor::Tensor;
use tweedie_imaging::{Error, Image, Sigma, vec_from_image};

use super::tiling::{self, Tiles};

/// R and what is made of it, both `[N, C, H, W]`.
pub(crate) struct HalfSquare {
    /// R(x, sigma); g is half its squared norm.
    pub residual: Tensor<4>,
    /// grad g = J_R^T R.
    pub gradient: Tensor<4>,
}

/// g(x, sigma) of each image, and grad g. R and the gradient are local, so large images are cut into tiles.
///
/// # Errors
/// If the device fails.
pub(crate) fn half_square(
    x: Image,
    sigma: Sigma,
    tiles: Tiles,
    of_tile: impl Fn(Tensor<4>, Tensor<1>) -> HalfSquare,
) -> Result<(Vec<f64>, Image), Error> {
    let [n, c, _, _] = x.dims();
    let both = tiling::map_tiles(x, tiles, |tile| {
        let levels = Tensor::full([tile.dims()[0]], sigma.value(), &tile.device());
        let HalfSquare { residual, gradient } = of_tile(tile, levels);
        Tensor::cat(vec![residual, gradient], 1)
    });
    let residual = both.clone().narrow(1, 0, c);
    let values = vec_from_image(&residual)?;
    // In f64: solvers compare energies that differ little.
    let potentials = values
        .chunks(values.len() / n)
        .map(|image| 0.5 * image.iter().map(|&v| f64::from(v).powi(2)).sum::<f64>())
        .collect();
    Ok((potentials, both.narrow(1, c, c)))
}
