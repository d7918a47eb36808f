//! Policies: which one is in force since when. What it says is the business of its own crate.

use crate::event::{Adoption, Event};
use crate::person::SYSTEM;
use crate::version::Stage;
use crate::{Refusal, State};
use jiff::Timestamp;
use rules::{PersonId, PolicyRule, Role, VersionId};

/// Puts a policy in force without more ado; nothing happens if it is in force already. Where the one in force asks for approvals,
/// nobody does that alone.
pub(crate) fn adopt(
    state: &State,
    (name, document, rule): (&str, &str, &PolicyRule),
    by: &PersonId,
) -> Result<Vec<Event>, Refusal> {
    state.may(by, &[Role::SecurityLead])?;
    // The same text under the rule of an older program is not the same.
    if state.policy.as_ref().is_some_and(|known| known.document == document && known.rule == *rule) {
        return Ok(Vec::new());
    }
    let approvals: Vec<&str> = state.governance().approvals.iter().map(|seat| seat.title.as_str()).collect();
    if !approvals.is_empty() {
        return Err(Refusal::NeedsApproval { by: approvals.join(", ") });
    }
    let (name, document, rule) = (name.to_owned(), document.to_owned(), rule.clone());
    Ok(vec![Event::PolicyAdopted { name, document, rule, change: None }])
}

/// Puts a published version in force whose day has come; nothing happens if it is in force already.
pub(crate) fn put_in_force(
    state: &State,
    id: &VersionId,
    (name, rule): (&str, &PolicyRule),
    (by, now): (&PersonId, Timestamp),
) -> Result<Vec<Event>, Refusal> {
    if by.as_str() != SYSTEM {
        state.may(by, &[Role::SecurityLead])?;
    }
    let known = state.version(id)?;
    let effective_at = known.published.as_ref().map(|(.., effective_at)| *effective_at);
    let is_published = known.stage == Stage::Published && known.draft.document.is_policy();
    let Some(effective_at) = effective_at.filter(|_| is_published) else {
        let found = if known.stage == Stage::Published { "of another document" } else { known.stage.word() };
        return Err(Refusal::State { found, wanted: "a published version of the policy" });
    };
    if effective_at > now {
        return Err(Refusal::NotReady { lacks: format!("its day, {effective_at}") });
    }
    if !state.is_ahead(id) {
        return Ok(Vec::new());
    }
    let change = Some(Adoption { version: id.clone(), transition: known.draft.transition });
    let (name, document, rule) = (name.to_owned(), known.draft.text.clone(), rule.clone());
    Ok(vec![Event::PolicyAdopted { name, document, rule, change }])
}
