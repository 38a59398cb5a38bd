//! One self-contained HTML page from texts, tables, pictures and curves; plots alone as SVG, tables as CSV, Markdown and LaTeX.
//!
//! A page needs no network, no other file and, but for the slider between two pictures, no script. It follows the
//! reader's light or dark setting.
//!
//! ```
//! use tweedie_report::{Plot, Report, Section, Series, Table};
//!
//! let mut table = Table::new(["image", "PSNR (dB)"]);
//! table.row(["camera", "27.31"]);
//! let mut plot = Plot::new("Residual", "iteration", "residual (image units)").log_y();
//! plot.series.push(Series::new("camera", [(1.0, Some(0.1)), (2.0, None), (3.0, Some(0.01))]));
//! let mut report = Report::new("Deblurring");
//! report.sections.push(Section::new("Results").table(table).plot(plot));
//! assert!(report.html()?.starts_with("<!DOCTYPE html>"));
//! # Ok::<(), tweedie_report::Error>(())
//! ```
#![forbid(unsafe_code)]

mod boxplot;
mod error;
mod escape;
mod page;
mod picture;
mod plot;
mod scale;
mod section;
mod table;
mod text;

pub use boxplot::BoxPlot;
pub use error::Error;
pub use page::Report;
pub use picture::{Comparison, Picture};
pub use plot::{Plot, Series};
pub use scale::Scale;
pub use section::{Block, Section};
pub use table::Table;
pub use text::csv_cell;
