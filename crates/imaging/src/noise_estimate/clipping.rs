//! What clipping to black and white leaves of noise.

/// Black and white, in grey levels.
const RANGE: [f64; 2] = [0.0, 255.0];

/// Points of the table and where it begins and ends: far enough beyond black and white for any mean inside.
const POINTS: usize = 1181;
const TABLE: [f64; 2] = [-20.0, 275.0];

/// Mean and variance of max(X, 0) for X ~ N(t, 1): m = t Phi(t) + phi(t), v = (t^2 + 1) Phi(t) + t phi(t) - m^2.
fn censored(t: f64) -> [f64; 2] {
    let below = 0.5 * libm::erfc(-t / std::f64::consts::SQRT_2);
    let density = (-t * t / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt();
    let mean = t * below + density;
    [mean, (t * t + 1.0) * below + t * density - mean * mean]
}

/// A pixel's brightness before it was clipped, from its mean after.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unclipped {
    /// In grey levels, not below 0.
    pub(super) brightness: f64,
    /// Share of the variance that clipping left.
    pub(super) left: f64,
    /// Distance to black or white, whichever is nearer, in standard deviations of the noise.
    pub(super) distance: f64,
}

/// The means that pixels with noise of a law have after clipping, in increasing order.
///
/// Foi, Trimeche, Katkovnik and Egiazarian 2008, section III, treat clipping in the same way.
pub(super) struct Clipping {
    means: Vec<f64>,
    entries: Vec<Unclipped>,
}

impl Clipping {
    /// The table of a law given in grey levels as `variance(brightness)`.
    pub(super) fn new(variance: impl Fn(f64) -> f64) -> Self {
        let [first, last] = TABLE;
        let entry = |n: usize| {
            let brightness = first + (last - first) * n as f64 / (POINTS - 1) as f64;
            let deviation = variance(brightness.max(0.0)).sqrt();
            let [from_black, from_white] = [brightness - RANGE[0], RANGE[1] - brightness].map(|d| d / deviation);
            let is_dark = from_black < from_white;
            let [mean, left] = censored(from_black.min(from_white));
            let mean = match is_dark {
                true => RANGE[0] + deviation * mean,
                false => RANGE[1] - deviation * mean,
            };
            let entry = Unclipped {
                brightness: brightness.max(0.0),
                left,
                distance: from_black.min(from_white),
            };
            (mean, entry)
        };
        let (means, entries) = (0..POINTS).map(entry).unzip();
        Self { means, entries }
    }

    /// What a pixel was whose mean is `mean`.
    pub(super) fn of(&self, mean: f64) -> Unclipped {
        let n = self.means.partition_point(|&entry| entry < mean);
        self.entries[n.min(POINTS - 1)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::VarianceLaw;
    use crate::noise::gaussian_values;

    /// Clipped noise around brightness 6 and 250 is taken back to both.
    #[test]
    fn clipped_noise_is_told() {
        let law = VarianceLaw::from_grey_levels(0.5, 4.0).unwrap();
        let variance = |x: f64| 255.0 * 255.0 * law.variance(x / 255.0);
        let table = Clipping::new(variance);
        for brightness in [6.0, 100.0, 250.0] {
            let values: Vec<f64> = gaussian_values(1 << 16, variance(brightness).sqrt(), 1, 0)
                .into_iter()
                .map(|e| (brightness + f64::from(e)).clamp(0.0, 255.0))
                .collect();
            let mean = values.iter().sum::<f64>() / values.len() as f64;
            let spread = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / values.len() as f64;
            let found = table.of(mean);
            assert!((found.brightness - brightness).abs() < 0.5, "{brightness}: {found:?}");
            let whole = spread / found.left;
            assert!(
                (whole / variance(brightness) - 1.0).abs() < 0.04,
                "{brightness}: {whole}"
            );
        }
    }
}
