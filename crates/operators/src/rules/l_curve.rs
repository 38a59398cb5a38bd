//! The L-curve.

use super::{Choice, require_count, require_values};
use crate::Error;

/// Points nearer to the one before than this share of the curve's length are skipped: the curve crowds where nothing changes any
/// more, and rounding would bend it there.
const MIN_SPACING: f64 = 0.01;

/// The corner of the curve (ln ||A x_i - y||, ln penalty_i): the point of largest curvature, by the circle through it and its
/// neighbours.
///
/// `residual_norms` and `penalties` (a norm or energy of the solutions that falls with the strength) are positive. The score is the
/// curvature, positive for the corner of an L. `None` if the curve bends nowhere that way.
///
/// Hansen, *Analysis of discrete ill-posed problems by means of the L-curve*, 1992.
///
/// # Errors
/// If a value is not positive and finite, or the numbers differ.
pub fn l_curve(residual_norms: &[f64], penalties: &[f64]) -> Result<Option<Choice>, Error> {
    require_values("L-curve", "residual norms", residual_norms, f64::MIN_POSITIVE)?;
    require_values("L-curve", "penalties", penalties, f64::MIN_POSITIVE)?;
    require_count("L-curve", "penalties", residual_norms.len(), penalties.len())?;
    let points: Vec<[f64; 2]> = residual_norms
        .iter()
        .zip(penalties)
        .map(|(r, p)| [r.ln(), p.ln()])
        .collect();
    let length: f64 = points.windows(2).map(|pair| distance(pair[0], pair[1])).sum();
    let mut kept: Vec<usize> = Vec::new();
    for (index, &point) in points.iter().enumerate() {
        if kept
            .last()
            .is_none_or(|&last| distance(points[last], point) >= MIN_SPACING * length)
        {
            kept.push(index);
        }
    }
    let curvatures = kept.windows(3).map(|three| {
        let score = signed_curvature(points[three[0]], points[three[1]], points[three[2]]);
        Choice { index: three[1], score }
    });
    let sharpest = curvatures
        .filter(|choice| choice.score > 0.0)
        .max_by(|a, b| a.score.total_cmp(&b.score));
    Ok(sharpest)
}

fn distance(a: [f64; 2], b: [f64; 2]) -> f64 {
    (a[0] - b[0]).hypot(a[1] - b[1])
}

/// Curvature of the circle through three points, positive if the path turns to the left: with increasing strength an L is
/// walked downwards and then to the right.
fn signed_curvature(a: [f64; 2], b: [f64; 2], c: [f64; 2]) -> f64 {
    let cross = (b[0] - a[0]) * (c[1] - b[1]) - (b[1] - a[1]) * (c[0] - b[0]);
    2.0 * cross / (distance(a, b) * distance(b, c) * distance(a, c))
}
