//! Automatic patching: what the policy has patched without anybody's word is planned and started by itself.

use super::Scope;
use crate::error::Error;
use crate::organisation::Organisation;
use change::{Candidate, Happening, Wanted};
use jiff::{SignedDuration, Timestamp};
use lifecycle::{ChangeId, Command, PersonId, SYSTEM};
use policy::promises::{ChangeType, Need};
use std::collections::BTreeSet;

/// How long such a change may be carried out.
const LASTS: SignedDuration = SignedDuration::from_hours(24 * 30);

impl Organisation {
    /// Plans and starts a standard change of the assets that the policy in force has patched without anybody's word, with everything that
    /// their own repositories offer for their security; with how many assets it has. Nothing where the policy has none patched so, none of
    /// them misses anything, an earlier one is not over, one that ended in the last week did not bring everything, or it could not pass its gate.
    ///
    /// # Errors
    /// If the rules refuse it, or it cannot be kept.
    pub async fn plan_automatic(&self, now: Timestamp) -> Result<Option<(ChangeId, usize)>, Error> {
        let policy = {
            let record = self.store.record().await?;
            if !record.state.may_patch_by_itself(now) {
                return Ok(None);
            }
            record.facts.policy()
        };
        let Some(policy) = policy.filter(|policy| change::has_automatic(policy)) else { return Ok(None) };
        let scope = Scope { only_unplanned: true, ..Scope::default() };
        let missing = self.view(None, now, |view| view.candidates(&scope)).await?;
        let candidates: Vec<Candidate> =
            missing.candidates.into_iter().filter(|candidate| change::is_automatic(candidate, &policy)).collect();
        let gate = policy.promises.gates.iter().find(|gate| *gate.change.as_ref() == ChangeType::Standard);
        let soaks = gate.is_some_and(|gate| gate.needs.contains(&Need::Soak));
        if candidates.is_empty() || soaks && !candidates.iter().any(|one| change::is_in_test(one, &policy)) {
            return Ok(None);
        }
        let day = now.to_zoned(jiff::tz::TimeZone::UTC).date();
        let (id, system) = (ChangeId::new(format!("automatic-{day}"))?, PersonId::new(SYSTEM)?);
        if self.store.record().await?.state.changes.contains_key(&id) {
            return Ok(None);
        }
        let wanted = Wanted {
            kind: ChangeType::Standard,
            title: format!("Automatic patching of {day}"),
            way_back: "each host keeps the packages of before".to_owned(),
            until: now.checked_add(LASTS).unwrap_or(Timestamp::MAX),
            left_out: Vec::new(),
            precedence: Vec::new(),
            health: BTreeSet::new(),
            trigger: None,
        };
        let (_, plan) = self.plan_change(&system, id.clone(), (&candidates, wanted), now).await?;
        self.act(&system, now, Command::Change(id.clone(), Happening::Started {})).await?;
        Ok(Some((id, plan.assets())))
    }
}
