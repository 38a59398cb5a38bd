//! Cells of CSV files.

pub use tweedie_report::csv_cell as text;

/// A number, or an empty cell.
pub fn number(value: Option<f64>) -> String {
    value.map_or(String::new(), |value| value.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_break_a_row_is_quoted() {
        assert_eq!(text("a b"), "a b");
        assert_eq!(text("a,\"b\""), "\"a,\"\"b\"\"\"");
        assert_eq!(number(None), "");
    }
}
