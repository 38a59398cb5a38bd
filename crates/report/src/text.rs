//! Tables as text of other programs.

use crate::Table;

impl Table {
    /// The table as CSV (RFC 4180), with a line for the heads.
    pub fn csv(&self) -> String {
        self.lines(|cells| cells.iter().map(|cell| csv_cell(cell)).collect::<Vec<_>>().join(","))
    }

    /// The table as Markdown.
    pub fn markdown(&self) -> String {
        let line = |cells: &[String]| {
            let cells: Vec<String> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
            format!("| {} |", cells.join(" | "))
        };
        let mut lines: Vec<String> = self.lines(line).lines().map(str::to_owned).collect();
        let align = |column| if self.is_numeric(column) { "---:" } else { "---" };
        let rule: Vec<&str> = (0..self.columns.len()).map(align).collect();
        lines.insert(1, format!("| {} |", rule.join(" | ")));
        lines.join("\n") + "\n"
    }

    /// The table as a LaTeX `tabular` with rules of `booktabs`.
    pub fn latex(&self) -> String {
        let align: String = (0..self.columns.len())
            .map(|column| if self.is_numeric(column) { 'r' } else { 'l' })
            .collect();
        let line = |cells: &[String]| {
            let cells: Vec<String> = cells.iter().map(|cell| escaped(cell)).collect();
            format!("{} \\\\", cells.join(" & "))
        };
        let text = self.lines(line);
        let (head, rows) = text.split_once('\n').unwrap_or((&text, ""));
        format!("\\begin{{tabular}}{{{align}}}\n\\toprule\n{head}\n\\midrule\n{rows}\\bottomrule\n\\end{{tabular}}\n")
    }

    /// The table for a terminal: columns of equal width, numbers flush right.
    pub fn plain(&self) -> String {
        let rows = || std::iter::once(&self.columns).chain(&self.rows);
        let letters = |row: &Vec<String>, column: usize| row.get(column).map_or(0, |cell| cell.chars().count());
        let widths: Vec<usize> = (0..self.columns.len())
            .map(|column| rows().map(|row| letters(row, column)).max().unwrap_or(0))
            .collect();
        self.lines(|cells| {
            let set = |(column, cell): (usize, &String)| {
                let width = widths[column];
                match self.is_numeric(column) {
                    true => format!("{cell:>width$}"),
                    false => format!("{cell:<width$}"),
                }
            };
            let line: Vec<String> = cells.iter().enumerate().take(widths.len()).map(set).collect();
            line.join("  ").trim_end().to_owned()
        })
    }

    /// A line for the heads and for each row.
    fn lines(&self, line: impl Fn(&[String]) -> String) -> String {
        let rows = std::iter::once(&self.columns).chain(&self.rows);
        rows.map(|cells| line(cells) + "\n").collect()
    }
}

/// A text as one cell of a CSV file, quoted where it has to be (RFC 4180).
pub fn csv_cell(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

/// Text with LaTeX's special characters as such.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' | '%' | '$' | '#' | '_' | '{' | '}' => escaped.extend(['\\', letter]),
            '\\' => escaped.push_str("\\textbackslash{}"),
            '~' => escaped.push_str("\\textasciitilde{}"),
            '^' => escaped.push_str("\\textasciicircum{}"),
            _ => escaped.push(letter),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use crate::Table;

    fn table() -> Table {
        let mut table = Table::new(["image", "PSNR (dB)"]);
        table.row(["a_b, \"c\"", "30.12"]);
        table.row(["d|e", "9.5"]);
        table
    }

    #[test]
    fn every_program_has_its_form() {
        assert_eq!(table().csv(), "image,PSNR (dB)\n\"a_b, \"\"c\"\"\",30.12\nd|e,9.5\n");
        assert_eq!(
            table().markdown(),
            "| image | PSNR (dB) |\n| --- | ---: |\n| a_b, \"c\" | 30.12 |\n| d\\|e | 9.5 |\n"
        );
        let latex = table().latex();
        assert!(
            latex.starts_with("\\begin{tabular}{lr}\n\\toprule\nimage & PSNR (dB) \\\\\n\\midrule\n"),
            "{latex}"
        );
        assert!(
            latex.contains("a\\_b, \"c\" & 30.12 \\\\\n") && latex.ends_with("\\bottomrule\n\\end{tabular}\n"),
            "{latex}"
        );
        assert_eq!(
            table().plain(),
            "image     PSNR (dB)\na_b, \"c\"      30.12\nd|e             9.5\n"
        );
    }
}
