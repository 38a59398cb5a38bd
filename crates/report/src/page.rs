//! The page as a whole.

use std::fmt::Write as _;
use std::path::Path;

use crate::escape::Escaped;
use crate::{Block, Error, Section};

/// A page.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// Title.
    pub title: String,
    /// One line below the title.
    pub summary: String,
    /// The parts, in order.
    pub sections: Vec<Section>,
}

impl Report {
    /// A page without sections.
    pub fn new(title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            summary: String::new(),
            sections: Vec::new(),
        }
    }

    /// Writes the page, atomically.
    ///
    /// # Errors
    /// As [`Self::html`], and [`Error::Imaging`] naming the file that cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), Error> {
        let html = self.html()?;
        Ok(tweedie_imaging::write_atomic(path, |file| {
            std::io::Write::write_all(file, html.as_bytes())
        })?)
    }

    /// The page as one HTML document that needs nothing else.
    ///
    /// # Errors
    /// [`Error::Table`] if a row of a table does not fit its columns.
    pub fn html(&self) -> Result<String, Error> {
        let title = Escaped(&self.title);
        let mut html = format!(
            "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
             content=\"width=device-width,initial-scale=1\"><meta name=\"color-scheme\" content=\"light dark\">\
             <title>{title}</title><style>{}</style></head><body><main><h1>{title}</h1>",
            include_str!("page.css")
        );
        if !self.summary.is_empty() {
            let _ = write!(html, "<p class=\"summary\">{}</p>", Escaped(&self.summary));
        }
        for section in &self.sections {
            let _ = write!(html, "<section><h2>{}</h2>", Escaped(&section.heading));
            for blocks in section
                .blocks
                .chunk_by(|a, b| row_class(a).is_some() && row_class(a) == row_class(b))
            {
                let class = blocks.first().and_then(row_class);
                if let Some(class) = class {
                    let _ = write!(html, "<div class=\"{class}\">");
                }
                blocks.iter().try_for_each(|block| block_html(block, &mut html))?;
                if class.is_some() {
                    html.push_str("</div>");
                }
            }
            html.push_str("</section>");
        }
        let _ = writeln!(
            html,
            "</main><script>{}</script></body></html>",
            include_str!("page.js")
        );
        Ok(html)
    }
}

/// The row in which neighbouring blocks of one kind stand.
fn row_class(block: &Block) -> Option<&'static str> {
    match block {
        Block::Plot(_) | Block::BoxPlot(_) => Some("plots"),
        Block::Comparison(_) => Some("compares"),
        Block::Text(_) | Block::Code(_) | Block::Table(_) => None,
    }
}

fn block_html(block: &Block, html: &mut String) -> Result<(), Error> {
    match block {
        Block::Text(text) => {
            let _ = write!(html, "<p>{}</p>", Escaped(text));
        }
        Block::Code(code) => {
            let _ = write!(html, "<pre tabindex=\"0\">{}</pre>", Escaped(code));
        }
        Block::Table(table) => table.html(html)?,
        Block::Plot(plot) => {
            let _ = write!(html, "<div class=\"plot\">{}</div>", plot.svg());
        }
        Block::BoxPlot(plot) => {
            let _ = write!(html, "<div class=\"plot\">{}</div>", plot.svg());
        }
        Block::Comparison(comparison) => comparison.html(html),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Comparison, Plot, Section, Series, Table};

    fn sample() -> Report {
        let plot = Plot::new("p", "x (s)", "y (dB)").with(Series::new("s", [(0.0, Some(1.0))]));
        let mut report = Report::new("A <script> & \"more\"");
        report.summary = "1 < 2".to_owned();
        report.sections.push(
            Section::new("First")
                .text("a paragraph")
                .code("tweedie --x '<y>'")
                .table(Table::of_settings([("k", "v")]))
                .plot(plot.clone())
                .plot(plot)
                .comparison(Comparison::new("empty", [])),
        );
        report
    }

    #[test]
    fn every_element_is_closed_in_order() {
        let html = sample().html().unwrap();
        let body = html.split("<script>").next().unwrap().split("<body>").nth(1).unwrap();
        let mut open = Vec::new();
        for tag in body.split('<').skip(1).filter_map(|rest| rest.split('>').next()) {
            let name = tag.trim_start_matches('/').split(' ').next().unwrap_or_default();
            match tag {
                _ if tag.starts_with('/') => assert_eq!(open.pop(), Some(name), "{tag}"),
                _ if tag.ends_with('/') || name == "img" => {}
                _ => open.push(name),
            }
        }
        // The body is cut before its script.
        assert_eq!(open, Vec::<&str>::new());
    }

    #[test]
    fn texts_are_escaped_and_nothing_is_loaded() {
        let html = sample().html().unwrap();
        assert!(html.contains("<title>A &lt;script&gt; &amp; &quot;more&quot;</title>"));
        assert!(html.contains("1 &lt; 2") && html.contains("&#39;&lt;y&gt;&#39;"));
        assert_eq!(html.matches("<script>").count(), 1, "the page's own");
        let without_namespace = html.replace("xmlns=\"http://www.w3.org/2000/svg\"", "");
        assert!(!without_namespace.contains("http") && !html.contains("@import") && !html.contains("<link"));
    }

    #[test]
    fn neighbouring_plots_share_a_row() {
        let html = sample().html().unwrap();
        assert_eq!(html.matches("<div class=\"plots\">").count(), 1);
        assert_eq!(html.matches("<svg").count(), 2);
    }

    #[test]
    fn the_page_is_written_as_one_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.html");
        sample().write(&path).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), sample().html().unwrap());
        let missing = folder.path().join("none/report.html");
        assert!(
            sample()
                .write(&missing)
                .unwrap_err()
                .to_string()
                .contains("report.html")
        );
    }
}
