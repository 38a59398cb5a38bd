//! What a file's tensors turned out to be.

use crate::Architecture;
use crate::weights::Weights;

/// A network in our terms.
pub(in crate::files::import) struct Recognised {
    pub architecture: Architecture,
    pub weights: Weights,
}
