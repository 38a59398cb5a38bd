//! What a denoiser can do. An algorithm asks for the ability that it needs, so no argument is silently ignored.

use burn::tensor::Tensor;

use crate::{Error, Image, Sigma, SigmaSupport};

/// Facts about a denoiser that users and reports see.
#[derive(Clone, Debug, PartialEq)]
pub struct DenoiserInfo {
    /// Name of the checkpoint or of the classical method.
    pub name: String,
    /// Image channels that it takes: 1 (gray) or 3 (RGB). 0 means any, each channel by itself.
    pub channels: usize,
    /// Noise levels for which it is made.
    pub sigma: SigmaSupport,
    /// Side length in pixels of the input region that one output pixel depends on; 0 if unbounded or unknown.
    pub receptive_field: usize,
    /// sha256 of the weights in hexadecimal, where there are weights.
    pub weights_sha256: Option<String>,
}

/// D(x, sigma): an estimate of a clean image from x = clean + sigma * n, n ~ N(0, I).
///
/// For the minimum mean square error denoiser Tweedie's formula holds: x - D(x, sigma) = -sigma^2 grad log p_sigma(x)
/// (Robbins 1956; Miyasawa 1961; Efron 2011).
pub trait Denoiser: Send + Sync {
    /// Name, channels, noise levels, receptive field, hash of the weights.
    fn info(&self) -> &DenoiserInfo;

    /// D(x, sigma), the same shape as `x`. Never clips, never clamps `sigma`.
    ///
    /// # Errors
    /// [`Error::Shape`] for a channel count other than `info().channels`; [`Error::UnsupportedSigma`] outside
    /// `info().sigma`.
    fn denoise(&self, x: Image, sigma: Sigma) -> Result<Image, Error>;
}

/// A denoiser that takes a noise level for every pixel.
pub trait MapDenoiser: Denoiser {
    /// D(x, sigma) with a level for each pixel; a map that is the same everywhere gives what [`Denoiser::denoise`] gives.
    ///
    /// # Shapes
    /// `x`: `[N, C, H, W]`; `map`: `[N, 1, H, W]`, standard deviations in [0, 1] units.
    ///
    /// # Errors
    /// As [`Denoiser::denoise`], for the least and the largest level; [`Error::Shape`] for a map of another size.
    fn denoise_map(&self, x: Image, map: Image) -> Result<Image, Error>;
}

/// A denoiser through which gradients flow from the output to `x`: what vector-Jacobian products need.
pub trait DifferentiableDenoiser: Denoiser {
    /// D(x, sigma) where `x` may be tracked by autodiff.
    ///
    /// # Errors
    /// As [`Denoiser::denoise`].
    fn forward(&self, x: Tensor<4>, sigma: Sigma) -> Result<Tensor<4>, Error>;
}

/// A gradient-step denoiser D = x - grad g(x, sigma) with g known, so that its Jacobian is symmetric by construction
/// (Hurault, Leclaire and Papadakis 2022).
pub trait GradientDenoiser: Denoiser {
    /// g(x, sigma) per image of the batch, and grad g(x, sigma) = x - D(x, sigma).
    ///
    /// # Errors
    /// As [`Denoiser::denoise`].
    fn potential(&self, x: Image, sigma: Sigma) -> Result<(Vec<f64>, Image), Error>;
}

/// A denoiser that computes on the host in f64, each channel by itself: its difference quotients are not lost in rounding.
pub trait HostDenoiser: Denoiser {
    /// D of one channel, row by row; `size` is `[H, W]`, both at least 1, and `plane` has as many values.
    ///
    /// # Errors
    /// [`Error::NotConverged`] if it iterates and does not reach its tolerance.
    fn denoise_plane(&self, plane: &[f64], size: [usize; 2], sigma: Sigma) -> Result<Vec<f64>, Error>;

    /// The error of a result as far as it comes from the computation, root mean square: f64 rounding, unless the denoiser
    /// iterates to a tolerance.
    fn precision(&self, sigma: Sigma) -> f64 {
        let _ = sigma;
        f64::EPSILON
    }

    /// D of a batch, in `[N, C, H, W]` order.
    ///
    /// # Errors
    /// As [`Denoiser::denoise`] and [`Self::denoise_plane`]; [`Error::Shape`] if there are not as many values as `dims` says, or none.
    fn denoise_values(&self, values: &[f64], dims: [usize; 4], sigma: Sigma) -> Result<Vec<f64>, Error> {
        let [n, c, h, w] = dims;
        if n * c * h * w != values.len() || values.is_empty() {
            return Err(Error::Shape {
                operation: "denoise",
                expected: "[N, C, H, W], none of them 0".to_owned(),
                got: format!("{} values for {dims:?}", values.len()),
            });
        }
        let info = self.info();
        info.sigma.require(&info.name, sigma)?;
        let planes = values
            .chunks(h * w)
            .map(|plane| self.denoise_plane(plane, [h, w], sigma));
        Ok(planes.collect::<Result<Vec<_>, _>>()?.concat())
    }
}
