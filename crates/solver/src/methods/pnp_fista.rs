//! Plug-and-play FISTA.

use tweedie_imaging::Image;

use super::pnp_pgd::{PGD_PARAMETERS, PnpPgd, PnpPgdParams};
use crate::{About, Acceleration, Error, FixedPointMap, Mapped, Method, Problem, RunSettings};

/// Plug-and-play FISTA: [`PnpPgd`] with the momentum of [`Acceleration::Nesterov`] (Kamilov, Mansour and Wohlberg 2017):
///
/// x_(k+1) = D(w_k - mu grad l(w_k), sigma), w_(k+1) = x_(k+1) + (t_k - 1)/t_(k+1) (x_(k+1) - x_k).
///
/// For a linear D = W for which W (I - mu A^T A) has real eigenvalues in [0, r], r < 1, the error falls by the factor
/// sqrt(r) an iteration in the limit: with momentum b each eigenvalue q gives m^2 - (1 + b) q m + b q = 0, and b -> 1
/// (Sinha and Chaudhury 2024, arXiv 2411.10808).
#[derive(Debug)]
pub struct PnpFista(PnpPgd);

/// Parameters of [`PnpFista`].
pub type PnpFistaParams = PnpPgdParams;

impl Method for PnpFista {
    type Params = PnpFistaParams;
    const ACCELERATION: Acceleration = Acceleration::Nesterov;
    const ABOUT: About = About {
        name: "pnp-fista",
        summary: "plug-and-play proximal gradient descent with Nesterov's momentum",
        assumptions: "smooth l; no guarantee for general D, averaged or not; if D is the proximal operator of a \
                      convex phi and the step at most 1/L, l + phi/step falls to its minimum (Beck and Teboulle \
                      2009); linear rate for least squares, a linear symmetric D with eigenvalues in [0, 1] that \
                      keeps no image that A does not see, and a step up to 1/L (Sinha and Chaudhury 2024)",
        source: "Kamilov, Mansour, Wohlberg 2017; Beck and Teboulle 2009",
        iterations: 20,
        parameters: &PGD_PARAMETERS,
    };

    fn new(params: PnpFistaParams, problem: Problem, run: RunSettings) -> Result<Self, Error> {
        PnpPgd::named(Self::ABOUT.name, 1.0, params, problem, run).map(Self)
    }
}

impl FixedPointMap for PnpFista {
    fn apply(&self, w: &Image, k: u32) -> Result<Mapped, Error> {
        self.0.apply(w, k)
    }

    fn settled_from(&self) -> u32 {
        self.0.settled_from()
    }
}
