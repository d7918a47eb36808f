//! What can be wrong with a policy so that it cannot be read.

/// Why a policy cannot be used: where, and what is wrong.
#[derive(Debug, thiserror::Error)]
#[error("line {line}: {fault}")]
pub struct Error {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong.
    pub fault: Fault,
}

/// What is wrong with a policy.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The file does not follow its format.
    #[error("{0}")]
    Format(String),
    /// A class cannot be understood.
    #[error("class `{class}`: {what}")]
    Class {
        /// The class's id.
        class: String,
        /// What is wrong.
        what: String,
    },
    /// A text or number that no policy may have.
    #[error("`{place}`: {what}")]
    Value {
        /// The key.
        place: &'static str,
        /// What is wrong.
        what: String,
    },
    /// The table does not cover everything.
    #[error("the last class must have no condition, so that every finding gets exactly one")]
    NotTotal,
    /// A class after one without conditions can never be reached.
    #[error("class `{class}` can never be reached: the one before it has no condition")]
    Unreachable {
        /// The class's id.
        class: String,
    },
    /// Two classes share an id.
    #[error("two classes are called `{class}`")]
    Twice {
        /// Their id.
        class: String,
    },
    /// The time zone does not exist.
    #[error("`{name}` is no time zone")]
    TimeZone {
        /// Its name.
        name: String,
    },
    /// A day that does not exist.
    #[error("the holiday `{day}` is no day")]
    Holiday {
        /// The text.
        day: String,
    },
}
