//! The crate's error type.

/// What can go wrong with a report.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A picture or a file problem found by `tweedie-imaging`.
    #[error(transparent)]
    Imaging(#[from] tweedie_imaging::Error),
    /// A picture could not be encoded.
    #[error("picture '{caption}': encoding it as PNG failed")]
    Encode {
        /// Its caption.
        caption: String,
        /// The encoder's error.
        source: image::ImageError,
    },
    /// A row with more or fewer cells than the table has columns.
    #[error("table, row {row}: expected {expected} cells, got {got}")]
    Table {
        /// Number of the row, from 1.
        row: usize,
        /// Columns of the table.
        expected: usize,
        /// Cells of the row.
        got: usize,
    },
}
