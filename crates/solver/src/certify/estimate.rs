//! A sample's summary.

use serde::Serialize;

/// Mean, maximum and standard error of the mean of a sample.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Estimate {
    /// Mean.
    pub mean: f64,
    /// Maximum; NaN if any of the sample is.
    pub max: f64,
    /// Standard deviation of the sample over the root of its size; `None` for a sample of one.
    pub stderr: Option<f64>,
    /// Index of the maximum: the worst example.
    #[serde(skip)]
    pub worst: usize,
}

impl Estimate {
    /// Summarises a sample; an empty one has mean and maximum NaN, and so has one that holds a NaN.
    pub fn from_samples(samples: impl Iterator<Item = f64>) -> Self {
        let values: Vec<f64> = samples.collect();
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0);
        // A NaN of either sign is worse than any number.
        let not_a_number = values.iter().position(|value| value.is_nan());
        let worst = not_a_number.or_else(|| (0..values.len()).max_by(|&i, &j| values[i].total_cmp(&values[j])));
        Self {
            mean,
            max: worst.map_or(f64::NAN, |i| values[i]),
            stderr: (values.len() > 1).then(|| (variance / n).sqrt()),
            worst: worst.unwrap_or(0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn summarises_a_small_sample() {
        let estimate = Estimate::from_samples([1.0, 4.0, 1.0].into_iter());
        assert_eq!((estimate.mean, estimate.max, estimate.worst), (2.0, 4.0, 1));
        // Variance 3, three samples.
        assert_eq!(estimate.stderr, Some(1.0));
        assert_eq!(Estimate::from_samples([5.0].into_iter()).stderr, None);
    }

    #[test]
    fn what_is_no_number_is_not_dropped() {
        // 0/0 is negative on x86, so that an order of bits would put it below all numbers.
        for nan in [f64::NAN, -f64::NAN] {
            let estimate = Estimate::from_samples([1.0, nan, 2.0].into_iter());
            assert!(estimate.max.is_nan() && estimate.mean.is_nan() && estimate.worst == 1);
        }
        assert_eq!(
            Estimate::from_samples([1.0, f64::INFINITY].into_iter()).max,
            f64::INFINITY
        );
    }
}
