//! A grid of strengths, and the rule that chooses from it.

use tweedie_imaging::{Denoiser, Image, Sigma, psnr};
use tweedie_operators::LinearOperator;
use tweedie_operators::rules::{self, Choice};

use super::Rule;
use crate::Error;
use crate::measure::{inner_products, norms_sq};

/// Size of the perturbation by which the divergence is estimated, in image units: between rounding (1e-7) and the scale
/// on which networks bend (1e-2).
pub const PROBE_STEP: f64 = 1e-3;

/// `count` values with a constant ratio from `from` to `to`, both included, increasing.
///
/// # Errors
/// [`Error::Study`] unless 0 < `from` < `to` are finite and `count` >= 3, the fewest with an interior.
pub fn logarithmic_grid(from: f64, to: f64, count: usize) -> Result<Vec<f64>, Error> {
    if !(from > 0.0 && from < to && to.is_finite() && count >= 3) {
        return Err(Error::Study {
            setting: "grid",
            expected: "0 < from < to and at least 3 values".to_owned(),
            got: format!("from {from} to {to}, {count} values"),
        });
    }
    let last = (count - 1) as f64;
    Ok((0..count).map(|i| from * (to / from).powf(i as f64 / last)).collect())
}

/// One strength of a sweep.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// The strength.
    pub strength: f64,
    /// The restoration of y, `[1, C, H, W]`.
    pub image: Image,
    /// The restoration of y + [`PROBE_STEP`] b, where a probe b was given.
    pub perturbed: Option<Image>,
}

/// Restores y, and with `probe` b also y + [`PROBE_STEP`] b, at each strength.
///
/// `restore(y, strength, last)` gives the image, or `None` for a run that is to be left out because it diverged; `last`
/// is the restoration of the same data at the strength before, for a warm start where that changes nothing but the time.
///
/// # Errors
/// What `restore` fails with.
pub fn sweep<E>(
    strengths: &[f64],
    y: &Image,
    probe: Option<&Image>,
    mut restore: impl FnMut(&Image, f64, Option<&Image>) -> Result<Option<Image>, E>,
) -> Result<Vec<Candidate>, E> {
    let shifted = probe.map(|probe| y.clone() + probe.clone() * PROBE_STEP);
    let mut candidates: Vec<Candidate> = Vec::with_capacity(strengths.len());
    for &strength in strengths {
        let last = candidates.last();
        let Some(image) = restore(y, strength, last.map(|last| &last.image))? else {
            continue;
        };
        let perturbed = match &shifted {
            None => None,
            Some(shifted) => match restore(shifted, strength, last.and_then(|last| last.perturbed.as_ref()))? {
                Some(perturbed) => Some(perturbed),
                None => continue,
            },
        };
        candidates.push(Candidate {
            strength,
            image,
            perturbed,
        });
    }
    Ok(candidates)
}

/// What the rules are told besides the restorations.
#[derive(Clone, Copy)]
pub struct Observations<'a> {
    /// A.
    pub operator: &'a dyn LinearOperator,
    /// y.
    pub y: &'a Image,
    /// The noise level s of y.
    pub noise: Sigma,
    /// How many values of y were measured, m.
    pub measured: usize,
    /// b of the perturbed restorations: independent entries of mean 0 and variance 1, 0 where y is not measured.
    pub probe: Option<&'a Image>,
    /// The denoiser, whose x - D(x, level) is the L-curve's penalty.
    pub denoiser: &'a dyn Denoiser,
    /// Its level.
    pub level: Sigma,
    /// The true image, for [`Rule::Oracle`] alone.
    pub truth: Option<&'a Image>,
}

impl Observations<'_> {
    /// The rule's choice among `candidates`, which are in order of increasing strength; `None` where they do not hold what
    /// it looks for.
    ///
    /// Discrepancy: tau = 1. Balancing: kappa = 1, with the noise of x_j linearised, s ||x_j(y + e b) - x_j(y)|| / e.
    ///
    /// # Errors
    /// [`Error::Study`] if the rule needs noise, a probe or the truth and there is none, and what denoiser or operator
    /// fail with.
    pub fn choose(&self, rule: Rule, candidates: &[Candidate]) -> Result<Option<Choice>, Error> {
        let refuse = |expected: &str| Error::Study {
            setting: "rule",
            expected: expected.to_owned(),
            got: rule.name().to_owned(),
        };
        if rule.needs_noise() && self.noise.value() == 0.0 {
            return Err(refuse("one that needs no noise level for data without noise"));
        }
        let noise_norm = self.noise.value() * (self.measured as f64).sqrt();
        Ok(match rule {
            Rule::Discrepancy => rules::discrepancy(&self.residual_norms(candidates)?, noise_norm, 1.0)?,
            Rule::QuasiOptimality => {
                let strengths: Vec<f64> = candidates.iter().map(|c| c.strength).collect();
                let steps = candidates
                    .windows(2)
                    .map(|pair| distance(&pair[1].image, &pair[0].image))
                    .collect::<Result<Vec<_>, _>>()?;
                rules::quasi_optimality(&strengths, &steps)?
            }
            Rule::Balancing => self.balancing(candidates, || refuse("restorations of perturbed data"))?,
            Rule::LCurve => {
                let penalties = candidates
                    .iter()
                    .map(|c| {
                        let denoised = self.denoiser.denoise(c.image.clone(), self.level)?;
                        Ok(distance(&c.image, &denoised)?)
                    })
                    .collect::<Result<Vec<_>, Error>>()?;
                rules::l_curve(&self.residual_norms(candidates)?, &penalties)?
            }
            Rule::Sure => {
                let probe = self.probe.ok_or_else(|| refuse("a rule without probe"))?;
                let mut risks = Vec::with_capacity(candidates.len());
                for (candidate, residual) in candidates.iter().zip(self.residual_norms(candidates)?) {
                    let perturbed = candidate.perturbed.as_ref();
                    let perturbed = perturbed.ok_or_else(|| refuse("restorations of perturbed data"))?;
                    let moved = self.operator.apply(perturbed.clone() - candidate.image.clone())?;
                    let divergence = inner_products(&[(probe, &moved)])?[0] / PROBE_STEP;
                    risks.push(rules::sure(residual, divergence, self.noise.value(), self.measured)?);
                }
                rules::smallest(&risks)?
            }
            Rule::Oracle => {
                let truth = self.truth.ok_or_else(|| refuse("a rule that needs no truth"))?;
                let losses = candidates
                    .iter()
                    .map(|c| Ok(-psnr(&c.image, truth)?.first().copied().unwrap_or(f64::NEG_INFINITY)))
                    .collect::<Result<Vec<_>, Error>>()?;
                rules::smallest(&losses)?.map(|choice| Choice {
                    score: -choice.score,
                    ..choice
                })
            }
        })
    }

    /// ||A x - y|| of each candidate.
    pub fn residual_norms(&self, candidates: &[Candidate]) -> Result<Vec<f64>, Error> {
        candidates
            .iter()
            .map(|c| Ok(distance(&self.operator.apply(c.image.clone())?, self.y)?))
            .collect()
    }

    fn balancing(&self, candidates: &[Candidate], missing: impl Fn() -> Error) -> Result<Option<Choice>, Error> {
        let noise = candidates
            .iter()
            .map(|c| {
                let perturbed = c.perturbed.as_ref().ok_or_else(&missing)?;
                Ok(self.noise.value() / PROBE_STEP * distance(perturbed, &c.image)?)
            })
            .collect::<Result<Vec<_>, Error>>()?;
        let mut failed = None;
        let choice = rules::balancing(&noise, 1.0, |i, j| {
            distance(&candidates[i].image, &candidates[j].image).unwrap_or_else(|error| {
                failed = Some(error);
                0.0
            })
        })?;
        match failed {
            Some(error) => Err(error.into()),
            None => Ok(choice),
        }
    }
}

/// ||a - b||.
fn distance(a: &Image, b: &Image) -> Result<f64, tweedie_imaging::Error> {
    Ok(norms_sq(&[&(a.clone() - b.clone())])?[0].sqrt())
}
