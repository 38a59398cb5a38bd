//! The algorithms, one a file.

use crate::Parameter;

mod pnp_admm;
mod pnp_hqs;
mod red_gd;

pub use pnp_admm::{PnpAdmm, PnpAdmmParams};
pub use pnp_hqs::{PnpHqs, PnpHqsParams};
pub use red_gd::{RedGd, RedGdParams};

/// Weight of the prior, the same scale in every algorithm: see [`crate::Problem`].
const STRENGTH: Parameter = Parameter {
    name: "strength",
    unit: "",
    meaning: "weight of the prior against the data; 1 is the maximum a posteriori estimate",
};

/// Noise level of algorithms that keep one.
const SIGMA: Parameter = Parameter {
    name: "sigma",
    unit: "in [0,1] units",
    meaning: "noise level for the denoiser, or a schedule; auto: the geometric mean of 49/255 and the noise level",
};

/// Step of algorithms that take gradient steps.
const STEP: Parameter = Parameter {
    name: "step",
    unit: "",
    meaning: "step of the gradient, or a schedule; auto: from the Lipschitz constant of the data and the strength",
};
