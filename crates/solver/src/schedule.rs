//! Values that may change with the iteration: noise levels, steps.

use serde::{Deserialize, Serialize};
use toml::Value;

use crate::Error;

/// A value per iteration, as users write it: `0.05`, `[0.1, 0.05]` or `{ from = 0.2, to = 0.03, steps = 8 }`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged, expecting = "expected a number, a list of numbers, or { from, to, steps }")]
pub enum Schedule {
    /// The same value in every iteration.
    Constant(f64),
    /// These values, one an iteration; the last one from then on.
    Values(Vec<f64>),
    /// Values with a constant ratio: v_k = from (to/from)^(k/(steps-1)); `to` from then on.
    LogSpaced(LogSpaced),
}

/// The ends and the length of a log-spaced schedule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogSpaced {
    /// First value.
    pub from: f64,
    /// Last value.
    pub to: f64,
    /// Iterations from the first to the last value, both included; the whole run if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steps: Option<u32>,
}

impl Schedule {
    /// The values of a run of `iterations`.
    ///
    /// # Errors
    /// [`Error::Parameter`] naming `solver` and `parameter` unless all values are positive and finite and there is at
    /// least one.
    pub fn resolve(&self, iterations: u32, solver: &'static str, parameter: &'static str) -> Result<Resolved, Error> {
        let values = match self {
            Self::Constant(value) => vec![*value],
            Self::Values(values) => values.clone(),
            Self::LogSpaced(spaced) => {
                let steps = spaced.steps.unwrap_or(iterations);
                let last = f64::from(steps.max(2) - 1);
                (0..steps)
                    .map(|k| match k + 1 == steps {
                        // Exactly `to`, so that a level at the edge of a denoiser's range stays inside it.
                        true => spaced.to,
                        false => spaced.from * (spaced.to / spaced.from).powf(f64::from(k) / last),
                    })
                    .collect()
            }
        };
        if values.is_empty() || values.iter().any(|v| !(v.is_finite() && *v > 0.0)) {
            let expected = "finite values > 0, at least one".to_owned();
            return Err(Error::Parameter {
                solver,
                parameter,
                expected,
                got: format!("{self:?}"),
            });
        }
        Ok(Resolved { values })
    }
}

impl From<Schedule> for Value {
    /// As users write it.
    fn from(schedule: Schedule) -> Self {
        match schedule {
            Schedule::Constant(value) => value.into(),
            Schedule::Values(values) => values.into(),
            Schedule::LogSpaced(LogSpaced { from, to, steps }) => {
                let ends = [("from".to_owned(), from.into()), ("to".to_owned(), to.into())];
                let steps = steps.map(|steps| ("steps".to_owned(), i64::from(steps).into()));
                Self::Table(ends.into_iter().chain(steps).collect())
            }
        }
    }
}

/// The values of a [`Schedule`] for a run of known length: at least one, all positive and finite.
#[derive(Clone, Debug, PartialEq)]
pub struct Resolved {
    values: Vec<f64>,
}

impl Resolved {
    /// The value of iteration `k` (from 0).
    pub fn at(&self, k: u32) -> f64 {
        self.values[(k as usize).min(self.values.len() - 1)]
    }

    /// All values, until they stay constant.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// The first iteration from which the value no longer changes.
    pub fn settled_from(&self) -> u32 {
        let last = self.values[self.values.len() - 1];
        let trailing = self.values.iter().rev().take_while(|&&v| v == last).count();
        (self.values.len() - trailing) as u32
    }

    /// The values under `f`, which must keep them positive and finite.
    pub(crate) fn map(&self, f: impl Fn(f64) -> f64) -> Self {
        Self {
            values: self.values.iter().map(|&v| f(v)).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(schedule: &Schedule, iterations: u32) -> Result<Resolved, Error> {
        schedule.resolve(iterations, "test", "sigma")
    }

    #[test]
    fn log_spaced_has_a_constant_ratio_and_exact_ends() {
        let schedule = Schedule::LogSpaced(LogSpaced {
            from: 49.0,
            to: 7.65,
            steps: None,
        });
        let resolved = resolve(&schedule, 8).unwrap();
        assert_eq!(resolved.values().len(), 8);
        assert_eq!((resolved.at(0), resolved.at(7), resolved.at(30)), (49.0, 7.65, 7.65));
        let ratio = (7.65_f64 / 49.0).powf(1.0 / 7.0);
        for pair in resolved.values().windows(2) {
            assert!((pair[1] / pair[0] - ratio).abs() < 1e-12);
        }
        assert_eq!(resolved.settled_from(), 7);
    }

    #[test]
    fn a_schedule_of_one_step_is_its_end() {
        let schedule = Schedule::LogSpaced(LogSpaced {
            from: 0.2,
            to: 0.1,
            steps: Some(1),
        });
        assert_eq!(resolve(&schedule, 5).unwrap().values(), [0.1]);
    }

    #[test]
    fn settles_where_trailing_values_are_equal() {
        let settled = |values: &[f64]| resolve(&Schedule::Values(values.to_vec()), 9).unwrap().settled_from();
        assert_eq!(settled(&[0.3]), 0);
        assert_eq!(settled(&[0.3, 0.3]), 0);
        assert_eq!(settled(&[0.3, 0.2, 0.1, 0.1]), 2);
    }

    #[test]
    fn values_that_are_not_positive_and_finite_are_refused() {
        for bad in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            let error = resolve(&Schedule::Values(vec![0.1, bad]), 3).unwrap_err().to_string();
            assert!(error.contains("'test', sigma"), "{error}");
        }
        assert!(resolve(&Schedule::Values(vec![]), 3).is_err());
        let zero_steps = Schedule::LogSpaced(LogSpaced {
            from: 0.2,
            to: 0.1,
            steps: Some(0),
        });
        assert!(resolve(&zero_steps, 3).is_err());
    }

    #[test]
    fn reads_the_three_notations_and_names_them_when_it_cannot() {
        #[derive(Deserialize)]
        struct Holder {
            sigma: Schedule,
        }
        let read = |text: &str| toml::from_str::<Holder>(text).map(|h| h.sigma);
        assert_eq!(read("sigma = 1").unwrap(), Schedule::Constant(1.0));
        assert_eq!(read("sigma = [0.2, 0.1]").unwrap(), Schedule::Values(vec![0.2, 0.1]));
        let spaced = Schedule::LogSpaced(LogSpaced {
            from: 0.2,
            to: 0.1,
            steps: Some(3),
        });
        assert_eq!(read("sigma = { from = 0.2, to = 0.1, steps = 3 }").unwrap(), spaced);
        for schedule in [Schedule::Constant(0.5), Schedule::Values(vec![0.2, 0.1]), spaced] {
            assert_eq!(Schedule::deserialize(Value::from(schedule.clone())).unwrap(), schedule);
        }
        let error = read("sigma = 'x'").unwrap_err().to_string();
        assert!(
            error.contains("a number, a list of numbers, or { from, to, steps }"),
            "{error}"
        );
    }
}
