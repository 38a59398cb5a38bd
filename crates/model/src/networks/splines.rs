//! Slopes of odd linear splines, and the scale of the noise that they work at: what networks of proven bounds share.

use burn::module::Param;
use burn::tensor::{Device, Tensor};

use super::host::host;
use crate::Error;
use crate::conv::init;

/// The filters act on x / (sigma + this), which is defined at sigma = 0 too: a fortieth of a grey level.
pub(crate) const LEAST_SIGMA: f64 = 1e-4;

/// Slopes of Huber's function, 1 up to a third of the segments and 0 beyond.
pub(crate) fn initial_slopes(dims: [usize; 2], id: u64, device: &Device) -> Param<Tensor<2>> {
    let [channels, segments] = dims;
    let slope = |at: usize| if at % segments < segments / 3 { 1.0 } else { 0.0 };
    init::param((0..channels * segments).map(slope).collect(), dims, id, device)
}

/// The nearest slopes in [0, 1].
pub(crate) fn clamped_slopes(slopes: Param<Tensor<2>>) -> Result<Param<Tensor<2>>, Error> {
    let (values, dims) = (host(slopes.val())?, slopes.val().dims());
    Ok(match values.iter().all(|slope| (0.0..=1.0).contains(slope)) {
        true => slopes,
        false => init::replaced(
            slopes,
            values.into_iter().map(|slope| slope.clamp(0.0, 1.0)).collect(),
            dims,
        ),
    })
}

/// The least and the largest slope.
pub(crate) fn slope_range(slopes: &Param<Tensor<2>>) -> Result<[f64; 2], Error> {
    let values = host(slopes.val())?;
    let range = values
        .into_iter()
        .fold([f32::INFINITY, f32::NEG_INFINITY], |[least, largest], slope| {
            [least.min(slope), largest.max(slope)]
        });
    Ok(range.map(f64::from))
}

/// s = sigma + 1e-4, `[N, 1, 1, 1]`.
pub(crate) fn scale(sigma: Tensor<1>) -> Tensor<4> {
    let [n] = sigma.dims();
    (sigma + LEAST_SIGMA).reshape([n, 1, 1, 1])
}
