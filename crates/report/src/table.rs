//! Tables.

use std::fmt::Write as _;

use crate::Error;
use crate::escape::Escaped;

/// A table. Cells are text; columns whose cells are all numbers (or empty) are set flush right.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    /// Heads of the columns; a table whose heads are all empty has no head.
    pub columns: Vec<String>,
    /// Rows with a cell for each column; a missing value is an empty cell.
    pub rows: Vec<Vec<String>>,
}

impl Table {
    /// A table without rows.
    pub fn new<T: Into<String>>(columns: impl IntoIterator<Item = T>) -> Self {
        Self {
            columns: columns.into_iter().map(Into::into).collect(),
            rows: Vec::new(),
        }
    }

    /// A table of two columns without a head: names and values.
    pub fn of_settings<K: Into<String>, V: Into<String>>(pairs: impl IntoIterator<Item = (K, V)>) -> Self {
        let rows = pairs
            .into_iter()
            .map(|(name, value)| vec![name.into(), value.into()])
            .collect();
        Self {
            columns: vec![String::new(); 2],
            rows,
        }
    }

    /// Adds a row.
    pub fn row<T: Into<String>>(&mut self, cells: impl IntoIterator<Item = T>) {
        self.rows.push(cells.into_iter().map(Into::into).collect());
    }

    pub(crate) fn html(&self, html: &mut String) -> Result<(), Error> {
        let expected = self.columns.len();
        if let Some(row) = self.rows.iter().position(|cells| cells.len() != expected) {
            return Err(Error::Table {
                row: row + 1,
                expected,
                got: self.rows[row].len(),
            });
        }
        // What is unknown everywhere has no column.
        let is_shown = |column: usize| self.rows.is_empty() || self.rows.iter().any(|cells| !cells[column].is_empty());
        let shown: Vec<usize> = (0..expected).filter(|&column| is_shown(column)).collect();
        let class = |column| if self.is_numeric(column) { " class=\"n\"" } else { "" };
        html.push_str("<div class=\"scroll\"><table>");
        if self.columns.iter().any(|head| !head.is_empty()) {
            html.push_str("<thead><tr>");
            for &column in &shown {
                let _ = write!(
                    html,
                    "<th scope=\"col\"{}>{}</th>",
                    class(column),
                    Escaped(&self.columns[column])
                );
            }
            html.push_str("</tr></thead>");
        }
        html.push_str("<tbody>");
        for cells in &self.rows {
            html.push_str("<tr>");
            for &column in &shown {
                let (class, cell, head) = (class(column), Escaped(&cells[column]), Escaped(&self.columns[column]));
                // The first column names its row; on narrow screens each cell is a line with its column's name.
                let _ = match column {
                    0 => write!(html, "<th scope=\"row\"{class}>{cell}</th>"),
                    _ => write!(html, "<td{class} data-label=\"{head}\">{cell}</td>"),
                };
            }
            html.push_str("</tr>");
        }
        html.push_str("</tbody></table></div>");
        Ok(())
    }

    pub(crate) fn is_numeric(&self, column: usize) -> bool {
        let mut cells = self
            .rows
            .iter()
            .filter_map(|row| row.get(column).map(String::as_str))
            .filter(|cell| !cell.is_empty())
            .peekable();
        cells.peek().is_some() && cells.all(|cell| cell.replace('\u{2212}', "-").parse::<f64>().is_ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn html(table: &Table) -> String {
        let mut html = String::new();
        table.html(&mut html).unwrap();
        html
    }

    #[test]
    fn numbers_are_flush_right_and_texts_escaped() {
        let mut table = Table::new(["image", "PSNR (dB)"]);
        table.row(["<a>", "30.1"]);
        table.row(["b", ""]);
        let html = html(&table);
        assert!(html.contains("<th scope=\"col\" class=\"n\">PSNR (dB)</th>"), "{html}");
        assert!(
            html.contains("<th scope=\"row\">&lt;a&gt;</th><td class=\"n\" data-label=\"PSNR (dB)\">30.1</td>"),
            "{html}"
        );
        assert!(html.contains("data-label=\"PSNR (dB)\"></td>"), "{html}");
    }

    #[test]
    fn a_column_without_values_is_left_out() {
        let mut table = Table::new(["image", "PSNR (dB)", "seconds"]);
        table.row(["a", "", "1.5"]);
        let html = html(&table);
        assert!(!html.contains("PSNR") && html.contains("seconds"), "{html}");
    }

    #[test]
    fn settings_have_no_head() {
        assert!(!html(&Table::of_settings([("sigma", "25")])).contains("thead"));
    }

    #[test]
    fn a_ragged_row_is_refused() {
        let mut table = Table::new(["a", "b"]);
        table.row(["1", "2"]);
        table.row(["1"]);
        let error = table.html(&mut String::new()).unwrap_err();
        assert_eq!(error.to_string(), "table, row 2: expected 2 cells, got 1");
    }
}
