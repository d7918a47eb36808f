//! Training: who has done which course, by whose word.

use crate::error::{MOST_NAME_BYTES, name};
use crate::event::Event;
use crate::{Refusal, State};
use jiff::Timestamp;
use rules::{PersonId, Role};
use serde::{Deserialize, Serialize};

/// By whose word somebody has done a course.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Word {
    /// A table of a learning management system.
    Csv,
    /// A statement of one (xAPI 1.0.3).
    Xapi,
}

/// What was handed in of somebody's having done a course.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Completion {
    /// Who.
    pub person: PersonId,
    /// The course's id.
    pub course: String,
    /// When.
    pub at: Timestamp,
    /// By whose word.
    pub word: Word,
    /// The digest of what was handed in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<String>,
}

/// Who may say that somebody has done a course.
const TELLS: &[Role] = &[Role::SecurityLead, Role::Administrator];

/// Notes that somebody has done a course. Nothing happens if that, or a later time, is known.
pub(crate) fn complete(
    state: &State,
    completion: &Completion,
    (by, now): (&PersonId, Timestamp),
) -> Result<Vec<Event>, Refusal> {
    state.may(by, TELLS)?;
    let known = state.people.get(&completion.person);
    let known = known
        .filter(|known| !known.is_erased)
        .ok_or_else(|| Refusal::Unknown { what: "person", id: completion.person.to_string() })?;
    if completion.person == *by {
        return Err(Refusal::OwnTraining);
    }
    if completion.at > now {
        return Err(Refusal::Ahead { at: completion.at, now });
    }
    let course = name(&completion.course, MOST_NAME_BYTES)?;
    let is_known = known.completed.get(&course).is_some_and(|before| *before >= completion.at);
    let told = Event::TrainingCompleted(Completion { course, ..completion.clone() });
    Ok(if is_known { Vec::new() } else { vec![told] })
}
