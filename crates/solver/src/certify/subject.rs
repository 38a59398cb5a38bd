//! The denoiser under test, with the way to its derivatives.

use serde::Serialize;
use tweedie_imaging::{Denoiser, DifferentiableDenoiser, HostDenoiser, Image, Sigma, image_from_vec};

use super::jacobian::Jacobian;
use super::vectors::host;
use crate::Error;

/// Step of the central differences for `differentiability` of a network: f32 rounding is then 1e-4 of the range, and few
/// units of a network switch.
const NETWORK_STEP: f64 = 1e-3;

/// Least step of the differences of denoisers in f64, a thousandth of a grey level as in the experiments of Reehorst and
/// Schniter 2018, and the least step over the error of the denoiser.
const HOST_STEP: f64 = 1e-3 / 255.0;
const STEPS_OVER_ERROR: f64 = 100.0;

/// A denoiser with the way to its derivatives.
#[derive(Clone, Copy)]
pub enum Subject<'a> {
    /// By vector-Jacobian products of automatic differentiation.
    Autodiff(&'a dyn DifferentiableDenoiser),
    /// By central differences in f64.
    Differences(&'a dyn HostDenoiser),
}

/// How the Jacobians of a certificate were computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Derivatives {
    /// Automatic differentiation.
    Autodiff,
    /// Central differences.
    CentralDifferences,
}

impl<'a> From<&'a dyn DifferentiableDenoiser> for Subject<'a> {
    fn from(denoiser: &'a dyn DifferentiableDenoiser) -> Self {
        Self::Autodiff(denoiser)
    }
}

impl<'a> From<&'a dyn HostDenoiser> for Subject<'a> {
    fn from(denoiser: &'a dyn HostDenoiser) -> Self {
        Self::Differences(denoiser)
    }
}

impl Subject<'_> {
    /// The denoiser.
    pub fn denoiser(&self) -> &dyn Denoiser {
        match self {
            Self::Autodiff(denoiser) => *denoiser,
            Self::Differences(denoiser) => *denoiser,
        }
    }

    /// How its Jacobians are computed.
    pub fn derivatives(&self) -> Derivatives {
        match self {
            Self::Autodiff(_) => Derivatives::Autodiff,
            Self::Differences(_) => Derivatives::CentralDifferences,
        }
    }

    /// D(x) on the host, for values of the shape of `like`; in the denoiser's own precision.
    pub(super) fn denoise(&self, values: &[f64], like: &Image, sigma: Sigma) -> Result<Vec<f64>, Error> {
        match self {
            Self::Autodiff(denoiser) => {
                let values = values.iter().map(|&v| v as f32).collect();
                host(&denoiser.denoise(image_from_vec(values, like.dims(), &like.device())?, sigma)?)
            }
            Self::Differences(denoiser) => Ok(denoiser.denoise_values(values, like.dims(), sigma)?),
        }
    }

    /// The Jacobian at x, `[1, C, H, W]`.
    ///
    /// # Errors
    /// As [`super::vjp`] for automatic differentiation; else what the denoiser says.
    pub fn jacobian(&self, x: &Image, sigma: Sigma) -> Result<Jacobian, Error> {
        match self {
            Self::Autodiff(denoiser) => Jacobian::by_autodiff(*denoiser, x, sigma),
            Self::Differences(denoiser) => Jacobian::by_host_differences(*denoiser, x, sigma, self.step(sigma)),
        }
    }

    /// The Jacobian at x by differences that [`Self::jacobian`] does not use: of a network in f32, of a denoiser in f64
    /// with a step four times as long. Where D is differentiable, both are the same but for rounding and curvature.
    ///
    /// # Errors
    /// What the denoiser says.
    pub(super) fn second_jacobian(&self, x: &Image, sigma: Sigma) -> Result<Jacobian, Error> {
        match self {
            Self::Autodiff(denoiser) => Jacobian::by_differences(*denoiser, x, sigma, NETWORK_STEP),
            Self::Differences(denoiser) => Jacobian::by_host_differences(*denoiser, x, sigma, 4.0 * self.step(sigma)),
        }
    }

    fn step(&self, sigma: Sigma) -> f64 {
        match self {
            Self::Autodiff(_) => NETWORK_STEP,
            Self::Differences(denoiser) => HOST_STEP.max(STEPS_OVER_ERROR * denoiser.precision(sigma)),
        }
    }
}
