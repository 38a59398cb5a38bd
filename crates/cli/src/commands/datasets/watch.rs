//! Downloads on the terminal.

use indicatif::ProgressBar;
use tweedie::Events as _;
use tweedie::datasets::Progress;

use crate::progress;
use crate::session::Session;

/// Shows progress as a bar, prints notes, and stops at a signal.
pub struct Watch<'a> {
    session: &'a Session,
    bar: ProgressBar,
}

impl<'a> Watch<'a> {
    pub fn new(session: &'a Session) -> Self {
        Self {
            session,
            bar: progress::bar(session.quiet, 0, "{bar:30} {bytes}/{total_bytes} {wide_msg} ETA {eta}"),
        }
    }
}

impl Progress for Watch<'_> {
    fn note(&self, line: &str) {
        self.bar.suspend(|| self.session.note(line));
    }

    fn detail(&self, line: &str) {
        self.bar.suspend(|| self.session.detail(line));
    }

    fn bytes(&self, done: u64, total: u64, file: &str) {
        self.bar.set_length(total.max(done));
        self.bar.set_position(done);
        if self.bar.message() != file {
            self.bar.set_message(file.to_owned());
        }
    }

    fn is_cancelled(&self) -> bool {
        self.session.is_interrupted()
    }
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
