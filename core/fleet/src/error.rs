//! What cannot be taken in.

/// Why a fact cannot be taken in, or a question cannot be answered.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A document is none of its kind.
    #[error("the document cannot be read")]
    Document {
        /// The cause.
        #[source]
        source: serde_json::Error,
    },
    /// A document is of a version that is not known.
    #[error("the document is of version {version}, which is not known")]
    Version {
        /// Its version.
        version: u32,
    },
    /// A document speaks of a thing that is not known.
    #[error("the document speaks of package number {number}, and there are {known}")]
    Thing {
        /// The number.
        number: u32,
        /// How many are known.
        known: usize,
    },
    /// A document takes away what an asset has not, or gives it what it has.
    #[error("the inventory of `{asset}` does not follow from the one before it (package number {number})")]
    Sequence {
        /// The asset.
        asset: String,
        /// The thing's number.
        number: u32,
    },
    /// An entry needs a document, and none was handed in.
    #[error("the document `{digest}` is missing")]
    Missing {
        /// Its digest.
        digest: String,
    },
    /// A policy cannot be read.
    #[error("the policy cannot be read")]
    Policy {
        /// The cause.
        #[source]
        source: policy::Error,
    },
    /// An entry says something else of a policy than its text.
    #[error("the policy's text asks for other scans than its entry says")]
    OtherRule,
    /// The bytes are no facts.
    #[error("the snapshot cannot be read: {what}")]
    Snapshot {
        /// What is wrong.
        what: String,
    },
    /// There are more packages or assets than can be numbered.
    #[error("there are more {what} than 4 billion")]
    TooMany {
        /// Of what.
        what: &'static str,
    },
}
