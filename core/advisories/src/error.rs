//! What can fail in this crate.

/// Why an index cannot be built, opened or read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The bytes are not an index.
    #[error("this file is not a Plimsoll index")]
    NotAnIndex,
    /// The index was written by another version of the format.
    #[error("the index has format {found}, this program reads format {known}: run `plimsoll feeds compile`")]
    Format {
        /// The format in the file.
        found: u32,
        /// The format of this program.
        known: u32,
    },
    /// A part of the index does not hold together.
    #[error("the index is damaged: {what} (at byte {at})")]
    Damaged {
        /// What was being read.
        what: &'static str,
        /// Where.
        at: usize,
    },
    /// The index's digest is not the one in its header.
    #[error("the index is damaged: its digest is `{found}`, its header says `{expected}`")]
    Digest {
        /// The digest of the bytes as they are.
        found: String,
        /// The digest that was written.
        expected: String,
    },
}
