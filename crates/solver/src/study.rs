//! Studies: how fast an algorithm converges, and how strong the prior should be.
//!
//! * [`measure_convergence`] runs an algorithm against its own limit; [`fit_rate`] turns the curves into rates, and
//!   [`spectral_radius`] gives the rate that theory promises where the iteration is affine.
//! * [`sweep`] restores one measurement over a grid of strengths and [`Observations::choose`] applies a parameter-choice
//!   [`Rule`]; [`fit_power`] gives the exponent of an error against the noise level.

mod convergence;
mod fit;
mod rule;
mod spectral;
mod sweep;

pub use convergence::{Convergence, ConvergenceRow, Limit, Theory, measure_convergence};
pub use fit::{CurveShape, PowerFit, Rate, RateFit, RateModel, fit_power, fit_rate};
pub use rule::Rule;
pub use spectral::{SpectralRadius, spectral_radius};
pub use sweep::{Candidate, Observations, PROBE_STEP, logarithmic_grid, sweep};
