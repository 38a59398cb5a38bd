//! Text inside HTML and SVG.

use std::fmt::{self, Write as _};

/// Displays a text such that it stands for itself in HTML and SVG, in elements and in quoted attributes. Control
/// characters other than line breaks and tabs, which XML forbids, become U+FFFD.
pub(crate) struct Escaped<'a>(pub &'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                '\n' | '\t' => f.write_char(c)?,
                _ if c.is_control() => f.write_char('\u{fffd}')?,
                _ => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_becomes_text() {
        let text = Escaped("<a href=\"x\" on='y'>&amp;\u{0}\u{1b}[1m é\n").to_string();
        assert_eq!(
            text,
            "&lt;a href=&quot;x&quot; on=&#39;y&#39;&gt;&amp;amp;\u{fffd}\u{fffd}[1m é\n"
        );
    }
}
