//! Why a document could not be made into a file.

/// Why a document could not be made into a file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// It is longer than a document may be.
    #[error("the document has {bytes} bytes, more than the {limit} that a document may have")]
    TooLong {
        /// How long it is.
        bytes: usize,
        /// How long it may be.
        limit: usize,
    },
    /// Its tables have more cells than a document may have.
    #[error("its tables have {cells} cells, more than the {limit} that a document may have")]
    TooManyCells {
        /// How many they have.
        cells: usize,
        /// How many they may have.
        limit: usize,
    },
    /// Its date lies outside the years that a file can name.
    #[error("the date `{0}` cannot be written into a file")]
    Date(jiff::Timestamp),
    /// The PDF could not be set, or would not be what it claims to be.
    #[error("failed to set the PDF: {0}")]
    Typeset(String),
    /// A row of a table has other cells than its head.
    #[error("failed to write the table")]
    Table(#[from] csv::Error),
    /// The parts of the DOCX could not be packed.
    #[error("failed to pack the DOCX")]
    Pack(#[source] std::io::Error),
}
