//! Rates from curves.

use serde::Serialize;

/// Fewer points than this give no fit.
const MIN_POINTS: usize = 8;

/// A rate.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(tag = "model", rename_all = "kebab-case")]
pub enum RateModel {
    /// v_k ~ factor^k (with momentum: times a power of k).
    Linear {
        /// The factor.
        factor: f64,
    },
    /// v_k ~ k^-exponent.
    Power {
        /// The exponent.
        exponent: f64,
    },
}

/// A model with the goodness of its fit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Rate {
    /// The model.
    #[serde(flatten)]
    pub model: RateModel,
    /// Share of the variance of ln v that it explains.
    pub r_squared: f64,
}

/// Both models on the same points.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct RateFit {
    /// The better one, by R^2 adjusted for the number of parameters.
    pub chosen: Rate,
    /// The linear model.
    pub linear: Rate,
    /// The power law.
    pub power: Rate,
    /// First iteration of the fit.
    pub from: u32,
    /// Last iteration of the fit.
    pub to: u32,
    /// Points that were fitted.
    pub points: usize,
}

/// How a curve falls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CurveShape {
    /// Without oscillation.
    Plain,
    /// With Nesterov's momentum: it oscillates, so that its peaks are fitted where there are enough; and a power of k
    /// stands before the geometric decay, which the linear model then has as well.
    Momentum,
}

/// Fits ln v_k = a + k ln q (linear) and ln v_k = a - p ln k (power law) by least squares.
///
/// `curve` are values v_k of iterations k = 1, 2, ...; `None` where there is none. Only the last two thirds of what is
/// above `floor` (where rounding or the unknown limit takes over) and not before `settled` count: before that faster
/// modes still show. `None` with fewer than eight points.
pub fn fit_rate(curve: &[Option<f64>], floor: f64, settled: u32, shape: CurveShape) -> Option<RateFit> {
    let start = settled as usize;
    let usable = |value: &Option<f64>| value.is_some_and(|v| v.is_finite() && v > floor && v > 0.0);
    let end = start + curve.get(start..)?.iter().take_while(|value| usable(value)).count();
    let first = start + (end - start) / 3;
    let points: Vec<(f64, f64)> = (first..end)
        .filter_map(|i| Some(((i + 1) as f64, curve[i]?.ln())))
        .collect();
    let peaks: Vec<(f64, f64)> = points
        .windows(3)
        .filter(|three| three[1].1 >= three[0].1 && three[1].1 >= three[2].1)
        .map(|three| three[1])
        .collect();
    let momentum = shape == CurveShape::Momentum;
    let fitted = if momentum && peaks.len() >= MIN_POINTS {
        peaks
    } else {
        points
    };
    if fitted.len() < MIN_POINTS {
        return None;
    }
    let ks: Vec<f64> = fitted.iter().map(|p| p.0).collect();
    let log_ks: Vec<f64> = ks.iter().map(|k| k.ln()).collect();
    let values: Vec<f64> = fitted.iter().map(|p| p.1).collect();
    let linear = match momentum {
        true => regression(&[&ks, &log_ks], &values)?,
        false => regression(&[&ks], &values)?,
    };
    let power = regression(&[&log_ks], &values)?;
    let adjusted = |fit: &Regression, slopes: usize| {
        let n = values.len() as f64;
        1.0 - (1.0 - fit.r_squared) * (n - 1.0) / (n - 1.0 - slopes as f64)
    };
    let linear_wins = adjusted(&linear, if momentum { 2 } else { 1 }) >= adjusted(&power, 1);
    let linear = Rate {
        model: RateModel::Linear {
            factor: linear.slopes[0].exp(),
        },
        r_squared: linear.r_squared,
    };
    let power = Rate {
        model: RateModel::Power {
            exponent: -power.slopes[0],
        },
        r_squared: power.r_squared,
    };
    Some(RateFit {
        // A factor of one or more is no decay, whatever it explains.
        chosen: if linear_wins && !matches!(linear.model, RateModel::Linear { factor } if factor >= 1.0) {
            linear
        } else {
            power
        },
        linear,
        power,
        from: ks.first().copied()? as u32,
        to: ks.last().copied()? as u32,
        points: values.len(),
    })
}

/// A fitted y = c x^exponent.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct PowerFit {
    /// The exponent.
    pub exponent: f64,
    /// Its standard error, from the scatter of the points about the line.
    pub exponent_stderr: f64,
    /// c.
    pub coefficient: f64,
    /// Share of the variance of ln y that it explains.
    pub r_squared: f64,
    /// Points that were fitted.
    pub points: usize,
}

/// Fits y = c x^p by least squares of ln y over ln x; pairs that are not positive and finite are left out. `None` with
/// fewer than three.
pub fn fit_power(pairs: impl IntoIterator<Item = (f64, f64)>) -> Option<PowerFit> {
    let shown = |v: f64| v.is_finite() && v > 0.0;
    let (x, y): (Vec<f64>, Vec<f64>) = pairs
        .into_iter()
        .filter(|&(x, y)| shown(x) && shown(y))
        .map(|(x, y)| (x.ln(), y.ln()))
        .unzip();
    if x.len() < 3 {
        return None;
    }
    let fit = regression(&[&x], &y)?;
    let mean = x.iter().sum::<f64>() / x.len() as f64;
    let spread: f64 = x.iter().map(|v| (v - mean).powi(2)).sum();
    Some(PowerFit {
        exponent: fit.slopes[0],
        // Two parameters were fitted.
        exponent_stderr: (fit.residual / (x.len() - 2) as f64 / spread).sqrt(),
        coefficient: fit.intercept.exp(),
        r_squared: fit.r_squared,
        points: x.len(),
    })
}

struct Regression {
    intercept: f64,
    slopes: Vec<f64>,
    /// Sum of the squared residuals.
    residual: f64,
    r_squared: f64,
}

/// Least squares of y = intercept + sum of slope times column, for one or two columns; `None` if they do not vary
/// independently.
fn regression(columns: &[&[f64]], y: &[f64]) -> Option<Regression> {
    let n = y.len() as f64;
    let centred = |values: &[f64]| -> (f64, Vec<f64>) {
        let mean = values.iter().sum::<f64>() / n;
        (mean, values.iter().map(|v| v - mean).collect())
    };
    let (mean_y, y) = centred(y);
    let columns: Vec<(f64, Vec<f64>)> = columns.iter().map(|column| centred(column)).collect();
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let slopes = match columns.as_slice() {
        [(_, a)] => vec![dot(a, &y) / dot(a, a)],
        [(_, a), (_, b)] => {
            let (aa, ab, bb) = (dot(a, a), dot(a, b), dot(b, b));
            let determinant = aa * bb - ab * ab;
            let (ay, by) = (dot(a, &y), dot(b, &y));
            vec![(bb * ay - ab * by) / determinant, (aa * by - ab * ay) / determinant]
        }
        _ => return None,
    };
    let total = dot(&y, &y);
    let residual: f64 = (0..y.len())
        .map(|i| {
            let modelled: f64 = slopes.iter().zip(&columns).map(|(s, (_, c))| s * c[i]).sum();
            (y[i] - modelled).powi(2)
        })
        .sum();
    let intercept = mean_y - slopes.iter().zip(&columns).map(|(s, (mean, _))| s * mean).sum::<f64>();
    let r_squared = 1.0 - residual / total;
    (r_squared.is_finite() && slopes.iter().all(|s| s.is_finite())).then_some(Regression {
        intercept,
        slopes,
        residual,
        r_squared,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curve(value: impl Fn(f64) -> f64) -> Vec<Option<f64>> {
        (1..=200).map(|k| Some(value(f64::from(k)))).collect()
    }

    fn factor(rate: Rate) -> f64 {
        match rate.model {
            RateModel::Linear { factor } => factor,
            RateModel::Power { .. } => panic!("{rate:?}"),
        }
    }

    #[test]
    fn known_rates_are_found_and_told_apart() {
        let fit = fit_rate(&curve(|k| 3.0 * 0.9_f64.powf(k)), 1e-6, 0, CurveShape::Plain).unwrap();
        assert!((factor(fit.chosen) - 0.9).abs() < 1e-9 && fit.chosen.r_squared > 0.999_999);
        // ln(3e6) / ln(1/0.9) = 141.6 iterations are above the floor.
        assert_eq!((fit.from, fit.to), (48, 141));
        let fit = fit_rate(&curve(|k| 3.0 * k.powf(-1.5)), 1e-6, 0, CurveShape::Plain).unwrap();
        assert!(matches!(fit.chosen.model, RateModel::Power { exponent } if (exponent - 1.5).abs() < 1e-9));
    }

    #[test]
    fn momentum_is_fitted_on_its_peaks_with_its_power_of_k() {
        let oscillating = |k: f64| 0.95_f64.powf(k) * k.powf(-1.5) * (0.9 * k).cos().abs();
        let fit = fit_rate(&curve(oscillating), 1e-9, 0, CurveShape::Momentum).unwrap();
        // 1 % of the logarithm: the samples miss the true peaks by a little.
        assert!((factor(fit.chosen).ln() / 0.95_f64.ln() - 1.0).abs() < 0.01, "{fit:?}");
    }

    #[test]
    fn what_comes_before_the_levels_settle_does_not_count() {
        let values = curve(|k| if k < 50.0 { 1.0 } else { 0.9_f64.powf(k) });
        let fit = fit_rate(&values, 1e-12, 50, CurveShape::Plain).unwrap();
        assert!((factor(fit.chosen) - 0.9).abs() < 1e-9 && fit.from > 50);
    }

    #[test]
    fn too_little_gives_no_fit() {
        assert!(fit_rate(&curve(|_| 0.0), 1e-6, 0, CurveShape::Plain).is_none());
        assert!(fit_rate(&[], 1e-6, 7, CurveShape::Plain).is_none());
        assert!(fit_power([(1.0, 1.0), (2.0, 2.0)]).is_none());
        assert!(fit_power([(1.0, 1.0), (1.0, 2.0), (1.0, 3.0)]).is_none(), "one x");
    }

    #[test]
    fn a_power_is_found() {
        let pairs = [1e-4, 1e-3, 1e-2].map(|delta: f64| (delta, 2.0 * delta.powf(0.4)));
        let fit = fit_power(pairs).unwrap();
        assert!((fit.exponent - 0.4).abs() < 1e-12 && (fit.coefficient - 2.0).abs() < 1e-9);
        assert!(fit.exponent_stderr < 1e-9, "{fit:?}");
    }

    #[test]
    fn the_standard_error_of_an_exponent_is_the_textbook_s() {
        // ln x = -1, 0, 1, 2 and ln y = 1, 0, 2, 3: slope 0.8, residuals 0.7, -1.1, 0.1, 0.3, squares 1.8, spread 5.
        let pairs = [(-1.0, 1.0), (0.0, 0.0), (1.0, 2.0), (2.0, 3.0)].map(|(x, y): (f64, f64)| (x.exp(), y.exp()));
        let fit = fit_power(pairs).unwrap();
        assert!((fit.exponent - 0.8).abs() < 1e-12, "{fit:?}");
        assert!(
            (fit.exponent_stderr - (1.8_f64 / 2.0 / 5.0).sqrt()).abs() < 1e-12,
            "{fit:?}"
        );
    }
}
