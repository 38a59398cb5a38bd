//! The solvers, one a file: plain values with their parameters.

use crate::Parameter;

mod diffpir;
mod gs_pnp;
mod pnp_admm;
mod pnp_drs;
mod pnp_fista;
mod pnp_hqs;
mod pnp_pgd;
mod prox_pnp;
mod red_admm;
mod red_apg;
mod red_dpg;
mod red_fp;
mod red_gd;
mod red_pg;
mod red_pro;
mod red_pro_relaxed;

pub use diffpir::DiffPir;
pub use gs_pnp::GsPnp;
pub use pnp_admm::PnpAdmm;
pub use pnp_drs::PnpDrs;
pub use pnp_fista::PnpFista;
pub use pnp_hqs::PnpHqs;
pub use pnp_pgd::PnpPgd;
pub use prox_pnp::ProxPnp;
pub use red_admm::RedAdmm;
pub use red_apg::RedApg;
pub use red_dpg::RedDpg;
pub use red_fp::RedFp;
pub use red_gd::RedGd;
pub use red_pg::RedPg;
pub use red_pro::RedPro;
pub use red_pro_relaxed::RedProRelaxed;

/// Weight of the prior, the same scale in every algorithm: see [`crate::Problem`].
const STRENGTH: Parameter = Parameter {
    name: "strength",
    unit: "",
    meaning: "weight of the prior against the data; 1 would be the maximum a posteriori estimate for an ideal denoiser",
};

/// Noise level of algorithms that keep one.
const SIGMA: Parameter = Parameter {
    name: "sigma",
    unit: "in [0,1] units",
    meaning: "noise level for the denoiser, or a schedule; auto: the geometric mean of 49/255 and the noise level, at least 20/255",
};

/// Noise level of the RED family.
const RED_SIGMA: Parameter = Parameter {
    meaning: "noise level for the denoiser, or a schedule; auto: falling over the run from 49/255 to the noise level, at \
              least 4.5/255",
    ..SIGMA
};

/// Step of algorithms that take gradient steps of the data.
const STEP: Parameter = Parameter {
    name: "step",
    unit: "",
    meaning: "step of the gradient, or a schedule; auto: from the Lipschitz constant of the data and the weight",
};
