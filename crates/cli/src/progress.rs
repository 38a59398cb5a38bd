//! Progress bars on standard error, and only on a terminal.

use std::io::IsTerminal as _;

use indicatif::{ProgressBar, ProgressStyle};

use crate::session::Session;

/// A bar over `len` steps; invisible unless standard error is a terminal.
pub fn bar(session: &Session, len: u64, template: &str) -> ProgressBar {
    if session.quiet || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(len);
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar
}

/// The bar of a command that works through images.
pub fn images(session: &Session, len: usize) -> ProgressBar {
    bar(session, len as u64, "{bar:30} {pos}/{len} images {wide_msg} ETA {eta}")
}
