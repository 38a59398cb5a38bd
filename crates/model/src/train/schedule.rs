//! How the learning rate, the loss and the number of steps follow from the time.

use super::{LossKind, OptimizerConfig, TrainConfig};

/// The first steps fill caches and pools of memory.
const UNSTEADY: usize = 2;
/// So many steps are timed, and for this part of the time, before the number of steps is chosen.
const TIMED: usize = 8;
const TIMED_SHARE: f64 = 0.03;

/// Warm-up takes at most this part of the steps where their number is chosen by the time.
const WARMUP_SHARE: u64 = 10;

/// Seconds of the steps so far, from which the number of steps is chosen.
#[derive(Clone, Debug, Default)]
pub(super) struct Pace(Vec<f64>);

impl Pace {
    pub(super) fn add(&mut self, seconds: f64) {
        self.0.push(seconds);
    }

    /// Whether enough steps were timed for a run of so many minutes.
    pub(super) fn is_known(&self, minutes: f64) -> bool {
        self.0.len() >= UNSTEADY + TIMED && self.0.iter().sum::<f64>() >= TIMED_SHARE * 60.0 * minutes
    }

    /// Seconds of a step.
    fn step_seconds(&self) -> f64 {
        let timed = self.0.get(UNSTEADY..).unwrap_or_default();
        timed.iter().sum::<f64>() / timed.len().max(1) as f64
    }
}

impl TrainConfig {
    /// The learning rate of step `step` (from 0): linear warm-up, then a cosine from the largest to the final rate.
    pub fn learning_rate(&self, step: u64) -> f64 {
        let OptimizerConfig {
            learning_rate,
            final_learning_rate,
            warmup_steps,
            ..
        } = self.optimizer;
        if step < warmup_steps {
            return learning_rate * (step + 1) as f64 / warmup_steps as f64;
        }
        let span = self.training.steps.saturating_sub(warmup_steps).max(1) as f64;
        let progress = ((step - warmup_steps) as f64 / span).min(1.0);
        final_learning_rate
            + 0.5 * (learning_rate - final_learning_rate) * (1.0 + (std::f64::consts::PI * progress).cos())
    }

    /// The loss of step `step` (from 0): `training.loss`, and the mean squared error in the last part of the run.
    pub(super) fn loss(&self, step: u64) -> LossKind {
        let steps = self.training.steps as f64;
        if step as f64 >= steps * (1.0 - self.training.l2_last) {
            LossKind::L2
        } else {
            self.training.loss
        }
    }

    /// Chooses the number of steps, of which `done` are done in `spent_s` seconds, so that the run takes `minutes`, with a
    /// validation of `validation_s` seconds every so often and at the end; a longer warm-up is cut to a tenth of it.
    pub(super) fn fit(&mut self, minutes: f64, pace: &Pace, done: u64, spent_s: f64, validation_s: f64) {
        let left_s = 60.0 * minutes - spent_s - validation_s;
        let step_s = pace.step_seconds() + validation_s / self.validation.every as f64;
        // A cast of a negative number gives 0.
        let steps = done + ((left_s / step_s) as u64).max(1);
        self.training.steps = steps;
        self.optimizer.warmup_steps = self.optimizer.warmup_steps.min(steps / WARMUP_SHARE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(training: &str) -> TrainConfig {
        let text = format!(
            "[data]\nfolders = [\"unused\"]\n[noise]\nmin = 0\nmax = 50\n[training]\n{training}\n[validation]\nevery = 500\n\
             [architecture]\nkind = \"ffdnet\"\ndepth = 3\nwidth = 8\n"
        );
        toml::from_str(&text).unwrap()
    }

    #[test]
    fn the_last_part_minimises_the_squared_error() {
        let config = config("steps = 100\nl2_last = 0.2");
        for (step, loss) in [
            (0, LossKind::L1),
            (79, LossKind::L1),
            (80, LossKind::L2),
            (99, LossKind::L2),
        ] {
            assert_eq!(config.loss(step), loss, "{step}");
        }
        assert_eq!(self::config("steps = 100").loss(99), LossKind::L1);
    }

    #[test]
    fn the_steps_fill_the_time() {
        let mut config = config("steps = 7\nminutes = 10");
        let mut pace = Pace::default();
        for _ in 0..2 {
            pace.add(5.0);
        }
        for step in 0..40 {
            // 18 s, of which the two slow steps took 10.
            assert_eq!(pace.is_known(10.0), step >= 32, "{step}");
            pace.add(0.25);
        }
        config.fit(10.0, &pace, 42, 20.0, 30.0);
        // (600 - 20 - 30) / (0.25 + 30 / 500)
        assert_eq!(config.training.steps, 42 + 1774);
        assert_eq!(config.optimizer.warmup_steps, 181);
        // Nothing is left: one more step, and the end.
        config.fit(0.1, &pace, 42, 20.0, 30.0);
        assert_eq!(config.training.steps, 43);
    }
}
