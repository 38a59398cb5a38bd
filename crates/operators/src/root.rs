//! Roots of increasing functions.

use crate::Error;

/// Where a search ended.
pub(crate) struct RootSearch {
    /// f at the last point, within the tolerance if a root was found; positive if it lies below the range, negative if above.
    pub(crate) value: f64,
    /// Evaluations of f.
    pub(crate) evaluations: u32,
}

/// Searches a root of an increasing `f` from `start`: by steps until two points bracket it, then by the Illinois method (regula
/// falsi that halves the value of an end that stays; Dowell and Jarratt 1971). `f` is last called at the point found.
pub(crate) fn increasing_root(
    mut f: impl FnMut(f64) -> Result<f64, Error>,
    start: f64,
    step: f64,
    [least, most]: [f64; 2],
    tolerance: f64,
    max_evaluations: u32,
) -> Result<RootSearch, Error> {
    let (mut low, mut high) = (None::<(f64, f64)>, None::<(f64, f64)>);
    let mut s = start;
    let mut evaluations = 0;
    loop {
        let value = f(s)?;
        evaluations += 1;
        let ended = RootSearch { value, evaluations };
        if value.abs() <= tolerance || value.is_nan() || evaluations == max_evaluations {
            return Ok(ended);
        }
        let (end, other) = if value < 0.0 {
            (&mut low, &mut high)
        } else {
            (&mut high, &mut low)
        };
        let stays = end.is_some();
        *end = Some((s, value));
        if let (true, Some((_, value))) = (stays, other) {
            *value /= 2.0;
        }
        s = match (low, high) {
            (Some((a, fa)), Some((b, fb))) => (a * fb - b * fa) / (fb - fa),
            (None, _) => s - step,
            (_, None) => s + step,
        };
        if s < least || s > most {
            return Ok(ended);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_roots_on_both_sides_and_reports_missing_ones() {
        for root in [-3.3, 0.0, 7.9] {
            let mut last = 0.0;
            let f = |s: f64| {
                last = s;
                Ok((s - root).exp() - 1.0)
            };
            let search = increasing_root(f, 1.0, 2.0, [-10.0, 10.0], 1e-9, 60).unwrap();
            assert!(
                search.value.abs() <= 1e-9 && (last - root).abs() < 1e-8,
                "{root}: {last}"
            );
            assert!(search.evaluations < 40, "{root}: {}", search.evaluations);
        }
        let outside = |root: f64| {
            increasing_root(|s| Ok(s - root), 0.0, 2.0, [-10.0, 10.0], 1e-9, 60)
                .unwrap()
                .value
        };
        assert!(outside(-50.0) > 0.0 && outside(50.0) < 0.0);
    }
}
