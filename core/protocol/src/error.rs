//! What can be wrong with what was said.

/// Why something that was sent is not taken.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It is not of the form that it should have.
    #[error("it is not of the form that it should have")]
    Form(#[from] serde_json::Error),
    /// There is more of something than there ever is.
    #[error("there are {found} {what}, and {most} are the most")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many there are.
        found: usize,
        /// How many there may be.
        most: usize,
    },
    /// What was said to be sent is not what was.
    #[error("its digest is said to be `{said}`, and is `{found}`")]
    Digest {
        /// What was said.
        said: String,
        /// What was found.
        found: String,
    },
    /// An order is none, or none for whoever reads it.
    #[error("the order cannot be believed: {what}")]
    Order {
        /// What is wrong.
        what: &'static str,
    },
    /// A signature or a proof does not hold.
    #[error("the order cannot be believed")]
    Proof(#[from] ledger::Error),
    /// A text is no ticket.
    #[error("it is no token of this program: `plimsoll_`, an id, a dot and a secret")]
    Ticket,
}
