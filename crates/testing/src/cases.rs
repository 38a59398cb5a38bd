//! Tables of named cases.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs `check` on every case of a table and fails, after all of them, naming those that failed.
///
/// # Panics
/// If a case panicked, or if the table is empty (a test without cases tests nothing).
#[track_caller]
pub fn for_each_case<T>(cases: impl IntoIterator<Item = (impl Into<String>, T)>, check: impl Fn(T)) {
    let mut failed = Vec::new();
    let mut count = 0;
    for (name, case) in cases {
        count += 1;
        let name = name.into();
        // The panic hook has printed the message by then; the name tells to which case it belongs.
        if catch_unwind(AssertUnwindSafe(|| check(case))).is_err() {
            eprintln!("case '{name}' failed");
            failed.push(name);
        }
    }
    assert!(count > 0, "the table has no cases");
    assert!(
        failed.is_empty(),
        "{} of {count} cases failed: {}",
        failed.len(),
        failed.join(", ")
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_pass() {
        for_each_case([("one", 1), ("two", 2)], |n| assert!(n > 0));
    }

    #[test]
    #[should_panic(expected = "2 of 3 cases failed: one, three")]
    fn failures_are_named_together() {
        for_each_case([("one", 1), ("two", 2), ("three", 3)], |n| assert!(n == 2));
    }

    #[test]
    #[should_panic(expected = "no cases")]
    fn an_empty_table_fails() {
        for_each_case(Vec::<(&str, i32)>::new(), |_| ());
    }
}
