//! Self-contained HTML reports and SVG plots.
#![forbid(unsafe_code)]
