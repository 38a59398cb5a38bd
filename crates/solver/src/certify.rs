//! Certificates: which conditions of the theory a denoiser meets, measured on images.
//!
//! All numbers are for the image range [0, 1] and for noisy inputs x = clean + sigma n, where iterations call the
//! denoiser. A measurement can refute a condition, with a counter-example, and can never prove one.

mod condition;
mod estimate;
mod jacobian;
mod known;
mod lanczos;
mod level;
mod pairs;
mod patch;
mod subject;
mod text;
mod vectors;
mod verdict;
mod whole;

use tweedie_imaging::{Image, Sigma, noise};

pub use condition::{Condition, Status};
pub use estimate::Estimate;
pub use jacobian::{Jacobian, vjp};
pub use known::Known;
pub use lanczos::{Extreme, largest_eigenvalue};
pub use level::LevelMeasures;
pub use pairs::{PairMeasures, measure_pairs};
pub use patch::{PatchMeasures, measure_patch};
pub use subject::{Derivatives, Subject};
pub use verdict::{Theorem, verdict};
pub use whole::{WholeMeasures, measure_whole};

use crate::Error;

/// What to sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CertifyOptions {
    /// Side of the square patches on which whole Jacobians are computed.
    pub patch: usize,
    /// Patches; the first ones are the images' centres, the others lie at seeded random places.
    pub samples: usize,
    /// Seed of places and noise.
    pub seed: u64,
}

impl Default for CertifyOptions {
    /// 16 x 16 patches as in Reehorst and Schniter 2018; 17 of them, as many as that study has images.
    fn default() -> Self {
        Self {
            patch: 16,
            samples: 17,
            seed: 0,
        }
    }
}

/// Measures a denoiser at one noise level on noisy patches of clean images.
///
/// # Shapes
/// Images `[1, C, H, W]`, each at least `options.patch` high and wide.
///
/// # Errors
/// As [`certify_patches`]; [`Error::Imaging`] if there is no image, or an image is smaller than a patch.
pub fn certify<'a>(
    subject: impl Into<Subject<'a>>,
    images: &[Image],
    sigma: Sigma,
    options: CertifyOptions,
) -> Result<LevelMeasures, Error> {
    certify_patches(subject, &noisy_patches(images, sigma, options)?, sigma)
}

/// Measures a denoiser at one noise level on patches that hold their noise already.
///
/// # Shapes
/// Patches `[1, C, H, W]`, all the same.
///
/// # Errors
/// [`Error::Imaging`] if there is no patch, shapes differ, or the denoiser fails; [`Error::NotDifferentiable`] if its
/// output does not depend on the input.
pub fn certify_patches<'a>(
    subject: impl Into<Subject<'a>>,
    patches: &[Image],
    sigma: Sigma,
) -> Result<LevelMeasures, Error> {
    let subject = subject.into();
    let dims: Vec<_> = patches.iter().map(Image::dims).collect();
    if dims.is_empty() || dims.iter().any(|d| *d != dims[0] || d[0] != 1) {
        return Err(refused(
            "patches [1, C, H, W], all the same".to_owned(),
            format!("{dims:?}"),
        ));
    }
    let measures = patches
        .iter()
        .map(|x| measure_patch(subject, x, sigma))
        .collect::<Result<Vec<_>, _>>()?;
    let pairs = measure_pairs(subject, patches, sigma)?;
    let of = |f: fn(&PatchMeasures) -> f64| Estimate::from_samples(measures.iter().map(f));
    Ok(LevelMeasures {
        sigma,
        samples: measures.len(),
        derivatives: subject.derivatives(),
        jacobian_asymmetry: of(|m| m.jacobian_asymmetry),
        homogeneity_1: of(|m| m.homogeneity_1),
        homogeneity_2: of(|m| m.homogeneity_2),
        spectral_norm_j: of(|m| m.spectral_norm_j.value),
        spectral_norm_residual: of(|m| m.spectral_norm_residual.value),
        spectral_norm_reflection: of(|m| m.spectral_norm_reflection.value),
        symmetric_part_max: of(|m| m.symmetric_part_max.value),
        passivity: of(|m| m.passivity),
        differentiability: of(|m| m.differentiability),
        expansion: Estimate::from_samples(pairs.iter().filter_map(|m| m.expansion)),
        demicontractivity: Estimate::from_samples(pairs.iter().filter_map(|m| m.demicontractivity)),
        fixed_point_error: Estimate::from_samples(pairs.iter().map(|m| m.fixed_point_error)),
        converged: measures.iter().all(|m| {
            let iterated = [
                m.spectral_norm_j,
                m.spectral_norm_residual,
                m.spectral_norm_reflection,
                m.symmetric_part_max,
            ];
            iterated.iter().all(|extreme| extreme.converged)
        }),
    })
}

/// Noisy patches of the images: their centres first, then seeded random places.
fn noisy_patches(images: &[Image], sigma: Sigma, options: CertifyOptions) -> Result<Vec<Image>, Error> {
    let side = options.patch;
    if images.is_empty() || options.samples == 0 || side == 0 {
        let got = format!("{} images, {} samples, patch {side}", images.len(), options.samples);
        return Err(refused("at least one image, one sample and one pixel".to_owned(), got));
    }
    // Two uniform numbers in [0, 1] a sample; a stream of its own keeps places and noise apart.
    let places = noise::gaussian_values(2 * options.samples, 1.0, options.seed, u64::MAX);
    (0..options.samples)
        .map(|index| {
            let image = &images[index % images.len()];
            let [n, _, h, w] = image.dims();
            if n != 1 || h < side || w < side {
                return Err(refused(
                    format!("[1, C, H, W] with H, W >= {side}"),
                    format!("{:?}", image.dims()),
                ));
            }
            let (top, left) = if index < images.len() {
                ((h - side) / 2, (w - side) / 2)
            } else {
                // A Gaussian's fractional part is uniform to well under a percent, which is enough for places.
                let at = |draw: f32, room: usize| ((draw * 16.0).rem_euclid(1.0) * (room + 1) as f32) as usize;
                (
                    at(places[2 * index], h - side).min(h - side),
                    at(places[2 * index + 1], w - side).min(w - side),
                )
            };
            let clean = image.clone().narrow(2, top, side).narrow(3, left, side);
            let added = noise::gaussian(clean.dims(), sigma, options.seed, index as u64, &clean.device())?;
            Ok(clean + added)
        })
        .collect()
}

fn refused(expected: String, got: String) -> Error {
    tweedie_imaging::Error::Shape {
        operation: "certify",
        expected,
        got,
    }
    .into()
}
