//! `--strength auto[:RULE]`: the weight of the prior by a parameter-choice rule.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use anyhow::bail;
use indicatif::ProgressBar;
use serde::{Deserialize, Serialize};
use toml::Value;
use tweedie_imaging::{Denoiser, Image, Sigma, SigmaSupport};
use tweedie_solver::study::{Candidate, Observations, Rule, logarithmic_grid, sweep};
use tweedie_solver::{Prior, StopReason};

use crate::session::Session;
use crate::solve::{Attempt, Measurement, Restored, Solver, measured_values};
use crate::usage::usage;

/// What `--strength` takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Strength {
    /// The user chose.
    Given(f64),
    /// A rule chooses.
    Auto(Rule),
}

/// The rule of `--strength auto`: on Set12 (deblurring, levin:1, noise 7.65, pnp-hqs, checkpoint gray) it loses 0.11 dB on
/// average against the oracle, at most 0.47 dB, and needs no second restoration of perturbed data.
const DEFAULT_RULE: Rule = Rule::Discrepancy;

impl FromStr for Strength {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(rule) = text.strip_prefix("auto:") {
            return Ok(Self::Auto(rule.parse()?));
        }
        match text.parse::<f64>() {
            Ok(value) if value.is_finite() => Ok(Self::Given(value)),
            _ if text == "auto" => Ok(Self::Auto(DEFAULT_RULE)),
            _ => Err("expected a number, auto or auto:RULE".to_owned()),
        }
    }
}

/// The strengths that are tried: `count` with a constant ratio.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Grid {
    pub from: f64,
    pub to: f64,
    pub count: usize,
}

impl Default for Grid {
    /// Two decades to the left of the maximum a posteriori strength 1 and one to the right, four a decade.
    fn default() -> Self {
        Self {
            from: 0.01,
            to: 10.0,
            count: 13,
        }
    }
}

/// A search for the strength.
#[derive(Clone, Copy, Debug)]
pub struct Search {
    pub rule: Rule,
    pub grid: Grid,
}

/// How a strength was found.
#[derive(Clone, Debug, Serialize)]
pub struct Found {
    /// The rule.
    pub rule: Rule,
    /// The strength; null where the rule found none, so that the solver's own was taken.
    pub value: Option<f64>,
    /// The rule's score there.
    pub score: Option<f64>,
    /// Whether it is the first or last of the grid, so that a wider one might give another.
    pub at_edge: bool,
    /// Strengths that were tried and did not diverge.
    pub tried: usize,
    /// Solver time of all runs.
    pub seconds: f64,
}

/// One strength that was tried.
#[derive(Clone, Debug)]
pub struct Tried {
    pub strength: f64,
    /// ||Ax - y||.
    pub residual_norm: f64,
    pub psnr_db: Option<f64>,
}

/// The restorations of a measurement over a grid.
pub struct Sweep {
    pub candidates: Vec<Candidate>,
    /// Of the candidates.
    pub restored: Vec<Restored>,
    pub probe: Option<Image>,
    pub seconds: f64,
}

impl fmt::Display for Search {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Grid { from, to, count } = self.grid;
        write!(f, "by {}, of {count} from {from} to {to}", self.rule)
    }
}

impl Search {
    /// The search that `--strength` and `-C solver.grid` ask for.
    pub fn resolve(strength: Option<Strength>, grid: Option<Value>) -> anyhow::Result<Option<Self>> {
        let rule = match (strength, &grid) {
            (Some(Strength::Auto(rule)), _) => rule,
            (_, None) => return Ok(None),
            (_, Some(_)) => return Err(usage("-C solver.grid: it has no effect without --strength auto")),
        };
        let grid = match grid {
            None => Grid::default(),
            Some(value) => Grid::deserialize(value).map_err(|error| {
                let text = error.to_string();
                usage(format!("-C solver.grid: {}", text.trim_end()))
            })?,
        };
        logarithmic_grid(grid.from, grid.to, grid.count).map_err(|error| usage(format!("-C solver.grid: {error}")))?;
        Ok(Some(Self { rule, grid }))
    }

    /// Restores a measurement at the strength that the rule chooses.
    pub fn run(
        self,
        solver: &Solver,
        session: &Session,
        measurement: &Measurement,
        prior: Prior,
        bar: &ProgressBar,
    ) -> anyhow::Result<Restored> {
        let Self { rule, grid } = self;
        let noise = measurement.task.noise;
        if rule.needs_noise() && noise.value() == 0.0 {
            bail!(
                "--strength auto:{rule}: expected data with noise (--noise above 0); quasi-optimality and l-curve do without"
            );
        }
        if rule.needs_truth() && measurement.truth.is_none() {
            return Err(usage(format!(
                "--strength auto:{rule}: expected --simulate, since it sees the truth"
            )));
        }
        let strengths = logarithmic_grid(grid.from, grid.to, grid.count)?;
        let mut swept = Sweep::run(
            solver,
            session,
            measurement,
            &prior,
            bar,
            &strengths,
            rule.needs_probe(),
        )?;
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
                session.note(format_args!(
                    "{}: {rule} finds no strength between {} and {}; the solver's own is taken",
                    measurement.name, grid.from, grid.to
                ));
                let restored = solver.attempt(session, measurement, prior, bar, Attempt::default())?;
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
}

impl Sweep {
    /// Restores a measurement at each strength; with `probed` a second time with perturbed data.
    pub fn run(
        solver: &Solver,
        session: &Session,
        measurement: &Measurement,
        prior: &Prior,
        bar: &ProgressBar,
        strengths: &[f64],
        probed: bool,
    ) -> anyhow::Result<Self> {
        let y = &measurement.y;
        // A stream of its own, so that the probe is independent of the simulated noise.
        let stream = format!("{} probe", measurement.name);
        let unit = Sigma::new(1.0)?;
        let probe = probed
            .then(|| measurement.task.noise(y.dims(), unit, &stream, &y.device()))
            .transpose()?;
        let (mut kept, mut seconds): (Vec<(f64, Restored)>, f64) = (Vec::new(), 0.0);
        let mut interrupted = None;
        let candidates = sweep(
            strengths,
            y,
            probe.as_ref(),
            |data, strength, last| -> anyhow::Result<_> {
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
                let restored = solver.attempt(session, &variant, prior.clone(), bar, attempt)?;
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
            },
        )?;
        let restored = match interrupted {
            Some(last) => vec![last],
            None => kept.into_iter().map(|(_, restored)| restored).collect(),
        };
        Ok(Self {
            candidates,
            restored,
            probe,
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
    ) -> anyhow::Result<Observations<'a>> {
        let noise = measurement.task.noise;
        // One fixed level: that of the noise, but at least one grey level and in the denoiser's range.
        let level = noise.value().max(1.0 / 255.0);
        let level = match denoiser.info().sigma {
            SigmaSupport::Blind => level,
            SigmaSupport::Range { min, max } => level.clamp(min.value(), max.value()),
        };
        Ok(Observations {
            operator: measurement.operator.as_ref(),
            y: &measurement.y,
            noise,
            measured: measured_values(&measurement.task, measurement.y.dims()),
            probe: self.probe.as_ref(),
            denoiser,
            level: Sigma::new(level)?,
            truth: measurement.truth.as_ref(),
        })
    }

    fn tried(&self, observations: &Observations<'_>) -> anyhow::Result<Vec<Tried>> {
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

/// The strength that was found, for people.
pub fn strength_text(found: &Found) -> String {
    match found.value {
        Some(value) if found.at_edge => format!("{value:.3} (edge of the grid)"),
        Some(value) => format!("{value:.3}"),
        None => "of the solver itself, nothing found".to_owned(),
    }
}

/// Writes what was tried as CSV, atomically.
pub fn write_sweep(path: &Path, sweep: &[Tried]) -> anyhow::Result<()> {
    use std::io::Write as _;
    tweedie_imaging::write_atomic(path, |file| {
        writeln!(file, "strength,residual_norm,psnr_db")?;
        for tried in sweep {
            let psnr = tried.psnr_db.map_or(String::new(), |psnr| psnr.to_string());
            writeln!(file, "{},{},{psnr}", tried.strength, tried.residual_norm)?;
        }
        Ok(())
    })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_rules() {
        assert_eq!("0.3".parse(), Ok(Strength::Given(0.3)));
        assert_eq!("auto:l-curve".parse(), Ok(Strength::Auto(Rule::LCurve)));
        assert_eq!("auto".parse(), Ok(Strength::Auto(DEFAULT_RULE)));
        assert!("auto:best".parse::<Strength>().unwrap_err().contains("balancing"));
        assert!("nan".parse::<Strength>().is_err() && "automatic".parse::<Strength>().is_err());
    }

    #[test]
    fn a_grid_is_for_a_search_alone() {
        let grid = || Some(toml::from_str::<toml::Table>("from = 0.1\nto = 1.0").unwrap().into());
        assert!(Search::resolve(None, grid()).is_err());
        assert!(Search::resolve(Some(Strength::Given(1.0)), grid()).is_err());
        let search = Search::resolve(Some(Strength::Auto(Rule::Sure)), grid())
            .unwrap()
            .unwrap();
        assert_eq!((search.grid.from, search.grid.to, search.grid.count), (0.1, 1.0, 13));
        let wrong = |text: &str| {
            let grid = Some(toml::from_str::<toml::Table>(text).unwrap().into());
            Search::resolve(Some(Strength::Auto(Rule::Sure)), grid)
                .unwrap_err()
                .to_string()
        };
        assert!(wrong("form = 1.0").contains("form"));
        assert!(wrong("from = 20.0").contains("from 20"));
    }
}
