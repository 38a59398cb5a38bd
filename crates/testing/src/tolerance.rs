//! Comparing numbers.

/// How far a value may be from what is expected: `atol + rtol * |expected|`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tolerance {
    /// Absolute part.
    pub atol: f64,
    /// Relative part.
    pub rtol: f64,
}

impl Tolerance {
    /// The same distance for all values.
    pub fn absolute(atol: f64) -> Self {
        Self { atol, rtol: 0.0 }
    }

    /// A distance in proportion to the expected value.
    pub fn relative(rtol: f64) -> Self {
        Self { atol: 0.0, rtol }
    }
}

/// How many mismatches are listed: enough to see a pattern, few enough to read.
const LISTED: usize = 8;

/// Compares values one by one with what is expected; the error lists the worst mismatches.
///
/// NaN matches nothing, not even NaN; an infinity matches itself only.
///
/// # Errors
/// If the lengths differ or a value is outside its tolerance.
pub fn close<A, E>(actual: &[A], expected: &[E], tolerance: Tolerance) -> Result<(), String>
where
    A: Copy + Into<f64>,
    E: Copy + Into<f64>,
{
    if actual.len() != expected.len() {
        return Err(format!("expected {} values, got {}", expected.len(), actual.len()));
    }
    let mut mismatches = Vec::new();
    for (index, (&a, &e)) in actual.iter().zip(expected).enumerate() {
        let (a, e): (f64, f64) = (a.into(), e.into());
        let allowed = tolerance.atol + tolerance.rtol * e.abs();
        // An infinite expectation would allow everything if rtol > 0.
        let matches = a == e || (e.is_finite() && (a - e).abs() <= allowed);
        if !matches {
            mismatches.push((index, a, e, (a - e).abs() - allowed));
        }
    }
    if mismatches.is_empty() {
        return Ok(());
    }
    // Positive NaN orders above all numbers, a negative one below: drop the sign so that NaN comes first.
    mismatches.sort_by(|a, b| b.3.abs().total_cmp(&a.3.abs()));
    let Tolerance { atol, rtol } = tolerance;
    let mut report = format!(
        "{} of {} values differ by more than {atol:e} + {rtol:e} |expected|; the worst:",
        mismatches.len(),
        expected.len(),
    );
    for (index, a, e, _) in mismatches.iter().take(LISTED) {
        report += &format!(
            "\n  [{index}] expected {e:?}, got {a:?}, difference {:.3e}",
            (a - e).abs()
        );
    }
    Err(report)
}

/// [`close`] as an assertion about `what`.
///
/// # Panics
/// If the values do not match, with the list of the worst mismatches.
#[track_caller]
pub fn assert_close<A, E>(what: &str, actual: &[A], expected: &[E], tolerance: Tolerance)
where
    A: Copy + Into<f64>,
    E: Copy + Into<f64>,
{
    if let Err(report) = close(actual, expected, tolerance) {
        panic!("{what}: {report}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absolute_and_relative_parts_add_up() {
        let tolerance = Tolerance { atol: 0.125, rtol: 0.5 };
        assert!(
            close(&[2.625], &[2.0 - 0.25], tolerance).is_ok(),
            "0.875 <= 0.125 + 0.875"
        );
        assert!(close(&[3.25], &[2.0], tolerance).is_err(), "1.25 > 0.125 + 1");
        assert!(close(&[1.0f32], &[1.0f64], Tolerance::absolute(0.0)).is_ok());
    }

    #[test]
    fn nan_and_infinity_are_no_numbers_to_be_near_to() {
        let loose = Tolerance { atol: 1e9, rtol: 1e9 };
        for (actual, expected, matches) in [
            (f64::NAN, 0.0, false),
            (0.0, f64::NAN, false),
            (f64::NAN, f64::NAN, false),
            (f64::INFINITY, f64::INFINITY, true),
            (f64::NEG_INFINITY, f64::INFINITY, false),
            (0.0, f64::INFINITY, false),
        ] {
            assert_eq!(
                close(&[actual], &[expected], loose).is_ok(),
                matches,
                "{actual} {expected}"
            );
        }
    }

    #[test]
    fn the_report_counts_and_starts_with_the_worst() {
        let report = close(&[0.0, 5.0, 1.0, 0.1], &[0.0; 4], Tolerance::absolute(0.5)).unwrap_err();
        assert!(report.starts_with("2 of 4"), "{report}");
        assert!(report.find("[1]") < report.find("[2]"), "{report}");
        let report = close(&[5.0, -f64::NAN], &[0.0; 2], Tolerance::absolute(0.5)).unwrap_err();
        assert!(report.find("[1]") < report.find("[0]"), "NaN is the worst: {report}");
        assert!(
            close(&[0.0], &[0.0; 2], Tolerance::absolute(1.0))
                .unwrap_err()
                .contains("expected 2 values")
        );
    }
}
