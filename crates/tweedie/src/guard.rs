//! A look at a result: does it ring, leave the data, or move the mean?
//!
//! The limits stand beside what was measured on validation pictures of TrainBSD432, 256 x 256, with right and with wrong models
//! (`scripts/real-pictures` repeats both on other pictures).

use tweedie_imaging::{Image, vec_from_image};

use crate::Result;
use crate::degradation::{Border, Degradation};
use crate::mask;
use crate::measurement::Measurement;

/// Largest root mean square of what lies beyond black and white, in grey levels. Right models: up to 1.1. Wrong kernels, noise
/// levels and borders: 0.6 to 280, median 40.
const OVERSHOOT: f64 = 2.0;

/// Largest total variation relative to that of the first estimate. Right models: up to 4, where blur took most of it.
const VARIATION: f64 = 7.0;

/// Largest growth of the share of total variation that the border has. Right models: up to 1.2; a wrong border: 1.2 to 6.
const BORDER: f64 = 1.7;

/// Largest residual relative to the noise. Right models: up to 1.1.
const RESIDUAL: f64 = 2.0;

/// Residuals in grey levels below this are rounding, whatever the noise.
const ROUNDING: f64 = 2.0;

/// The standard deviation of Gaussian values over the median of their sizes.
const TO_DEVIATION: f64 = 1.4826;

/// Largest change of the mean, in grey levels. Right models: up to 0.3.
const MEAN: f64 = 4.0;

/// What a result is judged by.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Signs {
    /// Root mean square of what lies beyond \[0, 1\], in grey levels.
    pub overshoot: f64,
    /// Total variation relative to that of the first estimate.
    pub variation: f64,
    /// Mean variation at the border over that inside, relative to the first estimate's.
    pub border: f64,
    /// Size of A x - y, in grey levels: the root mean square, or where outliers are expected 1.48 times the median, the same for
    /// Gaussian noise.
    pub residual: f64,
    /// Change of the mean against the first estimate, in grey levels.
    pub mean: f64,
}

/// The signs of a result x, all of the operator's domain; `has_outliers` tells whether the data are expected to have some.
///
/// # Errors
/// If the shape does not fit or the device does not deliver.
pub fn signs(measurement: &Measurement, x: &Image, has_outliers: bool) -> Result<Signs> {
    let Measurement { task, operator, y, .. } = measurement;
    let start = task.start(operator.as_ref(), y.clone())?;
    let known = match &task.degradation {
        Degradation::Holes(pixels) => {
            let [_, _, rows, cols] = y.dims();
            Some(pixels.values([rows, cols], task.seed)?)
        }
        _ => None,
    };
    let residual = vec_from_image(&(operator.apply(x.clone())? - y.clone()))?;
    let measured = |index: usize| known.as_ref().is_none_or(|known| known[index % known.len()] != 0.0);
    let sizes = residual.iter().enumerate().filter(|(index, _)| measured(*index));
    let sizes: Vec<f64> = sizes.map(|(_, value)| f64::from(value.abs())).collect();
    let residual = match has_outliers {
        true => TO_DEVIATION * median(sizes),
        false => (sizes.iter().map(|size| size * size).sum::<f64>() / sizes.len().max(1) as f64).sqrt(),
    };
    let shown = Planes::new(&measurement.in_window(x.clone()))?;
    let before = Planes::new(&measurement.in_window(start))?;
    let (after_variation, after_border) = shown.variation();
    let (before_variation, before_border) = before.variation();
    Ok(Signs {
        overshoot: 255.0 * shown.overshoot(),
        variation: after_variation / before_variation.max(f64::MIN_POSITIVE),
        border: after_border / before_border.max(f64::MIN_POSITIVE),
        residual: 255.0 * residual,
        mean: 255.0 * (shown.mean() - before.mean()).abs(),
    })
}

/// What looks wrong about a result, with the likely cause and the option to try; empty if nothing does.
///
/// # Errors
/// As [`signs`].
pub fn warnings(measurement: &Measurement, x: &Image, has_outliers: bool) -> Result<Vec<String>> {
    let task = &measurement.task;
    let mut warnings = Vec::new();
    // What is no picture has no border, and a first estimate that says little.
    let is_picture = !matches!(
        task.degradation,
        Degradation::Fourier(..)
            | Degradation::Lines { .. }
            | Degradation::Coefficients { .. }
            | Degradation::Operator(_)
    );
    let signs = signs(measurement, x, has_outliers)?;
    let noise = measurement.noise_level()?.grey_levels();
    let assumes_border = match &task.degradation {
        Degradation::Blur { border, .. } | Degradation::Decimation { border, .. } => *border == Border::Circular,
        _ => false,
    };
    let causes = match &task.degradation {
        Degradation::Blur { .. } => format!(
            "the kernel may be another one, or the noise larger than {noise:.3} grey levels: try a larger --noise or --noise auto, \
             another --kernel or --kernel auto"
        ),
        Degradation::Decimation { .. } => format!(
            "another filter may have made the picture small, or the noise be larger than {noise:.3} grey levels: try --kernel \
             bicubic, lanczos or area, or a larger --noise"
        ),
        _ => format!("the noise may be larger than {noise:.3} grey levels: try --noise auto or a larger --noise"),
    };
    let rings_at_border = assumes_border && signs.border > BORDER;
    if rings_at_border {
        warnings.push(
            "the result rings at its border: a camera's picture does not go on periodically; try --boundary unknown"
                .to_owned(),
        );
    }
    if signs.overshoot > OVERSHOOT || (is_picture && signs.variation > VARIATION) {
        let border = match assumes_border && !rings_at_border {
            true => ", --boundary unknown for a camera's picture",
            false => "",
        };
        warnings.push(format!(
            "the result oscillates ({:.1} grey levels beyond black and white, {:.1} times the variation of the first \
             estimate): {causes}{border}",
            signs.overshoot, signs.variation
        ));
    }
    if signs.residual > RESIDUAL * noise.max(ROUNDING) {
        warnings.push(format!(
            "the result does not explain the measurement: {:.1} grey levels are left where the noise is {noise:.3}; {causes}",
            signs.residual
        ));
    }
    if is_picture && signs.mean > MEAN {
        warnings.push(format!(
            "the result is {:.1} grey levels brighter or darker than the measurement: {}",
            signs.mean,
            match task.degradation {
                Degradation::Holes(_) => "the mask may mark the wrong pixels: try --mask-marks known or damaged",
                _ => "its task or kernel may be another one",
            }
        ));
    }
    warnings.extend(mask::contradictions(measurement)?);
    Ok(warnings)
}

/// The middle one; 0 of none.
fn median(mut values: Vec<f64>) -> f64 {
    let middle = values.len() / 2;
    match values.is_empty() {
        true => 0.0,
        false => *values.select_nth_unstable_by(middle, f64::total_cmp).1,
    }
}

/// An image on the host.
struct Planes {
    values: Vec<f32>,
    rows: usize,
    cols: usize,
}

impl Planes {
    fn new(image: &Image) -> Result<Self> {
        let [.., rows, cols] = image.dims();
        Ok(Self {
            values: vec_from_image(image)?,
            rows,
            cols,
        })
    }

    fn mean(&self) -> f64 {
        self.values.iter().map(|&value| f64::from(value)).sum::<f64>() / self.values.len() as f64
    }

    fn overshoot(&self) -> f64 {
        let beyond = |&value: &f32| f64::from(value - value.clamp(0.0, 1.0)).powi(2);
        (self.values.iter().map(beyond).sum::<f64>() / self.values.len() as f64).sqrt()
    }

    /// Mean absolute difference of neighbours, and that in the outer eighth relative to the rest.
    fn variation(&self) -> (f64, f64) {
        let (rows, cols) = (self.rows, self.cols);
        let rim = (rows.min(cols) / 8).max(1);
        let (mut outer, mut outer_count, mut inner, mut inner_count) = (0.0, 0_u64, 0.0, 0_u64);
        for plane in self.values.chunks_exact(rows * cols) {
            for i in 0..rows.saturating_sub(1) {
                for j in 0..cols.saturating_sub(1) {
                    let at = |i: usize, j: usize| f64::from(plane[i * cols + j]);
                    let change = (at(i + 1, j) - at(i, j)).abs() + (at(i, j + 1) - at(i, j)).abs();
                    if i < rim || j < rim || i + rim >= rows || j + rim >= cols {
                        outer += change;
                        outer_count += 1;
                    } else {
                        inner += change;
                        inner_count += 1;
                    }
                }
            }
        }
        let mean = |sum: f64, count: u64| sum / count.max(1) as f64;
        let all = mean(outer + inner, outer_count + inner_count) / 2.0;
        let inside = mean(inner, inner_count);
        let share = if inside > 0.0 {
            mean(outer, outer_count) / inside
        } else {
            1.0
        };
        (all, share)
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;
    use tweedie_imaging::image_from_vec;
    use tweedie_operators::Kernel;

    use super::*;
    use crate::task::Task;

    const SIDE: usize = 64;

    fn image(f: impl Fn(f64, f64) -> f64) -> Image {
        let value = |n: usize| f((n / SIDE) as f64, (n % SIDE) as f64) as f32;
        image_from_vec(
            (0..SIDE * SIDE).map(value).collect(),
            [1, 1, SIDE, SIDE],
            &Device::flex(),
        )
        .unwrap()
    }

    fn scene() -> Image {
        image(|i, j| 0.2 + 0.4 * f64::from(u8::from((i / 9.0) as u8 % 2 == (j / 13.0) as u8 % 2)) + 0.003 * i)
    }

    fn measured(border: Border) -> Measurement {
        let kernel = Kernel::gaussian(1.6, 13).unwrap();
        let task = Task::new(Degradation::Blur { kernel, border }, 2.0, 1).unwrap();
        Measurement::simulate("scene", task, scene()).unwrap()
    }

    #[test]
    fn the_truth_gives_no_warning() {
        let measurement = measured(Border::Circular);
        assert_eq!(warnings(&measurement, &scene(), false).unwrap(), Vec::<String>::new());
    }

    /// One value in ten that is far off is no reason for a warning where such are expected, and one elsewhere.
    #[test]
    fn outliers_may_be_expected() {
        let mut measurement = measured(Border::Circular);
        let outliers = image(|i, j| f64::from(u8::from((7 * i as u32 + 3 * j as u32).is_multiple_of(10))));
        measurement.y = measurement.y + outliers;
        let said = |has_outliers| warnings(&measurement, &scene(), has_outliers).unwrap().join("\n");
        assert!(said(false).contains("does not explain"), "{}", said(false));
        assert!(!said(true).contains("does not explain"), "{}", said(true));
    }

    #[test]
    fn each_sign_is_seen_and_named() {
        let measurement = measured(Border::Circular);
        let said = |x: Image| warnings(&measurement, &x, false).unwrap().join("\n");
        let waves = said(image(|i, j| 0.5 + 0.7 * ((i + j) * 2.0).sin()));
        assert!(waves.contains("oscillates") && waves.contains("--noise"), "{waves}");
        let edge = said(
            scene()
                + image(|i, j| {
                    if i.min(j) < 8.0 {
                        0.4 * ((i + j) * 3.0).sin()
                    } else {
                        0.0
                    }
                }),
        );
        assert!(edge.contains("--boundary unknown"), "{edge}");
        let brighter = said(scene() + 0.05);
        assert!(brighter.contains("brighter or darker"), "{brighter}");
        let other = said(scene() * 0.0 + 0.4);
        assert!(other.contains("does not explain"), "{other}");
    }
}
