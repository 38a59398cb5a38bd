//! Axes: from values to positions, and where the ticks stand.

/// How an axis is divided.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scale {
    /// Equal distances for equal differences.
    #[default]
    Linear,
    /// Equal distances for equal ratios; values that are not positive cannot be shown.
    Log,
}

/// A tick: where, and what is written there.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tick {
    pub value: f64,
    pub label: Label,
}

/// A tick's label.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Label {
    Plain(String),
    /// `.0` x 10 ^ `.1`; the factor is left out where it is "1".
    Power(String, i32),
}

/// An axis with its range, `low < high`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Axis {
    scale: Scale,
    low: f64,
    high: f64,
}

/// Labels per axis that are aimed at; more would touch each other on a narrow screen.
const TICKS: f64 = 5.0;

impl Axis {
    /// The axis that shows all of `values` which `scale` can show, with a small margin; `None` if there are none.
    pub fn around(scale: Scale, values: impl Iterator<Item = f64>) -> Option<Self> {
        let shown = values.filter(|&v| is_shown(scale, v));
        let (mut low, mut high) = shown.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| (a.min(v), b.max(v)));
        if low > high {
            return None;
        }
        // A range of one value gets some width; margins keep curves off the frame.
        match scale {
            Scale::Linear => {
                let span = high - low;
                let margin = if span > 1e-12 * high.abs().max(low.abs()) {
                    0.04 * span
                } else {
                    0.1 * high.abs().max(0.1)
                };
                // Half of the largest number: the width of the axis must not overflow.
                (low, high) = ((low - margin).max(-f64::MAX / 2.0), (high + margin).min(f64::MAX / 2.0));
            }
            Scale::Log => {
                let ratio = high / low;
                let margin = if ratio > 1.0 + 1e-12 { ratio.powf(0.04) } else { 2.0 };
                (low, high) = ((low / margin).max(f64::MIN_POSITIVE), (high * margin).min(f64::MAX));
            }
        }
        Some(Self { scale, low, high })
    }

    /// Position of a value, 0 at the lower end and 1 at the upper end; `None` for values that the axis cannot show.
    pub fn position(self, value: f64) -> Option<f64> {
        let position = match self.scale {
            Scale::Linear => (value - self.low) / (self.high - self.low),
            Scale::Log => (value / self.low).ln() / (self.high / self.low).ln(),
        };
        is_shown(self.scale, value).then_some(position)
    }

    /// Ticks inside the range, from low to high: multiples of 1, 2 or 5 times a power of ten on a linear axis, powers
    /// of ten on a logarithmic one (with 2 and 5 between them if there are few).
    pub fn ticks(self) -> Vec<Tick> {
        match self.scale {
            Scale::Linear => self.linear_ticks(),
            Scale::Log => self.log_ticks(),
        }
    }

    fn linear_ticks(self) -> Vec<Tick> {
        let (step, exponent) = nice_step((self.high - self.low) / TICKS);
        let first = (self.low / step).ceil();
        let count = ((self.high / step).floor() - first) as i64;
        let largest = self.high.abs().max(self.low.abs());
        let scientific = !(1e-3..1e6).contains(&largest);
        let largest_exponent = largest.log10().floor() as i32;
        (0..=count)
            .map(|i| {
                let value = (first + i as f64) * step;
                let label = match scientific {
                    true => in_powers(value, exponent, largest_exponent),
                    false => Label::Plain(decimals(value, exponent)),
                };
                Tick { value, label }
            })
            .collect()
    }

    fn log_ticks(self) -> Vec<Tick> {
        let (low, high) = (self.low.log10(), self.high.log10());
        if high - low < 1.0 {
            // Less than a decade: ticks at round values, closer together towards the upper end.
            return self.linear_ticks();
        }
        let factors: &[i32] = if high - low < 2.5 { &[1, 2, 5] } else { &[1] };
        let every = ((high - low) / (TICKS + 1.0)).ceil().max(1.0) as i32;
        (low.floor() as i32..=high.ceil() as i32)
            .filter(|exponent| exponent.rem_euclid(every) == 0)
            .flat_map(|exponent| factors.iter().map(move |&factor| (factor, exponent)))
            .map(|(factor, exponent)| {
                let value = f64::from(factor) * 10f64.powi(exponent);
                let label = match exponent {
                    -3..=3 => Label::Plain(decimals(value, exponent)),
                    _ => Label::Power(factor.to_string(), exponent),
                };
                Tick { value, label }
            })
            .filter(|tick| (self.low..=self.high).contains(&tick.value))
            .collect()
    }
}

fn is_shown(scale: Scale, value: f64) -> bool {
    value.is_finite() && (scale == Scale::Linear || value > 0.0)
}

/// The nearest of 1, 2, 5 times a power of ten to `raw`, by ratio, and that power's exponent.
fn nice_step(raw: f64) -> (f64, i32) {
    let exponent = raw.log10().floor() as i32;
    let power = 10f64.powi(exponent);
    match raw / power {
        r if r < 2f64.sqrt() => (power, exponent),
        r if r < 10f64.sqrt() => (2.0 * power, exponent),
        r if r < 50f64.sqrt() => (5.0 * power, exponent),
        _ => (10.0 * power, exponent + 1),
    }
}

/// `value` with the decimals that a step of 10^`exponent` needs, and a true minus sign.
fn decimals(value: f64, exponent: i32) -> String {
    let decimals = (-exponent).max(0) as usize;
    let text = format!("{value:.decimals$}");
    let is_zero = text.chars().all(|c| matches!(c, '-' | '0' | '.'));
    if is_zero {
        "0".to_owned()
    } else {
        text.replace('-', "\u{2212}")
    }
}

/// `value` as a multiple of 10^`power`, with the decimals that a step of 10^`exponent` needs.
fn in_powers(value: f64, exponent: i32, power: i32) -> Label {
    match decimals(value / 10f64.powi(power), exponent - power) {
        zero if zero == "0" => Label::Plain(zero),
        factor => Label::Power(factor, power),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(scale: Scale, values: &[f64]) -> Vec<String> {
        let ticks = Axis::around(scale, values.iter().copied()).unwrap().ticks();
        let text = |label| match label {
            Label::Plain(text) => text,
            Label::Power(factor, exponent) => format!("{factor}e{exponent}"),
        };
        ticks.into_iter().map(|tick| text(tick.label)).collect()
    }

    #[test]
    fn linear_ticks_are_round() {
        assert_eq!(
            labels(Scale::Linear, &[0.0, 100.0]),
            ["0", "20", "40", "60", "80", "100"]
        );
        assert_eq!(labels(Scale::Linear, &[20.8, 28.6]), ["22", "24", "26", "28"]);
        assert_eq!(
            labels(Scale::Linear, &[-1.0, 1.0]),
            ["\u{2212}1.0", "\u{2212}0.5", "0", "0.5", "1.0"]
        );
        assert_eq!(
            labels(Scale::Linear, &[0.0, 4e-6]),
            ["0", "1e-6", "2e-6", "3e-6", "4e-6"]
        );
        assert_eq!(
            labels(Scale::Linear, &[0.0, 2e6]),
            ["0", "0.5e6", "1.0e6", "1.5e6", "2.0e6"]
        );
    }

    #[test]
    fn log_ticks_are_powers_of_ten() {
        assert_eq!(labels(Scale::Log, &[1e-6, 1.0]), ["1e-6", "1e-4", "0.01", "1"]);
        assert_eq!(labels(Scale::Log, &[1.0, 60.0]), ["1", "2", "5", "10", "20", "50"]);
        assert_eq!(
            labels(Scale::Log, &[0.021, 0.049]),
            ["0.025", "0.030", "0.035", "0.040", "0.045", "0.050"]
        );
        assert_eq!(labels(Scale::Log, &[1e-40, 1e40]).len(), 5);
    }

    #[test]
    fn every_range_has_a_few_ticks() {
        for exponent in -300..300 {
            for (a, b) in [
                (1.0, 1.0),
                (1.0, 1.5),
                (1.0, 9.0),
                (-3.0, 7.0),
                (0.99, 1.01),
                (0.0, 0.0),
            ] {
                let scale = 10f64.powi(exponent);
                let axis = Axis::around(Scale::Linear, [a * scale, b * scale].into_iter()).unwrap();
                let ticks = axis.ticks();
                assert!((2..=9).contains(&ticks.len()), "{a} {b} 1e{exponent}: {ticks:?}");
                for tick in ticks {
                    let position = axis.position(tick.value).unwrap();
                    assert!((-1e-9..=1.0 + 1e-9).contains(&position), "{tick:?} at {position}");
                }
            }
        }
        for ratio in [1.0, 1.01, 2.0, 9.0, 11.0, 90.0, 300.0, 1e4, 1e9, 1e30, 1e200] {
            let ticks = Axis::around(Scale::Log, [1e-9, 1e-9 * ratio].into_iter())
                .unwrap()
                .ticks();
            assert!((2..=10).contains(&ticks.len()), "{ratio}: {ticks:?}");
        }
    }

    #[test]
    fn what_cannot_be_shown_does_not_stretch_the_axis() {
        let axis = Axis::around(Scale::Log, [0.0, -1.0, f64::NAN, 1.0, 10.0, f64::INFINITY].into_iter()).unwrap();
        assert_eq!(axis, Axis::around(Scale::Log, [1.0, 10.0].into_iter()).unwrap());
        assert_eq!((axis.position(0.0), axis.position(f64::NAN)), (None, None));
        assert_eq!(Axis::around(Scale::Log, [0.0, -1.0].into_iter()), None);
        assert_eq!(Axis::around(Scale::Linear, std::iter::empty()), None);
        let widest = Axis::around(Scale::Linear, [f64::MIN, f64::MAX].into_iter()).unwrap();
        assert!(widest.position(0.0).is_some_and(|p| (p - 0.5).abs() < 1e-12));
    }
}
