//! Box plots as SVG.

use std::fmt::Write as _;
use std::path::Path;

use crate::Error;
use crate::escape::Escaped;
use crate::plot::STYLE;
use crate::scale::{Axis, Label, Scale};

/// Distributions side by side: a box from the lower to the upper quartile with the median, whiskers to the smallest and the largest
/// value, and a dot for each value.
#[derive(Clone, Debug, PartialEq)]
pub struct BoxPlot {
    /// Title.
    pub title: String,
    /// What the values are, with their unit in parentheses.
    pub label: String,
    /// Names and values; values that are not finite are left out.
    pub rows: Vec<(String, Vec<f64>)>,
}

/// Width of the drawing; it scales with the page.
const WIDTH: f64 = 600.0;
/// Left and right end of the axis. Names stand above their boxes, so that long ones have room.
const ENDS: (f64, f64) = (24.0, 576.0);
/// Height of a row: the name and the box.
const ROW: f64 = 46.0;
/// Where the first row begins.
const TOP: f64 = 36.0;

/// The value below which a share of sorted values lies, interpolated linearly (type 7 of Hyndman and Fan 1996: what numpy does).
fn quantile(sorted: &[f64], share: f64) -> Option<f64> {
    let place = share * (sorted.len().checked_sub(1)?) as f64;
    let (low, high) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
    Some(low + (high - low) * place.fract())
}

impl BoxPlot {
    /// Writes the plot as an SVG file, atomically.
    ///
    /// # Errors
    /// [`Error::Imaging`] naming the file that cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), Error> {
        let svg = self.svg();
        Ok(tweedie_imaging::write_atomic(path, |file| {
            std::io::Write::write_all(file, svg.as_bytes())
        })?)
    }

    /// The plot as an SVG document that needs nothing else.
    pub fn svg(&self) -> String {
        let bottom = TOP + ROW * self.rows.len().max(1) as f64;
        let title = Escaped(&self.title);
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"tp\" viewBox=\"0 0 {WIDTH} {}\" role=\"img\" \
             aria-label=\"{title}\"><style>{STYLE}</style><text class=\"tp-t\" x=\"{}\" y=\"22\">{title}</text>",
            bottom + 56.0,
            ENDS.0
        );
        self.draw(&mut svg, bottom);
        svg.push_str("</svg>");
        svg
    }

    fn draw(&self, svg: &mut String, bottom: f64) {
        let (left, right) = ENDS;
        let middle = (left + right) / 2.0;
        let label = Escaped(&self.label);
        let _ = write!(
            svg,
            "<text x=\"{middle}\" y=\"{}\" text-anchor=\"middle\">{label}</text>",
            bottom + 44.0
        );
        let finite = |values: &[f64]| {
            values
                .iter()
                .copied()
                .filter(|value| value.is_finite())
                .collect::<Vec<_>>()
        };
        let all = self.rows.iter().flat_map(|(_, values)| finite(values));
        let Some(axis) = Axis::around(Scale::Linear, all) else {
            let _ = write!(
                svg,
                "<text x=\"{middle}\" y=\"{}\" text-anchor=\"middle\">no data</text>",
                (TOP + bottom) / 2.0
            );
            return;
        };
        let at = |value| axis.position(value).map_or(left, |p| left + p * (right - left));
        for tick in axis.ticks() {
            let x = at(tick.value);
            let _ = write!(svg, "<path class=\"tp-g\" d=\"M{x:.1} {TOP}V{bottom}\"/>");
            if let Label::Plain(text) = &tick.label {
                let _ = write!(
                    svg,
                    "<text x=\"{x:.1}\" y=\"{}\" text-anchor=\"middle\">{text}</text>",
                    bottom + 19.0
                );
            }
        }
        for (index, (name, values)) in self.rows.iter().enumerate() {
            let y = TOP + ROW * index as f64;
            let name = Escaped(name);
            let _ = write!(svg, "<text x=\"{left}\" y=\"{}\">{name}</text>", y + 17.0);
            let mut sorted = finite(values);
            sorted.sort_by(f64::total_cmp);
            one(svg, &sorted, y + 32.0, at);
        }
    }
}

/// The box of one row around the height `y`.
fn one(svg: &mut String, sorted: &[f64], y: f64, at: impl Fn(f64) -> f64) {
    let [Some(least), Some(lower), Some(median), Some(upper), Some(largest)] =
        [0.0, 0.25, 0.5, 0.75, 1.0].map(|share| quantile(sorted, share).map(&at))
    else {
        return;
    };
    let (top, bottom) = (y - 8.0, y + 8.0);
    let _ = write!(
        svg,
        "<path class=\"tp-f\" d=\"M{least:.1} {y}H{lower:.1}M{upper:.1} {y}H{largest:.1}M{least:.1} {}v8M{largest:.1} {}v8\"/>\
         <rect class=\"tp-f\" x=\"{lower:.1}\" y=\"{top}\" width=\"{:.1}\" height=\"16\"/>\
         <path class=\"tp-c\" style=\"stroke:var(--c1)\" d=\"M{median:.1} {top}V{bottom}\"/>",
        y - 4.0,
        y - 4.0,
        upper - lower
    );
    for &value in sorted {
        let x = at(value);
        let _ = write!(
            svg,
            "<circle cx=\"{x:.1}\" cy=\"{y}\" r=\"2.5\" style=\"fill:var(--c0)\"/>"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_numpy() {
        let sorted = [1.0, 2.0, 4.0, 8.0];
        let found = [0.0, 0.25, 0.5, 0.75, 1.0].map(|share| quantile(&sorted, share).unwrap());
        assert_eq!(found, [1.0, 1.75, 3.0, 5.0, 8.0]);
        assert_eq!((quantile(&[], 0.5), quantile(&[3.0], 0.9)), (None, Some(3.0)));
    }

    #[test]
    fn each_value_is_a_dot_and_what_is_none_is_left_out() {
        let plot = |rows| BoxPlot {
            title: "a < b".to_owned(),
            label: "PSNR (dB)".to_owned(),
            rows,
        };
        let svg = plot(vec![
            ("one & two".to_owned(), vec![30.0, 31.0, f64::NAN]),
            ("none".to_owned(), Vec::new()),
        ])
        .svg();
        assert!(svg.contains("a &lt; b") && svg.contains("one &amp; two") && svg.contains(">none</text>"));
        assert_eq!((svg.matches("<circle").count(), svg.matches("<rect").count()), (2, 1));
        assert!(plot(Vec::new()).svg().contains("no data"));
    }
}
