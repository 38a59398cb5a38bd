//! Values that are numbers.

use crate::Error;

/// # Errors
/// [`Error::NonFinite`] for NaN and infinities.
pub(super) fn require_finite(operation: &'static str, values: &[f32]) -> Result<(), Error> {
    let mut bad = values.iter().enumerate().filter(|(_, value)| !value.is_finite());
    match bad.next() {
        None => Ok(()),
        Some((first, _)) => Err(Error::NonFinite {
            what: operation.to_owned(),
            count: 1 + bad.count(),
            first,
        }),
    }
}
