//! What the caller of long work hears of it.

/// Listens to a download or a verification, and can end it. Every method has a default that does nothing.
pub trait Progress {
    /// Something that the user should know.
    fn note(&self, line: &str) {
        let _ = line;
    }

    /// A detail for the curious, such as an attempt that failed and is repeated.
    fn detail(&self, line: &str) {
        let _ = line;
    }

    /// `done` bytes of `total` (0 if unknown) are there; `file` is the one at work.
    fn bytes(&self, done: u64, total: u64, file: &str) {
        let _ = (done, total, file);
    }

    /// Whether to stop: the work ends with [`crate::Error::Cancelled`], and a later call goes on where it stopped.
    fn is_cancelled(&self) -> bool {
        false
    }
}

/// Nobody listens.
impl Progress for () {}
