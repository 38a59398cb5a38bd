//! Wrong usage that the parser of the command line cannot see.

/// A usage error with this message.
pub fn usage(message: impl Into<String>) -> anyhow::Error {
    tweedie::Error::Usage(message.into()).into()
}

/// Whether an error ends the program with status 2 instead of 1.
pub fn is_usage(error: &anyhow::Error) -> bool {
    error
        .downcast_ref::<tweedie::Error>()
        .is_some_and(tweedie::Error::is_usage)
}
