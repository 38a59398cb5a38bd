//! Restorations over a grid of strengths, from which a parameter-choice rule chooses.

use tweedie_imaging::{Denoiser, Image, Sigma};
use tweedie_solver::study::{Candidate, Observations, Rule, sweep};
use tweedie_solver::{Prior, StopReason};

use crate::error::{bail, usage};
use crate::measurement::{Measurement, Weighted};
use crate::scores::Restored;
use crate::solver::{Attempt, Solver};
use crate::strength::{Found, Search, Tried};
use crate::{Events, Result};

/// The restorations of a measurement over a grid.
pub struct Sweep {
    /// The restorations at strengths at which no run diverged.
    pub candidates: Vec<Candidate>,
    /// Of the candidates.
    pub restored: Vec<Restored>,
    /// What the restorations of perturbed data are compared with, for rules that need it.
    pub probe: Option<Image>,
    /// The measurement with the weights of its noise.
    pub weighted: Weighted,
    /// Solver time of all runs.
    pub seconds: f64,
}

/// Restores a measurement at the strength that the rule chooses.
pub fn restore_by_rule(
    solver: &Solver,
    search: Search,
    measurement: &Measurement,
    prior: Prior,
    events: &dyn Events,
) -> Result<Restored> {
    let Search { rule, grid } = search;
    let noise = measurement.task.noise;
    // Its bound on the noise of a restoration is that of white noise in the data.
    if rule == Rule::Balancing && measurement.task.noise_model.model.is_varying() {
        return Err(usage(format!(
            "--strength auto:{rule}: expected noise of one level; sure does without"
        )));
    }
    if rule.needs_noise() && noise.value() == 0.0 {
        bail!(
            "--strength auto:{rule}: expected data with noise (--noise above 0); quasi-optimality and l-curve do without"
        );
    }
    if rule.needs_truth() && measurement.is_extended() {
        return Err(usage(format!(
            "--strength auto:{rule}: expected --boundary circular or replicate, it compares whole images"
        )));
    }
    if rule.needs_truth() && measurement.truth.is_none() {
        return Err(usage(format!(
            "--strength auto:{rule}: expected --simulate, since it sees the truth"
        )));
    }
    let strengths = grid.values()?;
    let mut swept = Sweep::run(solver, measurement, &prior, &strengths, rule.needs_probe(), events)?;
    if let Some(last) = swept.interrupted() {
        return Ok(last);
    }
    let observations = swept.observations(measurement, prior.denoiser())?;
    let choice = observations.choose(rule, &swept.candidates)?;
    let sweep = swept.tried(&observations)?;
    let tried = swept.candidates.len();
    let mut seconds = swept.seconds;
    let (mut restored, value) = match choice {
        Some(choice) => {
            let restored = swept.restored.swap_remove(choice.index);
            (restored, Some(swept.candidates[choice.index].strength))
        }
        None => {
            events.note(&format!(
                "{}: {rule} finds no strength between {} and {}; the solver's own is taken",
                measurement.name, grid.from, grid.to
            ));
            let restored = solver.attempt(measurement, prior, Attempt::default(), events)?;
            seconds += restored.scores.seconds;
            (restored, None)
        }
    };
    restored.scores.strength = Some(Found {
        rule,
        value,
        score: choice.map(|choice| choice.score),
        at_edge: choice.is_some_and(|choice| choice.index == 0 || choice.index + 1 == tried),
        tried,
        seconds,
    });
    restored.sweep = sweep;
    Ok(restored)
}

impl Sweep {
    /// Restores a measurement at each strength; with `probed` a second time with perturbed data.
    pub fn run(
        solver: &Solver,
        measurement: &Measurement,
        prior: &Prior,
        strengths: &[f64],
        probed: bool,
        events: &dyn Events,
    ) -> Result<Self> {
        let y = &measurement.y;
        // A stream of its own, so that the probe is independent of the simulated noise.
        let stream = format!("{} probe", measurement.name);
        let unit = Sigma::new(1.0)?;
        let probe = probed
            .then(|| measurement.task.noise_image(y.dims(), unit, &stream, &y.device()))
            .transpose()?;
        let (mut kept, mut seconds): (Vec<(f64, Restored)>, f64) = (Vec::new(), 0.0);
        let mut interrupted = None;
        let candidates = sweep(strengths, y, probe.as_ref(), |data, strength, last| -> Result<_> {
            if interrupted.is_some() {
                return Ok(None);
            }
            let is_first = kept.last().is_none_or(|(known, _)| *known != strength);
            let mut variant = measurement.clone();
            variant.y = data.clone();
            if !is_first {
                variant.truth = None;
            }
            let attempt = Attempt {
                strength: Some(strength),
                warm_start: last,
            };
            let restored = solver.attempt(&variant, prior.clone(), attempt, events)?;
            seconds += restored.scores.seconds;
            let image = restored.image.clone();
            match restored.stop {
                StopReason::Interrupted => interrupted = Some(restored),
                StopReason::Diverged => {
                    // Also if only the perturbed run did.
                    kept.retain(|(known, _)| *known != strength);
                }
                _ => {
                    if is_first {
                        kept.push((strength, restored));
                    }
                    return Ok(Some(image));
                }
            }
            Ok(None)
        })?;
        let restored = match interrupted {
            Some(last) => vec![last],
            None => kept.into_iter().map(|(_, restored)| restored).collect(),
        };
        let weighted = measurement.whitened()?;
        Ok(Self {
            candidates,
            restored,
            // SURE's divergence is the trace of d(W A x) / d(W y) = W d(A x)/dy W^-1, so of d(A x)/dy: the probe b of y meets W A x as W^-1 b.
            probe: probe.map(|probe| weighted.unweighted(probe)),
            weighted,
            seconds,
        })
    }

    /// The run that a signal ended, if one did.
    pub fn interrupted(&mut self) -> Option<Restored> {
        self.restored.pop_if(|last| last.stop == StopReason::Interrupted)
    }

    /// What the rules are told.
    pub fn observations<'a>(
        &'a self,
        measurement: &'a Measurement,
        denoiser: &'a dyn Denoiser,
    ) -> Result<Observations<'a>> {
        let noise = self.weighted.level;
        // One fixed level: that of the noise, but at least one grey level and in the denoiser's range.
        let level = denoiser.info().sigma.nearest(noise.at_least_one_grey_level());
        Ok(Observations {
            operator: self.weighted.operator.as_ref(),
            y: &self.weighted.y,
            noise,
            measured: measurement.measured_values(),
            probe: self.probe.as_ref(),
            denoiser,
            level,
            truth: measurement.truth.as_ref(),
        })
    }

    fn tried(&self, observations: &Observations<'_>) -> Result<Vec<Tried>> {
        let norms = observations.residual_norms(&self.candidates)?;
        let rows = self.candidates.iter().zip(norms).zip(&self.restored);
        Ok(rows
            .map(|((candidate, residual_norm), restored)| Tried {
                strength: candidate.strength,
                residual_norm,
                psnr_db: restored.scores.psnr_db,
            })
            .collect())
    }
}
