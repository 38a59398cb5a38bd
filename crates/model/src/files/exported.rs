//! The metadata of an export, which import reads.

use serde::{Deserialize, Serialize};

use super::noise_range::NoiseRange;
use crate::Architecture;

/// The key of [`Exported`] in the file's metadata, as JSON.
pub(crate) const METADATA: &str = "tweedie";

/// What the parameters' names do not say.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Exported {
    pub architecture: Architecture,
    pub noise: NoiseRange,
}
