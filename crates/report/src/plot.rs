//! Line plots as SVG.

use std::fmt::Write as _;
use std::path::Path;

use crate::Error;
use crate::escape::Escaped;
use crate::scale::{Axis, Label, Scale};

/// A curve.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// Its name in the legend.
    pub name: String,
    /// (x, y) in the order in which they are joined; a `None`, and a value that the axes cannot show, leaves a gap.
    pub points: Vec<(f64, Option<f64>)>,
}

impl Series {
    /// A curve through `points`.
    pub fn new(name: impl Into<String>, points: impl IntoIterator<Item = (f64, Option<f64>)>) -> Self {
        Self {
            name: name.into(),
            points: points.into_iter().collect(),
        }
    }
}

/// A plot of one or more curves over the same axes.
#[derive(Clone, Debug, PartialEq)]
pub struct Plot {
    /// Title.
    pub title: String,
    /// What x is, with its unit in parentheses.
    pub x_label: String,
    /// What y is, with its unit in parentheses.
    pub y_label: String,
    /// How the x axis is divided.
    pub x_scale: Scale,
    /// How the y axis is divided.
    pub y_scale: Scale,
    /// The curves. A legend names them if there are several.
    pub series: Vec<Series>,
}

/// Width and height of the drawing; it scales with the page, texts included.
const SIZE: (f64, f64) = (600.0, 370.0);
/// The frame: left, right and lower edge. Its upper edge lies below the legend.
const FRAME: (f64, f64, f64) = (88.0, 584.0, 318.0);
/// Size of the letters; about 9 pixels are left of it on a narrow phone.
const FONT: f64 = 14.0;
/// Mean width of a letter of a sans-serif font, in units of its size; only the legend's line breaks depend on it.
const LETTER: f64 = 0.56;
/// Colours in the style sheet (Okabe and Ito's, which colour-blind readers tell apart); further curves are dashed.
const COLOURS: usize = 7;

/// Colours for light and dark pages. The classes carry a prefix: the style sheet of an SVG holds for the whole page.
pub(crate) const STYLE: &str = "\
.tp{font-family:system-ui,-apple-system,'Segoe UI',Roboto,sans-serif;--ink:#333;--grid:#e3e3e3;--c0:#0072b2;--c1:#d55e00;\
--c2:#009e73;--c3:#cc79a7;--c4:#56b4e9;--c5:#b8860b;--c6:#555}\
@media(prefers-color-scheme:dark){.tp{--ink:#ccc;--grid:#3a3d42;--c0:#4ba3dd;--c1:#ff8b45;--c2:#2fc79a;--c3:#e39cc4;\
--c4:#8fd0f7;--c5:#e0b23e;--c6:#aaa}}\
.tp text{fill:var(--ink);font-size:14px}.tp .tp-t{font-size:16px;font-weight:600}.tp .tp-p{font-size:10px}\
.tp .tp-g{stroke:var(--grid);stroke-width:1}.tp .tp-f{stroke:var(--ink);stroke-width:1;fill:none}\
.tp .tp-c{fill:none;stroke-width:2;stroke-linejoin:round;stroke-linecap:round}";

impl Plot {
    /// An empty plot with linear axes.
    pub fn new(title: impl Into<String>, x_label: impl Into<String>, y_label: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            x_label: x_label.into(),
            y_label: y_label.into(),
            x_scale: Scale::Linear,
            y_scale: Scale::Linear,
            series: Vec::new(),
        }
    }

    /// The same with a logarithmic x axis.
    pub fn log_x(mut self) -> Self {
        self.x_scale = Scale::Log;
        self
    }

    /// The same with a logarithmic y axis.
    pub fn log_y(mut self) -> Self {
        self.y_scale = Scale::Log;
        self
    }

    /// The same with one more curve.
    pub fn with(mut self, series: Series) -> Self {
        self.series.push(series);
        self
    }

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
        let (width, height) = SIZE;
        let (legend, top) = self.legend();
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"tp\" viewBox=\"0 0 {width} {height}\" role=\"img\" \
             aria-label=\"{title}\"><style>{STYLE}</style><text class=\"tp-t\" x=\"{}\" y=\"22\">{title}</text>{legend}",
            FRAME.0,
            title = Escaped(&self.title),
        );
        self.draw(&mut svg, top);
        svg.push_str("</svg>");
        svg
    }

    /// Axes and curves below `top`.
    fn draw(&self, svg: &mut String, top: f64) {
        let (left, right, bottom) = FRAME;
        let (middle_x, middle_y) = ((left + right) / 2.0, (top + bottom) / 2.0);
        let frame = format!(
            "<rect class=\"tp-f\" x=\"{left}\" y=\"{top}\" width=\"{}\" height=\"{}\"/>",
            right - left,
            bottom - top
        );
        let _ = write!(
            svg,
            "<text x=\"{middle_x}\" y=\"{}\" text-anchor=\"middle\">{}</text><text transform=\"translate(18 {middle_y}) \
             rotate(-90)\" text-anchor=\"middle\">{}</text>",
            bottom + 42.0,
            Escaped(&self.x_label),
            Escaped(&self.y_label),
        );
        let points = || {
            self.series
                .iter()
                .flat_map(|series| &series.points)
                .filter(|(_, y)| y.is_some())
        };
        let x_axis = Axis::around(self.x_scale, points().map(|(x, _)| *x));
        let y_axis = Axis::around(self.y_scale, points().filter_map(|(_, y)| *y));
        let (Some(x_axis), Some(y_axis)) = (x_axis, y_axis) else {
            let _ = write!(
                svg,
                "{frame}<text x=\"{middle_x}\" y=\"{middle_y}\" text-anchor=\"middle\">no data</text>"
            );
            return;
        };
        let x_at = |x| x_axis.position(x).map(|p| left + p * (right - left));
        let y_at = |y| y_axis.position(y).map(|p| bottom - p * (bottom - top));
        for tick in x_axis.ticks() {
            if let Some(x) = x_at(tick.value) {
                let _ = write!(svg, "<path class=\"tp-g\" d=\"M{x:.1} {top}V{bottom}\"/>");
                tick_label(svg, x, bottom + 19.0, "middle", &tick.label);
            }
        }
        for tick in y_axis.ticks() {
            if let Some(y) = y_at(tick.value) {
                let _ = write!(svg, "<path class=\"tp-g\" d=\"M{left} {y:.1}H{right}\"/>");
                tick_label(svg, left - 7.0, y + 5.0, "end", &tick.label);
            }
        }
        svg.push_str(&frame);
        for (index, series) in self.series.iter().enumerate() {
            let at = |&(x, y): &(f64, Option<f64>)| Some((x_at(x)?, y_at(y?)?));
            curve(svg, index, series.points.iter().map(at));
        }
    }

    /// The legend below the title, in as many lines as it needs, and where the frame begins.
    fn legend(&self) -> (String, f64) {
        const LINE: f64 = 19.0;
        const KEY: f64 = 24.0;
        let (left, right, _) = FRAME;
        let (mut x, mut y) = (left, 44.0);
        let mut legend = String::new();
        if self.series.len() < 2 {
            return (legend, 36.0);
        }
        for (index, series) in self.series.iter().enumerate() {
            let width = KEY + 6.0 + LETTER * FONT * series.name.chars().count() as f64;
            if x > left && x + width > right {
                (x, y) = (left, y + LINE);
            }
            let line = format!("<path {} d=\"M{x:.1} {:.1}h{KEY}\"/>", stroke(index), y - 5.0);
            let _ = write!(
                legend,
                "{line}<text x=\"{:.1}\" y=\"{y}\">{}</text>",
                x + KEY + 6.0,
                Escaped(&series.name)
            );
            x += width + 18.0;
        }
        // Of very many curves, the legend may not push out the plot.
        (legend, (y + 12.0).min(FRAME.2 - 120.0))
    }
}

fn stroke(index: usize) -> String {
    let dash = match index / COLOURS {
        0 => String::new(),
        n => format!(" stroke-dasharray=\"{} 5\"", 9.0 / n as f64),
    };
    format!("class=\"tp-c\" style=\"stroke:var(--c{})\"{dash}", index % COLOURS)
}

/// One path; neighbours of a missing point are not joined, and a point without neighbours is a dot.
fn curve(svg: &mut String, index: usize, points: impl Iterator<Item = Option<(f64, f64)>>) {
    let points: Vec<_> = points.collect();
    let mut path = String::new();
    for run in points.split(Option::is_none) {
        for (i, (x, y)) in run.iter().flatten().enumerate() {
            let _ = write!(path, "{}{x:.1} {y:.1}", if i == 0 { 'M' } else { 'L' });
        }
        if run.len() == 1 {
            // A line of no length with round ends.
            path.push_str("h0");
        }
    }
    if !path.is_empty() {
        let _ = write!(svg, "<path {} d=\"{path}\"/>", stroke(index));
    }
}

fn tick_label(svg: &mut String, x: f64, y: f64, anchor: &str, label: &Label) {
    let text = match label {
        Label::Plain(text) => text.clone(),
        Label::Power(factor, exponent) => {
            let factor = if factor == "1" {
                String::new()
            } else {
                format!("{factor}\u{d7}")
            };
            let exponent = exponent.to_string().replace('-', "\u{2212}");
            format!("{factor}10<tspan class=\"tp-p\" dy=\"-5\">{exponent}</tspan>")
        }
    };
    let _ = write!(
        svg,
        "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{text}</text>"
    );
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn colours_in_style() -> BTreeSet<usize> {
        let name = |rest: &str| rest.split(':').next()?.parse().ok();
        STYLE.split("--c").skip(1).filter_map(name).collect()
    }

    fn paths(svg: &str) -> Vec<&str> {
        let of_curve = |rest: &'_ str| rest.starts_with("class=\"tp-c\"");
        let data = |rest: &'_ str| rest.find(" d=\"").map(|at| at + 4);
        svg.split("<path ")
            .filter(|rest| of_curve(rest))
            .filter_map(|rest| rest[data(rest)?..].split('"').next())
            .collect()
    }

    #[test]
    fn missing_values_leave_gaps_and_lone_points_are_dots() {
        let y = [
            Some(1.0),
            Some(2.0),
            None,
            Some(3.0),
            Some(f64::NAN),
            Some(2.0),
            Some(1.0),
        ];
        let points = y.into_iter().enumerate().map(|(x, y)| (x as f64, y));
        let svg = Plot::new("t", "x", "y").with(Series::new("s", points)).svg();
        let path = paths(&svg)[0];
        assert_eq!(path.matches('M').count(), 3, "{path}");
        assert_eq!(path.matches('L').count(), 2, "{path}");
        assert_eq!(path.matches("h0").count(), 1, "{path}");
        assert!(!svg.contains("NaN") && !svg.contains("inf"));
    }

    #[test]
    fn a_logarithmic_axis_skips_what_is_not_positive() {
        let plot = Plot::new("t", "x", "y").with(Series::new(
            "s",
            [(1.0, Some(1.0)), (2.0, Some(0.0)), (3.0, Some(10.0))],
        ));
        assert_eq!(paths(&plot.svg())[0].matches('M').count(), 1);
        assert_eq!(paths(&plot.log_y().svg())[0].matches('M').count(), 2);
    }

    #[test]
    fn curves_stay_inside_the_frame_and_rise_upwards() {
        let svg = Plot::new("t", "x", "y")
            .with(Series::new("s", [(0.0, Some(-5.0)), (10.0, Some(1e3))]))
            .svg();
        let numbers: Vec<f64> = paths(&svg)[0]
            .split(['M', 'L', ' '])
            .filter_map(|n| n.parse().ok())
            .collect();
        let [x0, y0, x1, y1] = numbers[..] else {
            panic!("{numbers:?}")
        };
        assert!(FRAME.0 < x0 && x0 < x1 && x1 < FRAME.1);
        assert!(FRAME.2 > y0 && y0 > y1 && y1 > 0.0);
    }

    #[test]
    fn nothing_to_show_is_said() {
        for plot in [
            Plot::new("t", "x", "y"),
            Plot::new("t", "x", "y")
                .log_y()
                .with(Series::new("s", [(1.0, Some(0.0)), (2.0, None)])),
        ] {
            assert!(plot.svg().contains("no data"));
        }
    }

    #[test]
    fn texts_are_escaped_and_several_curves_have_a_legend() {
        let one = Plot::new("<b>", "x & y", "\"y\"").with(Series::new("<one>", [(0.0, Some(0.0))]));
        let svg = one.svg();
        assert!(svg.contains("&lt;b&gt;") && svg.contains("x &amp; y") && svg.contains("&quot;y&quot;"));
        assert!(!svg.contains("<b>") && !svg.contains("one&gt;"));
        let svg = one.with(Series::new("two", [])).svg();
        assert!(svg.contains("&lt;one&gt;") && svg.contains("two"));
    }

    #[test]
    fn many_curves_are_told_apart() {
        assert_eq!(colours_in_style(), (0..COLOURS).collect());
        let strokes: BTreeSet<String> = (0..4 * COLOURS).map(stroke).collect();
        assert_eq!(strokes.len(), 4 * COLOURS);
    }
}
