//! What can go wrong.

/// Why something could not be done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The record failed, or the rules said no.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The advisories could not be read.
    #[error("failed to read the advisories")]
    Advisories(#[from] ::advisories::Error),
    /// An inventory cannot be used.
    #[error("the inventory cannot be used")]
    Inventory(#[from] protocol::Error),
    /// The index is not at hand.
    #[error(transparent)]
    Feeds(#[from] feeds::Error),
    /// What assets have could not be held against the advisories.
    #[error("failed to hold packages against the advisories")]
    Assessment(#[from] assessment::Error),
    /// No policy is in force, so that nothing can be said of deadlines.
    #[error("no policy is in force{}", .at.map(|at| format!(" as of {at}")).unwrap_or_default())]
    NoPolicy {
        /// As of when.
        at: Option<jiff::Timestamp>,
    },
    /// A framework that ships with the program cannot be read.
    #[error("failed to read a framework")]
    Framework(#[source] evidence::Error),
    /// A policy may not be put in force.
    #[error("the policy has errors, so that nothing is done with it; the first is {first}")]
    Policy {
        /// The first of them, with its line.
        first: String,
    },
    /// A document may not be handed in.
    #[error("the document has errors; the first is {first}")]
    Document {
        /// The first of them, with its line.
        first: String,
    },
    /// Completions of courses cannot be read.
    #[error("the completions cannot be read: {first}")]
    Completions {
        /// Why.
        first: String,
    },
    /// A change cannot be planned.
    #[error("the change cannot be planned")]
    Change {
        /// Why.
        #[source]
        source: change::Error,
    },
    /// An order cannot be made.
    #[error("the order cannot be made")]
    Order {
        /// Why.
        #[source]
        source: protocol::Error,
    },
    /// Something could not be written as JSON.
    #[error("failed to write JSON")]
    Json {
        /// The cause.
        #[source]
        source: serde_json::Error,
    },
    /// There is no randomness.
    #[error("the system gives no random numbers")]
    Random,
    /// A task of the program ended before its time.
    #[error("a task ended before its time")]
    Task,
}

impl From<lifecycle::NoId> for Error {
    fn from(no_id: lifecycle::NoId) -> Self {
        lifecycle::Refusal::from(no_id).into()
    }
}

impl From<lifecycle::Refusal> for Error {
    fn from(refusal: lifecycle::Refusal) -> Self {
        Self::Store(refusal.into())
    }
}
