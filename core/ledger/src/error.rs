//! What can be wrong with a part of a ledger.

/// Why something of a ledger cannot be read, made or believed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An entry is not what it should be.
    #[error("entry is not readable: {what}")]
    Entry {
        /// What is wrong.
        what: String,
    },
    /// An entry has more bytes than a bundle can hold.
    #[error("entry has {size} bytes, more than {most}")]
    EntryTooLarge {
        /// Its size.
        size: usize,
        /// The most that are possible.
        most: usize,
    },
    /// A key is not what it should be.
    #[error("key is not readable: {what}")]
    Key {
        /// What is wrong.
        what: &'static str,
    },
    /// A note is not what it should be.
    #[error("note is not readable: {what}")]
    Note {
        /// What is wrong.
        what: &'static str,
    },
    /// A signature of a known key does not fit its text.
    #[error("the signature of `{name}` does not fit the text")]
    Signature {
        /// The key's name.
        name: String,
    },
    /// No known key has signed.
    #[error("no key that is known has signed it")]
    Unsigned,
    /// A checkpoint is not what it should be.
    #[error("checkpoint is not readable: {what}")]
    Checkpoint {
        /// What is wrong.
        what: &'static str,
    },
    /// A tile or bundle is not what its place says.
    #[error("`{path}` is damaged: {what}")]
    Tile {
        /// Its path.
        path: String,
        /// What is wrong.
        what: String,
    },
    /// A proof does not show what it should.
    #[error("the proof does not hold: {what}")]
    Proof {
        /// What is wrong.
        what: &'static str,
    },
    /// Something was asked for that the tree does not have.
    #[error("there is no {what} in a tree of {size} entries")]
    Range {
        /// What was asked for.
        what: String,
        /// How many entries there are.
        size: u64,
    },
    /// A change of keys cannot be believed.
    #[error("the change of keys does not hold: {what}")]
    KeyChange {
        /// What is wrong.
        what: String,
    },
    /// The caller's storage failed.
    #[error("failed to read `{path}`")]
    Storage {
        /// What was read.
        path: String,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
}
