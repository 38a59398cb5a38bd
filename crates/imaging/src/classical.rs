//! Denoisers without weights, each from its paper: priors that need no training, and known cases for certificates.
//!
//! All take images of any size and any number of channels, each channel by itself, and compute on the host in f64: the
//! result does not depend on the device, and difference quotients of D are not lost in f32 rounding. All are homogeneous
//! in the image and the noise level together, D(c x, c sigma) = c D(x, sigma) for c > 0.

mod haar;
mod median;
mod nlm;
mod planes;
mod tv;

use std::sync::Arc;

pub use haar::HaarThreshold;
pub use median::Median;
pub use nlm::NonLocalMeans;
pub use tv::TotalVariation;

use crate::HostDenoiser;

/// The classical denoisers by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Classical {
    /// [`Median`].
    Median,
    /// [`HaarThreshold`].
    Haar,
    /// [`NonLocalMeans`].
    NonLocalMeans,
    /// [`TotalVariation`].
    TotalVariation,
}

impl Classical {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Median, Self::Haar, Self::NonLocalMeans, Self::TotalVariation];

    /// The name by which users choose it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Median => "median",
            Self::Haar => "haar",
            Self::NonLocalMeans => "nlm",
            Self::TotalVariation => "tv",
        }
    }

    /// The one of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|classical| classical.name() == name)
    }

    /// What it is, in one line.
    pub fn description(self) -> &'static str {
        match self {
            Self::Median => "median of 3x3 pixels, whatever the noise level",
            Self::Haar => "soft thresholding of Haar wavelet coefficients at sigma",
            Self::NonLocalMeans => "non-local means",
            Self::TotalVariation => "proximal operator of sigma times the total variation",
        }
    }

    /// The denoiser, with its own defaults.
    pub fn denoiser(self) -> Arc<dyn HostDenoiser> {
        match self {
            Self::Median => Arc::new(Median::default()),
            Self::Haar => Arc::new(HaarThreshold::default()),
            Self::NonLocalMeans => Arc::new(NonLocalMeans::default()),
            Self::TotalVariation => Arc::new(TotalVariation::default()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_to_denoisers_of_that_name() {
        for classical in Classical::ALL {
            assert_eq!(Classical::from_name(classical.name()), Some(classical));
            let denoiser = classical.denoiser();
            assert_eq!(denoiser.info().name, classical.name());
            assert_eq!((denoiser.info().channels, &denoiser.info().weights_sha256), (0, &None));
        }
        assert_eq!(Classical::from_name("Median"), None);
    }
}
