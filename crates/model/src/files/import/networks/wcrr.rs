//! WCRR-NN and CRR-NN of the code of Goujon, Neumayer and Unser 2024: filters before their means are taken away and before
//! they are divided by their norm, splines before their slopes are limited.
//!
//! phi = e^mu phi_+ - r phi_-, two odd splines with slopes in [0, 1] that are constant beyond their range. r is 1, or 0 for
//! the convex regulariser; the file does not say it, but phi_- is then the identity that training began with.

use super::recognised::Recognised;
use crate::files::import::norm::norm;
use crate::files::import::published::filter_norm;
use crate::files::import::stack::wide;
use crate::files::import::tensors::Tensors;
use crate::files::import::wrong::{Wrong, printable};
use crate::weights::{Values, Weights};
use crate::{Architecture, WcrrConfig};

const CONVEX: &str = "activation_cvx.coefficients";

/// The outermost knot of the splines; the files do not say it.
const RANGE: f64 = 0.1;

/// The outermost knot of the scales, in grey levels; likewise.
const LARGEST_LEVEL: f64 = 30.0;

/// More convolutions than any regulariser of ours has.
const MAX_CONVOLUTIONS: usize = 9;

/// More values than any regulariser has are refused: their norm would take long.
const MAX_SIDE: usize = 31;
const MAX_VALUES: usize = 1 << 16;

pub(super) fn matches(tensors: &Tensors) -> bool {
    tensors
        .prefix_of(CONVEX)
        .is_some_and(|prefix| tensors.has(&format!("{prefix}activation_ccv.coefficients")))
}

pub(super) fn read(tensors: &mut Tensors, sha256: &str) -> Result<Recognised, Wrong> {
    let prefix = tensors
        .prefix_of(CONVEX)
        .ok_or_else(|| Wrong::new(format!("a tensor {CONVEX}"), "none"))?
        .to_owned();
    let filters = filters(tensors, &prefix)?;
    let count = filters[filters.len() - 1].dims[0];
    let kernel = filters[0].dims[2];
    let convex = spline(tensors, &format!("{prefix}activation_cvx.coefficients"))?;
    let concave = spline(tensors, &format!("{prefix}activation_ccv.coefficients"))?;
    if convex.slopes.len() != concave.slopes.len() {
        return Err(Wrong::new(
            format!("two splines of {} segments", 2 * convex.slopes.len()),
            format!("one of {}", 2 * concave.slopes.len()),
        ));
    }
    let mu = tensors.channels(&format!("{prefix}mu_"), 1)?[0].exp();
    let weak = if concave.is_identity { 0.0 } else { 1.0 };
    let slopes: Vec<f32> = convex
        .slopes
        .iter()
        .zip(&concave.slopes)
        .map(|(convex, concave)| (mu * convex - weak * concave) as f32)
        .collect();
    let name = format!("{prefix}spline_scaling.coefficients");
    let scales = tensors.take(&name)?;
    let levels = match scales.dims[..] {
        [filters, levels] if filters == count && levels >= 2 => levels,
        _ => {
            return Err(Wrong::new(
                format!("{} as [{count}, levels]", printable(&name)),
                format!("{:?}", scales.dims),
            ));
        }
    };
    let segments = slopes.len();
    let mut weights = Weights::from([
        (
            "slopes".to_owned(),
            Values {
                dims: vec![1, segments],
                values: slopes,
            },
        ),
        ("scales".to_owned(), scales),
    ]);
    let config = WcrrConfig {
        filters: filters.iter().map(|filter| filter.dims[0]).collect(),
        kernel,
        segments,
        range: RANGE,
        levels,
        largest_level: LARGEST_LEVEL,
    };
    let norm = filter_norm(sha256).unwrap_or_else(|| norm(&filters));
    for (index, filter) in normalised(filters, norm)?.into_iter().enumerate() {
        weights.insert(format!("filters.{index}"), filter);
    }
    Ok(Recognised {
        architecture: Architecture::Wcrr(config),
        weights,
    })
}

/// The kernels of all convolutions, each taking what the one before gives, the first without means.
fn filters(tensors: &mut Tensors, prefix: &str) -> Result<Vec<Values>, Wrong> {
    let mut filters: Vec<Values> = Vec::new();
    for index in 0..MAX_CONVOLUTIONS {
        let module = format!("{prefix}conv_layer.conv_layers.{index}");
        let (name, centred) = match tensors.has(&format!("{module}.parametrizations.weight.original")) {
            true => (format!("{module}.parametrizations.weight.original"), true),
            false => (format!("{module}.weight"), false),
        };
        if !filters.is_empty() && !tensors.has(&name) {
            break;
        }
        let mut values = tensors.take(&name)?;
        let (inputs, side) = filters
            .last()
            .map_or((1, None), |last| (last.dims[0], Some(last.dims[2])));
        let fits = match values.dims[..] {
            [cout, cin, rows, columns] => {
                cin == inputs
                    && (1..=MAX_VALUES).contains(&values.values.len())
                    && cout > 0
                    && rows == columns
                    && rows % 2 == 1
                    && rows <= MAX_SIDE
                    && side.is_none_or(|side| side == rows)
            }
            _ => false,
        };
        if !fits {
            return Err(Wrong::new(
                format!("{} as [out, {inputs}, side, side] with one odd side", printable(&name)),
                format!("{:?}", values.dims),
            ));
        }
        if centred {
            let size = values.values.len() / values.dims[0];
            for filter in values.values.chunks_mut(size) {
                let mean = wide(filter).iter().sum::<f64>() / size as f64;
                filter
                    .iter_mut()
                    .for_each(|value| *value = (f64::from(*value) - mean) as f32);
            }
        }
        filters.push(values);
    }
    Ok(filters)
}

/// Filters with a norm of 1 as a whole.
fn normalised(mut filters: Vec<Values>, norm: f64) -> Result<Vec<Values>, Wrong> {
    if !(norm.is_finite() && norm > 0.0) {
        return Err(Wrong::new("filters with a finite norm > 0", norm.to_string()));
    }
    if let Some(last) = filters.last_mut() {
        last.values
            .iter_mut()
            .for_each(|value| *value = (f64::from(*value) / norm) as f32);
    }
    Ok(filters)
}

/// Half of an odd linear spline.
struct Spline {
    /// Slopes of the segments from 0 on.
    slopes: Vec<f64>,
    is_identity: bool,
}

/// A spline `[1, knots]` from its values at the knots: slopes in [0, 1], none in the first and the last segment, and the
/// mean of both sides.
fn spline(tensors: &mut Tensors, name: &str) -> Result<Spline, Wrong> {
    let values = tensors.take(name)?;
    let knots = values.values.len();
    if values.dims != [1, knots] || knots < 5 || knots.is_multiple_of(2) {
        return Err(Wrong::new(
            format!("{} as [1, knots] with an odd number of knots", printable(name)),
            format!("{:?}", values.dims),
        ));
    }
    let values = wide(&values.values);
    let distance = 2.0 * RANGE / (knots - 1) as f64;
    let mut slopes: Vec<f64> = values
        .windows(2)
        .map(|pair| ((pair[1] - pair[0]) / distance).clamp(0.0, 1.0))
        .collect();
    let last = slopes.len() - 1;
    (slopes[0], slopes[last]) = (0.0, 0.0);
    let half = slopes.len() / 2;
    let is_identity = values
        .iter()
        .enumerate()
        .all(|(knot, value)| (value + RANGE - knot as f64 * distance).abs() < 1e-6);
    Ok(Spline {
        slopes: (0..half)
            .map(|j| 0.5 * (slopes[half + j] + slopes[half - 1 - j]))
            .collect(),
        is_identity,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slopes_are_limited_and_those_of_both_sides_averaged() {
        let values = [0.0, 9.0, 9.02, 9.05, 9.05, 9.15, 20.0].map(|value| value as f32);
        let mut tensors = Tensors::new(Weights::from([(
            "s".to_owned(),
            Values {
                dims: vec![1, 7],
                values: values.to_vec(),
            },
        )]));
        let spline = spline(&mut tensors, "s").unwrap();
        // Knots at a distance of 1/30: slopes 0 (first), 0.6, 0.9, 0, 1 (of 3), 0 (last).
        for (slope, expected) in spline.slopes.iter().zip([0.45, 0.8, 0.0]) {
            assert!((slope - expected).abs() < 1e-4, "{:?}", spline.slopes);
        }
        assert!(!spline.is_identity);
    }
}
