//! Why an array is not read.

/// What is wrong with an array.
pub(in crate::files) struct Wrong {
    pub(in crate::files) expected: String,
    pub(in crate::files) got: String,
}

pub(super) fn wrong(expected: impl Into<String>, got: impl ToString) -> Wrong {
    Wrong {
        expected: expected.into(),
        got: got.to_string(),
    }
}
