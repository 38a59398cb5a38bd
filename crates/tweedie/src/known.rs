//! What is proven of a denoiser by how it is built, its weights included.

use tweedie_denoisers::Classical;
use tweedie_model::NetworkDenoiser;
use tweedie_solver::certify::Known;

use crate::Result;

/// What is proven of a classical denoiser on patches of this size.
pub(crate) fn known_of_classical(method: Classical, sides: Option<[usize; 2]>) -> Known {
    let proximal = match method {
        // Elsewhere the transform is one of the extended patch.
        Classical::Haar if sides.is_some_and(|sides| sides.iter().all(|side| side.is_multiple_of(4))) => {
            Some("sigma times the l1 norm of its Haar coefficients")
        }
        Classical::TotalVariation => Some("0.8 sigma TV, up to the tolerance of its iterations"),
        _ => None,
    };
    let kinks = match method {
        Classical::Median => "almost everywhere only: where the median moves to another pixel",
        Classical::Haar => "almost everywhere only: at the threshold",
        Classical::NonLocalMeans => "almost everywhere only: where patches differ by the noise alone",
        Classical::TotalVariation => "almost everywhere only: where regions of equal value part",
    };
    Known {
        proximal,
        kinks: Some(kinks),
        ..Known::default()
    }
}

/// What is proven of a network.
///
/// # Errors
/// If the weights cannot be read back from the device.
pub(crate) fn known_of_network(denoiser: &NetworkDenoiser) -> Result<Known> {
    let proven = denoiser.network().proven()?;
    Ok(Known {
        gradient_step: proven.gradient_step,
        regular_potential: proven.regular_potential,
        proximal: proven
            .proximal
            .then_some("a convex function, by how it is built and by its weights"),
        kinks: (!proven.smooth).then_some("almost everywhere only: ReLU or linear splines"),
        lipschitz: proven.lipschitz,
        residual_lipschitz: proven.residual_lipschitz,
        averaged: proven.averaged,
    })
}
