//! Changes: who may plan, approve and carry them out, and when each step may be taken. How far a rollout may go is said by its plan.

use crate::error::{name, reason};
use crate::event::Event;
use crate::person::SYSTEM;
use crate::seat::{empty_seats, fills_a_seat};
use crate::token::check_end;
use crate::{Refusal, State};
use ::change::{Came, Change, Happening, Planned, Stage};
use ::policy::promises::ChangeType;
use jiff::{SignedDuration, Timestamp};
use rules::{AGENT, AssetId, ChangeId, ChangeRule, PersonId, Role, Seat};
use std::collections::{BTreeMap, BTreeSet};

/// No plan is for longer.
const MOST_DAYS: i32 = 366;
const MOST_TITLE_BYTES: usize = 200;
/// A signed plan is a few lines, with a signature for each key.
const MOST_NOTE_BYTES: usize = 8000;
/// Where one that began by itself did not bring everything, no other one does for so long.
const REST: SignedDuration = SignedDuration::from_hours(24 * 7);
/// Who may hold a change: whoever operates, and whoever approves.
const HOLDS: &[Role] = &[Role::Operator, Role::SecurityLead, Role::Administrator, Role::Approver];

/// What happens to a change, or why it may not.
pub(crate) fn happen(
    state: &State,
    (id, what): (&ChangeId, &Happening),
    (by, now): (&PersonId, Timestamp),
) -> Result<Vec<Event>, Refusal> {
    let happens = || Ok(vec![Event::Change { change: id.clone(), what: what.clone() }]);
    if let Happening::Planned(planned) = what {
        plan(state, (id, planned), (by, now))?;
        return happens();
    }
    let known = state.change(id)?;
    let at = |stages: &[Stage], wanted: &'static str| match stages.contains(&known.stage) {
        true => Ok(()),
        false => Err(Refusal::State { found: known.stage.word(), wanted }),
    };
    match what {
        Happening::Planned(_) => {}
        Happening::Tested { test, has_passed, words, .. } => {
            state.may_drive(by, known)?;
            known.may_still_be_judged().map_err(before_gate)?;
            let rule = state.change_rule();
            if !rule.tests.is_empty() && !rule.tests.contains(test) {
                return Err(Refusal::Unknown { what: "test", id: test.clone() });
            }
            // What runs nowhere yet has passed nothing.
            let runs = known.came.get(&Came::Verified).is_some_and(|count| *count > 0);
            if known.planned.test_assets > 0 && !runs {
                return Err(Refusal::NotReady { lacks: "an asset of a test environment on which it runs".to_owned() });
            }
            if !has_passed || !words.is_empty() {
                reason(words)?;
            }
        }
        Happening::Noticed { words, .. } => {
            state.may_drive(by, known)?;
            known.may_still_be_judged().map_err(before_gate)?;
            reason(words)?;
        }
        Happening::Signed { note } => signed(state, (known, note), by)?,
        Happening::Approved { plan } => approve(state, (known, plan), by)?,
        Happening::Declined { reason: words } => {
            state.may_judge_change(known, by)?;
            known.may_still_be_judged().map_err(before_gate)?;
            if state.assets_under_way(id) > 0 || known.came.contains_key(&Came::Verified) {
                return Err(Refusal::State { found: "on assets already", wanted: "on none: hold it, or take it back" });
            }
            reason(words)?;
        }
        Happening::Started {} => {
            state.may_drive(by, known)?;
            at(&[Stage::Planned], "planned")?;
        }
        Happening::Opened { tested_since, skipped } => {
            state.may_drive(by, known)?;
            at(&[Stage::RollingOut], "rolling out")?;
            open(state, (known, *tested_since, skipped), now)?;
        }
        Happening::Asset { asset, came, words, .. } => further(state, (id, known), (asset, *came, words), by)?,
        Happening::Settled { owed, words } => settle(state, (known, *owed, words), by)?,
        Happening::Ended {} => {
            state.may_drive(by, known)?;
            if !known.stage.is_under_way() {
                return Err(Refusal::State { found: known.stage.word(), wanted: "under way" });
            }
            if state.assets_under_way(id) > 0 {
                return Err(Refusal::State { found: "with assets under way", wanted: "without" });
            }
        }
        held => turn(state, (known, held), (by, now))?,
    }
    happens()
}

fn plan(state: &State, (id, planned): (&ChangeId, &Planned), (by, now): (&PersonId, Timestamp)) -> Result<(), Refusal> {
    if state.changes.contains_key(id) {
        return Err(Refusal::Exists { what: "change", id: id.to_string() });
    }
    let asks = state.change_rule().gate(planned.kind).map_or(&[][..], |gate| &gate.requested_by);
    let is_asking = match asks {
        // What the policy has patched without anybody's word nobody asks for.
        [] if by.as_str() == SYSTEM => planned.kind == ChangeType::Standard && state.may_patch_by_itself(now),
        [] => state.may(by, Role::OPERATES).is_ok() || state.patches_own(by, planned),
        asks => state.is_seated(by, asks),
    };
    if !is_asking {
        // Who may not ask is told who may.
        let roles = asks.iter().map(|seat| seat.title.as_str()).collect::<Vec<_>>().join(", ");
        let roles = if roles.is_empty() { "operator, security-lead, administrator".to_owned() } else { roles };
        return Err(Refusal::Role { person: by.to_string(), roles });
    }
    name(&planned.title, MOST_TITLE_BYTES)?;
    check_end(planned.until, now, MOST_DAYS)
}

fn signed(state: &State, (known, note): (&Change, &str), by: &PersonId) -> Result<(), Refusal> {
    state.may(by, Role::OPERATES)?;
    if known.is_over() {
        return Err(Refusal::State { found: known.stage.word(), wanted: "not over" });
    }
    match note.len() {
        0..=MOST_NOTE_BYTES => Ok(()),
        bytes => Err(Refusal::TooLong { bytes, most: MOST_NOTE_BYTES }),
    }
}

fn approve(state: &State, (known, plan): (&Change, &str), by: &PersonId) -> Result<(), Refusal> {
    known.may_still_be_judged().map_err(before_gate)?;
    if known.planned.plan != plan {
        return Err(Refusal::State { found: "another plan than was read", wanted: "the plan that was read" });
    }
    if known.by == *by {
        return Err(Refusal::OwnRequest);
    }
    let rule = state.change_rule();
    let unproven = known.unproven(rule);
    if !unproven.is_empty() {
        return Err(Refusal::NotReady { lacks: unproven.join("; ") });
    }
    if fills_a_seat(state.seats_of(known), &approvers(state, known), by, state) {
        return Ok(());
    }
    match state.change_seats_lacking(known).as_slice() {
        [] => Err(Refusal::State { found: "approved by everybody who has to", wanted: "waiting for an approval" }),
        lacking => Err(Refusal::NoSeat { lacking: titles(lacking) }),
    }
}

/// Who approved a change, and is still whom that id names: who planned it does not count, whatever was written.
fn approvers<'c>(state: &State, change: &'c Change) -> Vec<&'c PersonId> {
    let own = change.approvals.iter().filter(|(person, at)| **person != change.by && state.was_there(person, **at));
    own.map(|(person, _)| person).collect()
}

fn open(
    state: &State,
    (known, tested_since, skipped): (&Change, Option<Timestamp>, &BTreeSet<policy::promises::Need>),
    now: Timestamp,
) -> Result<(), Refusal> {
    if known.opened.is_some() {
        return Err(Refusal::State { found: "through its gate", wanted: "before it" });
    }
    let lacks = state.change_lacks(known, tested_since, now);
    if !lacks.is_empty() {
        return Err(Refusal::NotReady { lacks: lacks.join("; ") });
    }
    if *skipped != known.skips(state.change_rule()) {
        return Err(Refusal::Unlike);
    }
    Ok(())
}

/// Somebody holds it, lets it go on, ends it or takes it back.
fn turn(state: &State, (known, what): (&Change, &Happening), (by, now): (&PersonId, Timestamp)) -> Result<(), Refusal> {
    use Stage::{Aborted, Paused, Planned, RollingOut, Stopped};
    let (words, from): (&str, &[Stage]) = match what {
        Happening::Paused { reason } => (reason, &[RollingOut, Stopped]),
        Happening::Resumed { reason } => (reason, &[Paused, Stopped]),
        Happening::Stopped { reason } => (reason, &[RollingOut, Paused]),
        Happening::Aborted { reason } => (reason, &[Planned, RollingOut, Paused, Stopped]),
        Happening::TakenBack { reason } => (reason, &[RollingOut, Paused, Stopped, Aborted]),
        _ => return Err(Refusal::Unlike),
    };
    match what {
        Happening::Paused { .. } if state.may(by, HOLDS).is_ok() => {}
        _ => state.may_drive(by, known)?,
    }
    let is_return = matches!(what, Happening::TakenBack { .. }) && known.can_return(now);
    if !is_return && !from.contains(&known.stage) {
        return Err(Refusal::State { found: known.stage.word(), wanted: "at a stage from which this follows" });
    }
    reason(words).map(|_| ())
}

fn further(
    state: &State,
    (id, known): (&ChangeId, &Change),
    (asset, came, words): (&AssetId, Came, &str),
    by: &PersonId,
) -> Result<(), Refusal> {
    let is_own_agent = by.as_str().strip_prefix(AGENT) == Some(asset.as_str());
    if came == Came::LeftOut {
        // What is retired is left out by itself.
        let is_gone = state.assets.get(asset).is_some_and(|known| !known.is_active());
        if by.as_str() != SYSTEM || !is_gone {
            state.may_drive(by, known)?;
        }
        reason(words)?;
    } else if !(is_own_agent && came.is_of_agents()) {
        state.may_drive(by, known)?;
    }
    if !words.is_empty() {
        reason(words)?;
    }
    let is_at = match came {
        Came::Begun => known.stage == Stage::RollingOut,
        Came::RollingBack => known.stage == Stage::RollingBack,
        Came::LeftOut => known.stage == Stage::Planned || known.stage.is_under_way(),
        _ => known.stage.is_under_way(),
    };
    if !is_at {
        return Err(Refusal::State { found: known.stage.word(), wanted: "at a stage for this" });
    }
    if matches!(came, Came::Begun | Came::RollingBack) {
        state.active_asset(asset)?;
        // Two changes never act on one asset at the same time.
        if let Some(other) = state.changing(asset).filter(|other| *other != id) {
            return Err(Refusal::NotReady { lacks: format!("the end of change {other} on {asset}") });
        }
    }
    Ok(())
}

fn settle(state: &State, (known, owed, words): (&Change, usize, &str), by: &PersonId) -> Result<(), Refusal> {
    let item = known.owed.get(owed).filter(|owed| owed.settled.is_none());
    let item = item.ok_or_else(|| Refusal::Unknown { what: "open item owed", id: owed.to_string() })?;
    if known.by == *by {
        return Err(Refusal::OwnRequest);
    }
    if !state.holds(by, &item.by) {
        return Err(Refusal::NoSeat { lacking: item.by.title.clone() });
    }
    reason(words).map(|_| ())
}

fn before_gate(found: &'static str) -> Refusal {
    Refusal::State { found, wanted: "before its gate" }
}

fn titles(seats: &[&Seat]) -> String {
    seats.iter().map(|seat| seat.title.as_str()).collect::<Vec<_>>().join(", ")
}

impl State {
    pub(crate) fn change(&self, id: &ChangeId) -> Result<&Change, Refusal> {
        self.changes.get(id).ok_or_else(|| Refusal::Unknown { what: "change", id: id.to_string() })
    }

    /// What the policy in force asks of changes.
    #[must_use]
    pub fn change_rule(&self) -> &ChangeRule {
        &self.governance().changes
    }

    /// The approvals that a change lacks still.
    #[must_use]
    pub fn change_seats_lacking(&self, change: &Change) -> Vec<&Seat> {
        empty_seats(self.seats_of(change), &approvers(self, change), self)
    }

    /// Who approves a change.
    fn seats_of(&self, change: &Change) -> &[Seat] {
        self.change_rule().gate(change.planned.kind).map_or(&[], |gate| &gate.approved_by)
    }

    /// What a change lacks before its gate is passed, in words; `tested_since` is since when its test environments are through.
    #[must_use]
    pub fn change_lacks(&self, change: &Change, tested_since: Option<Timestamp>, now: Timestamp) -> Vec<String> {
        let mut lacks = change.lacks(self.change_rule(), tested_since, now);
        let seats = self.change_seats_lacking(change);
        if !seats.is_empty() {
            lacks.push(format!("the approval of: {}", titles(&seats)));
        }
        lacks
    }

    /// Who could turn a change down: whoever has a seat among those who approve it, and who owns the policy.
    fn may_judge_change(&self, change: &Change, by: &PersonId) -> Result<(), Refusal> {
        if self.is_seated(by, self.seats_of(change)) { Ok(()) } else { self.may(by, Role::DECIDES) }
    }

    /// Who carries a change out: the system itself, whoever operates, and who may patch what their own teams have.
    fn may_drive(&self, by: &PersonId, change: &Change) -> Result<(), Refusal> {
        if by.as_str() == SYSTEM || self.patches_own(by, &change.planned) {
            return Ok(());
        }
        self.may(by, Role::OPERATES)
    }

    /// Whether every asset of a plan is of somebody's own teams, and a role of theirs may patch those.
    #[must_use]
    pub fn patches_own(&self, person: &PersonId, planned: &Planned) -> bool {
        let (Some(teams), Some(known)) = (&planned.teams, self.people.get(person)) else { return false };
        !teams.is_empty() && teams.is_subset(&known.teams) && self.may_patch_own(person)
    }

    fn may_patch_own(&self, person: &PersonId) -> bool {
        self.oversight().roles.iter().any(|role| role.patches_own && self.holds(person, &role.seat))
    }

    /// Whether somebody may plan a change of any kind: whoever operates, whom a gate names, and who may patch their own.
    #[must_use]
    pub fn plans_changes(&self, person: &PersonId) -> bool {
        let mut gates = self.change_rule().gates.iter();
        self.may(person, Role::OPERATES).is_ok()
            || gates.any(|gate| self.is_seated(person, &gate.requested_by))
            || self.may_patch_own(person)
    }

    /// Whether what the policy has patched without anybody's word may begin once more: none of it is on its way, and each that is over
    /// brought everything that it was to bring, or ended a while ago. Somebody has to have looked.
    #[must_use]
    pub fn may_patch_by_itself(&self, now: Timestamp) -> bool {
        let came = |known: &Change, came: Came| known.came.get(&came).copied().unwrap_or_default();
        let is_whole =
            |known: &Change| came(known, Came::Verified) + came(known, Came::LeftOut) >= known.planned.assets as u64;
        let rests = |known: &Change| now.duration_since(known.ended_at.unwrap_or(known.planned_at)) < REST;
        let mut own = self.changes.values().filter(|known| known.by.as_str() == SYSTEM);
        own.all(|known| known.is_over() && (is_whole(known) || !rests(known)))
    }

    /// The change that is changing an asset now.
    #[must_use]
    pub fn changing(&self, asset: &AssetId) -> Option<&ChangeId> {
        let acts = |came: &BTreeMap<AssetId, Came>| {
            came.get(asset).is_some_and(|came| came.is_under_way() || *came == Came::Silent)
        };
        let is_open = |change: &ChangeId| self.changes.get(change).is_some_and(|known| !known.is_over());
        self.came.iter().find(|(change, came)| is_open(change) && acts(came)).map(|(change, _)| change)
    }

    /// Whether a change may act on an asset: it is there, and no other change is changing it.
    #[must_use]
    pub fn may_be_changed(&self, asset: &AssetId, change: &ChangeId) -> bool {
        self.active_asset(asset).is_ok() && self.changing(asset).is_none_or(|other| other == change)
    }

    fn assets_under_way(&self, change: &ChangeId) -> usize {
        self.came.get(change).map_or(0, |came| came.values().filter(|came| came.is_under_way()).count())
    }

    /// Takes in what happened to a change.
    pub(crate) fn take_change(&mut self, id: ChangeId, what: &Happening, (at, by): (Timestamp, &PersonId)) -> bool {
        if let Happening::Planned(planned) = what {
            self.changes.insert(id, Change::new(planned.clone(), at, by.clone()));
            return true;
        }
        let rule = self.change_rule().clone();
        let Some(known) = self.changes.get_mut(&id) else { return false };
        let before = match what {
            Happening::Asset { asset, came, .. } => {
                self.came.entry(id.clone()).or_default().insert(asset.clone(), *came)
            }
            _ => None,
        };
        known.take(what, (at, by), before, &rule);
        // What is over acts on nothing, and can be taken back for a while.
        let changes = &self.changes;
        self.came.retain(|id, _| changes.get(id).is_some_and(|known| !known.is_over() || known.can_return(at)));
        true
    }
}
