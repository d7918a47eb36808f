//! Breaches: promises that were broken, by one party, of one kind, on one day.

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use rules::PersonId;
use serde::{Deserialize, Serialize};

/// Which promise was broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BreachKind {
    /// Findings were not remediated by their deadline.
    Deadline,
    /// Assets were not looked at in time.
    Scan,
    /// Something that people owe was not done in time.
    Duty,
}

impl BreachKind {
    /// The kind as it is written.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Deadline => "deadline",
            Self::Scan => "scan",
            Self::Duty => "duty",
        }
    }

    /// What was broken, in words, so many times.
    #[must_use]
    pub fn words(self, count: u64) -> String {
        let (one, many) = match self {
            Self::Deadline => ("finding passed its deadline", "findings passed their deadlines"),
            Self::Scan => ("asset was not looked at in time", "assets were not looked at in time"),
            Self::Duty => ("duty was not done in time", "duties were not done in time"),
        };
        format!("{count} {}", if count == 1 { one } else { many })
    }
}

/// Whose promise it was.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Party {
    /// A person.
    Person(PersonId),
    /// The team that owns the assets.
    Team(String),
    /// The people of a role of the policy, by its id: what any of them could have done.
    Role(String),
    /// Assets that nobody owns, and duties that nobody has the role for.
    Nobody,
}

impl std::fmt::Display for Party {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Person(person) => write!(formatter, "{person}"),
            Self::Team(team) => write!(formatter, "team {team}"),
            Self::Role(role) => write!(formatter, "role {role}"),
            Self::Nobody => formatter.write_str("nobody"),
        }
    }
}

/// What was broken by one party on one day.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Breach {
    /// The day, in UTC.
    pub day: Date,
    /// Which promise.
    pub kind: BreachKind,
    /// Whose.
    pub party: Party,
    /// How many times.
    pub count: u64,
}

impl Breach {
    /// The id of its violation.
    #[must_use]
    pub fn id(&self) -> String {
        let party = match &self.party {
            Party::Person(person) => format!("person/{person}"),
            Party::Team(team) => format!("team/{team}"),
            Party::Role(role) => format!("role/{role}"),
            Party::Nobody => "nobody".to_owned(),
        };
        format!("{}#{}#{party}", self.day, self.kind.word())
    }
}

/// The day of an instant, in UTC.
#[must_use]
pub fn day_of(at: Timestamp) -> Date {
    at.to_zoned(TimeZone::UTC).date()
}
