//! Policies: which one is in force since when. What it says is the business of its own crate.

use crate::event::Event;
use crate::id::PersonId;
use crate::person::Role;
use crate::scan::ScanRule;
use crate::{Refusal, State};

/// Puts a policy in force; nothing happens if it is in force already.
pub(crate) fn adopt(
    state: &State,
    (name, document, rule): (&str, &str, &ScanRule),
    by: &PersonId,
) -> Result<Vec<Event>, Refusal> {
    state.may(by, &[Role::SecurityLead])?;
    let is_same = state.policy.as_ref().is_some_and(|known| known.document == document);
    let event = || Event::PolicyAdopted { name: name.to_owned(), document: document.to_owned(), rule: rule.clone() };
    Ok(if is_same { Vec::new() } else { vec![event()] })
}
