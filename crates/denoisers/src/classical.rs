//! The denoisers on planes by name.

use std::sync::Arc;

use tweedie_imaging::HostDenoiser;

use crate::{ByPlane, HaarThreshold, Median, NonLocalMeans, PlaneMethod, TotalVariation};

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
            Self::Median => Median::NAME,
            Self::Haar => HaarThreshold::NAME,
            Self::NonLocalMeans => NonLocalMeans::NAME,
            Self::TotalVariation => TotalVariation::NAME,
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
            Self::Median => Arc::new(ByPlane::new(Median)),
            Self::Haar => Arc::new(ByPlane::new(HaarThreshold)),
            Self::NonLocalMeans => Arc::new(ByPlane::new(NonLocalMeans)),
            Self::TotalVariation => Arc::new(ByPlane::new(TotalVariation::default())),
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
