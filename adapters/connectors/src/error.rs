//! What can go wrong on the way out.

/// Why something was not sent.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// It is no address of the kind that is wanted.
    #[error("`{}` is no address for this: {wanted}", address.escape_debug())]
    Address {
        /// What it is.
        address: String,
        /// What is wanted.
        wanted: &'static str,
    },
    /// A secret is none.
    #[error("the secret is none: {wanted}")]
    Secret {
        /// What is wanted.
        wanted: &'static str,
    },
    /// The authorities that are trusted cannot be read.
    #[error("the certificates of the authorities cannot be read: {what}")]
    Authorities {
        /// What is wrong.
        what: String,
    },
    /// A message cannot be written as one.
    #[error("the message cannot be written")]
    Letter(#[source] lettre::error::Error),
    /// The mail server does not take it.
    #[error("the mail server did not take it")]
    Mail(#[source] lettre::transport::smtp::Error),
    /// The mail server is there, and takes nothing now.
    #[error("the mail server takes nothing now")]
    Busy,
    /// What was to receive it cannot be reached.
    #[error("it could not be sent to {host}")]
    Unreached {
        /// Where to.
        host: String,
        /// The cause.
        #[source]
        source: reqwest::Error,
    },
    /// It was not taken.
    #[error("{host} answers {status}, which is no success")]
    Refused {
        /// Where to.
        host: String,
        /// Its answer.
        status: u16,
    },
    /// Nothing can be sent from here.
    #[error("connections cannot be made")]
    Client(#[source] reqwest::Error),
}

impl Error {
    /// Whether it is sure that it was not taken.
    #[must_use]
    pub fn was_not_taken(&self) -> bool {
        match self {
            Self::Unreached { source, .. } => source.is_connect(),
            // What stands between may have handed it on, whatever it answers by itself.
            Self::Refused { status, .. } => (300..500).contains(status) && ![408, 409, 429].contains(status),
            Self::Mail(_) => false,
            _ => true,
        }
    }

    /// Whether trying again would not help: what was to be sent is at fault, or its recipient.
    #[must_use]
    pub fn is_final(&self) -> bool {
        match self {
            Self::Address { .. } | Self::Secret { .. } | Self::Authorities { .. } | Self::Letter(_) => true,
            Self::Mail(error) => error.is_permanent(),
            Self::Refused { status, .. } => *status == 410,
            Self::Unreached { .. } | Self::Client(_) | Self::Busy => false,
        }
    }
}
