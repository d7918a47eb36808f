//! Decisions on findings: accepted for a time, or false positives; asked for by one, approved by another, never without end.

use crate::event::Event;
use crate::id::{AssetId, DecisionId, PersonId};
use crate::person::Role;
use crate::token::check_end;
use crate::{Refusal, State};
use jiff::Timestamp;
use ledger::Hash;
use serde::{Deserialize, Serialize};

/// The most days that a decision may hold before it must be asked for anew.
const MOST_DAYS: i32 = 366;

/// What is decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DecisionKind {
    /// The finding is there, and is accepted for a time.
    Exception,
    /// The finding is not there.
    FalsePositive,
}

impl DecisionKind {
    /// Who may approve it: a risk is accepted by who answers for it; whether it is one is judged by who knows.
    #[must_use]
    pub fn approvers(self) -> &'static [Role] {
        match self {
            Self::Exception => &[Role::Approver],
            Self::FalsePositive => Role::DECIDES,
        }
    }
}

/// What a decision speaks of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reach {
    /// The vulnerability, under any of its ids.
    pub vulnerability: String,
    /// The package's address without its version; none means every package.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub package: Option<String>,
    /// The assets; empty means all of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub assets: Vec<AssetId>,
}

/// How far a decision has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Progress {
    /// Asked for.
    Requested,
    /// In force since this instant, and until it was taken back, if it was.
    Approved {
        /// Since when.
        since: Timestamp,
        /// When it was taken back.
        revoked_at: Option<Timestamp>,
    },
    /// Turned down, or taken back before anybody approved it.
    Declined,
}

/// A decision as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// What is decided.
    pub kind: DecisionKind,
    /// What it speaks of.
    pub reach: Reach,
    /// Why.
    pub reason: String,
    /// Until when it holds.
    pub until: Timestamp,
    /// Who asked for it.
    pub requested_by: PersonId,
    /// Who approved it.
    pub approved_by: Option<PersonId>,
    /// How far it has come.
    pub progress: Progress,
    /// The decision that it renews.
    pub renews: Option<DecisionId>,
}

impl Decision {
    /// Whether it holds at an instant: approved by then, not over, and not taken back by then.
    #[must_use]
    pub fn holds(&self, at: Timestamp) -> bool {
        let Progress::Approved { since, revoked_at } = self.progress else { return false };
        since <= at && at < self.until && revoked_at.is_none_or(|revoked_at| at < revoked_at)
    }

    /// Whether it waits for an answer: one that would be over by now waits for none.
    #[must_use]
    pub fn waits(&self, now: Timestamp) -> bool {
        self.progress == Progress::Requested && now < self.until
    }

    /// The digest of what is decided: its kind, what it speaks of, why and until when.
    #[must_use]
    pub fn terms(&self) -> String {
        let terms = serde_json::json!([self.kind, self.reach, self.reason, self.until, self.requested_by]);
        Hash::leaf(terms.to_string().as_bytes()).to_string()
    }

    /// How far it has come, in a word.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self.progress {
            Progress::Requested => "requested",
            Progress::Approved { revoked_at: None, .. } => "approved",
            Progress::Approved { .. } => "revoked",
            Progress::Declined => "declined",
        }
    }
}

/// Asks for a decision. A renewal is a request of its own that names the one before.
pub(crate) fn request(
    state: &State,
    (id, kind, reach): (&DecisionId, DecisionKind, &Reach),
    (reason, until, renews): (&str, Timestamp, Option<&DecisionId>),
    (by, now): (&PersonId, Timestamp),
) -> Result<Vec<Event>, Refusal> {
    state.may(by, Role::ASKS)?;
    if state.decisions.contains_key(id) {
        return Err(Refusal::Exists { what: "decision", id: id.to_string() });
    }
    if let Some(unknown) = renews.filter(|renewed| !state.decisions.contains_key(renewed)) {
        return Err(Refusal::Unknown { what: "decision", id: unknown.to_string() });
    }
    for asset in &reach.assets {
        state.active_asset(asset)?;
        state.may_see(by, asset)?;
    }
    check_end(until, now, MOST_DAYS)?;
    if reach.assets.is_empty() && state.teams_seen(by)?.is_some() {
        return Err(Refusal::AllAssets);
    }
    let reason = crate::error::reason(reason)?;
    Ok(vec![Event::DecisionRequested {
        decision: id.clone(),
        kind,
        reach: reach.clone(),
        reason,
        until,
        renews: renews.cloned(),
    }])
}

/// Approves what somebody else has asked for, or turns it down.
pub(crate) fn answer(
    state: &State,
    id: &DecisionId,
    is_approved: bool,
    (by, now): (&PersonId, Timestamp),
) -> Result<Vec<Event>, Refusal> {
    let known = find(state, id)?;
    state.may(by, known.kind.approvers())?;
    if known.progress != Progress::Requested {
        return Err(Refusal::State { found: known.word(), wanted: "requested" });
    }
    if known.requested_by == *by {
        return Err(Refusal::OwnRequest);
    }
    if !is_approved {
        return Ok(vec![Event::DecisionDeclined { decision: id.clone() }]);
    }
    // What was asked for long ago may be over before it is approved.
    check_end(known.until, now, MOST_DAYS)?;
    Ok(vec![Event::DecisionApproved { decision: id.clone(), terms: known.terms() }])
}

/// Takes a decision back before its end: its findings count again from then on.
pub(crate) fn revoke(state: &State, id: &DecisionId, by: &PersonId) -> Result<Vec<Event>, Refusal> {
    state.may(by, Role::DECIDES)?;
    let known = find(state, id)?;
    match known.progress {
        Progress::Approved { revoked_at: None, .. } | Progress::Requested => {
            Ok(vec![Event::DecisionRevoked { decision: id.clone() }])
        }
        _ => Err(Refusal::State { found: known.word(), wanted: "approved" }),
    }
}

fn find<'s>(state: &'s State, id: &DecisionId) -> Result<&'s Decision, Refusal> {
    state.decisions.get(id).ok_or_else(|| Refusal::Unknown { what: "decision", id: id.to_string() })
}
