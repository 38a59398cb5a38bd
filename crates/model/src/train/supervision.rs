//! What a network learns from: clean pictures, or noisy ones alone.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// `[supervision]`
///
/// All but [`Supervision::Clean`] see noisy pictures alone: where they are simulated from clean ones, the noise of each
/// picture is drawn once, at a level of its own within `[noise]`, and stays the same throughout the run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub enum Supervision {
    /// Clean pictures, with fresh noise in every crop.
    #[default]
    Clean,
    /// Two noisy versions of each picture; one is the target of the other (Lehtinen et al. 2018).
    Noise2noise {
        /// Folders with the second versions, in the same order as `data.folders` and with the same file names; then the
        /// pictures are noisy as they are, and `[noise]` says their one level. Without folders both are simulated.
        #[serde(default)]
        second: Vec<PathBuf>,
    },
    /// One noisy version of each picture, and Stein's unbiased estimate of the mean squared error (Stein 1981) with the
    /// divergence by one random probe (Ramani, Blu and Unser 2008; Metzler et al. 2018).
    Sure {
        /// Whether the pictures are noisy as they are, and `[noise]` says their one level; else they are simulated.
        #[serde(default)]
        noisy: bool,
    },
}

impl Supervision {
    /// Whether the pictures in `data.folders` hold their noise already.
    pub fn takes_noisy_pictures(&self) -> bool {
        match self {
            Self::Clean => false,
            Self::Noise2noise { second } => !second.is_empty(),
            Self::Sure { noisy } => *noisy,
        }
    }

    /// Whether clean pictures are the targets.
    pub fn is_clean(&self) -> bool {
        *self == Self::Clean
    }
}
