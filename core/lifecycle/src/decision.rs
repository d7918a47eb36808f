//! Decisions on findings: accepted for a time, or false positives; asked for by one, approved by another, never without end.

use crate::error::{MOST_NAME_BYTES, name};
use crate::event::Event;
use crate::seat::{empty_seats, fills_a_seat};
use crate::token::check_end;
use crate::{Refusal, State};
use ::policy::promises::ExceptionNeed;
use ::policy::{Length, Unit};
use jiff::Timestamp;
use ledger::Hash;
use obligations::{Duty, DutyKind, day_of, reminded};
use rules::{AssetId, DecisionId, ExceptionRule, PersonId, Role, Seat, after};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

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

/// What comes with an exception.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Assessment {
    /// What could happen meanwhile, and how likely it is.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub risk: String,
    /// What stands in for the patch.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub controls: BTreeSet<String>,
    /// When and how it ends.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub plan: String,
}

impl Assessment {
    /// Whether it says nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// As it is kept, if it is not too long.
    fn kept(&self) -> Result<Self, Refusal> {
        let text = |text: &str| if text.trim().is_empty() { Ok(String::new()) } else { crate::error::reason(text) };
        let controls = self.controls.iter().map(|control| name(control, MOST_NAME_BYTES));
        Ok(Self { risk: text(&self.risk)?, controls: controls.collect::<Result<_, _>>()?, plan: text(&self.plan)? })
    }

    /// What it lacks of what a policy asks for, in words.
    fn lacks(&self, rule: &ExceptionRule) -> Vec<&'static str> {
        let lacks = |need: &&ExceptionNeed| match need {
            ExceptionNeed::RiskAssessment => self.risk.is_empty(),
            ExceptionNeed::CompensatingControls => self.controls.is_empty(),
            ExceptionNeed::RemediationPlan => self.plan.is_empty(),
        };
        rule.needs.iter().filter(lacks).map(|need| need.words()).collect()
    }
}

/// A look at an exception that holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Look {
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub by: PersonId,
    /// What was found.
    pub words: String,
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
    /// What came with it.
    #[serde(default, skip_serializing_if = "Assessment::is_empty")]
    pub assessment: Assessment,
    /// Who approved it last.
    pub approved_by: Option<PersonId>,
    /// Who approved it before, where the policy asks for more than one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approved_before: Vec<PersonId>,
    /// When each of them did last.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub approved_at: BTreeMap<PersonId, Timestamp>,
    /// The last look at it since it is in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reviewed: Option<Look>,
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
        let mut terms = serde_json::json!([self.kind, self.reach, self.reason, self.until, self.requested_by]);
        if let Some(terms) = terms.as_array_mut().filter(|_| !self.assessment.is_empty()) {
            terms.push(serde_json::json!(self.assessment));
        }
        Hash::leaf(terms.to_string().as_bytes()).to_string()
    }

    /// Who approved it, in the order of that.
    #[must_use]
    pub fn approvers(&self) -> Vec<&PersonId> {
        self.approved_before.iter().chain(&self.approved_by).collect()
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

impl State {
    /// The roles of the policy whose approval a decision of a kind takes: one person of each, all of them different. Where there are
    /// none, one of the product's roles for it is enough.
    #[must_use]
    pub fn seats_for(&self, kind: DecisionKind) -> &[Seat] {
        self.exception_rule(kind).map_or(&[], |rule| &rule.approved_by)
    }

    /// What the policy in force asks of decisions of a kind: it speaks of exceptions alone.
    fn exception_rule(&self, kind: DecisionKind) -> Option<&ExceptionRule> {
        self.oversight().exceptions.as_ref().filter(|_| kind == DecisionKind::Exception)
    }

    /// Who approved a decision, and is still whom that id names.
    fn approvers_of<'d>(&self, decision: &'d Decision) -> Vec<&'d PersonId> {
        let is_same = |person: &&PersonId| {
            decision.approved_at.get(*person).is_none_or(|approved_at| self.was_there(person, *approved_at))
        };
        decision.approvers().into_iter().filter(is_same).collect()
    }

    /// The approvals that a decision lacks still, by their titles.
    #[must_use]
    pub fn approvals_missing(&self, decision: &Decision) -> Vec<&str> {
        let empty = empty_seats(self.seats_for(decision.kind), &self.approvers_of(decision), self);
        empty.into_iter().map(|seat| seat.title.as_str()).collect()
    }

    /// Whether somebody may approve a decision or turn it down now.
    #[must_use]
    pub fn may_decide(&self, decision: &Decision, person: &PersonId, now: Timestamp) -> bool {
        decision.waits(now) && may_answer(self, decision, person).is_ok()
    }

    /// Whether somebody may say that a decision that holds was looked at.
    #[must_use]
    pub fn may_review_decision(&self, decision: &Decision, person: &PersonId, now: Timestamp) -> bool {
        decision.holds(now) && may_review(self, decision, person).is_ok()
    }

    pub(crate) fn exceptions_owed(&self, now: Timestamp) -> Vec<Duty> {
        let Some(rule) = &self.oversight().exceptions else { return Vec::new() };
        let seated = self.seated_people(&rule.approved_by);
        let holding = self.decisions.iter().filter(|(_, known)| known.holds(now));
        holding.filter_map(|(id, known)| self.exception_owed((id, known), (rule, &seated))).collect()
    }

    /// A look that is owed at one exception.
    pub(crate) fn exception_of(&self, id: &DecisionId, now: Timestamp) -> Option<Duty> {
        let known = self.decisions.get_key_value(id).filter(|(_, known)| known.holds(now))?;
        let rule = self.oversight().exceptions.as_ref()?;
        self.exception_owed(known, (rule, &self.seated_people(&rule.approved_by)))
    }

    fn exception_owed(
        &self,
        (id, known): (&DecisionId, &Decision),
        (rule, seated): (&ExceptionRule, &[PersonId]),
    ) -> Option<Duty> {
        let Progress::Approved { since, .. } = known.progress else { return None };
        // No promise is broken before it was made.
        let asked = self.asked_since.get(EXCEPTION).copied().unwrap_or(since);
        let reviewed_at = known.reviewed.as_ref().map(|look| look.at);
        let since = reviewed_at.unwrap_or(since).max(asked);
        let due = after(since, rule.review);
        // One that ends before is looked at by ending.
        if known.kind != DecisionKind::Exception || due >= known.until {
            return None;
        }
        Some(Duty {
            id: format!("exception#{id}"),
            kind: DutyKind::ReviewException,
            subject: id.to_string(),
            title: format!("{id}: {}", known.reach.vulnerability),
            text: None,
            owners: seated.iter().filter(|person| **person != known.requested_by).cloned().collect(),
            since,
            due,
            done_at: reviewed_at,
            remind_at: reminded(since, due, AHEAD),
            owed_by: rule.approved_by.first().cloned(),
            escalates_to: rule.approved_by.first().and_then(|seat| self.above(seat)).cloned(),
            campaign: None,
            excused: None,
        })
    }
}

/// Under this name it is kept since when the policy asks that exceptions are looked at again; no course is called so.
pub(crate) const EXCEPTION: &str = "#exception";

/// How long before its day a look at an exception is brought to mind.
const AHEAD: Length = Length { count: 7, unit: Unit::Days };

/// Asks for a decision. A renewal is a request of its own that names the one before.
pub(crate) fn request(
    state: &State,
    (id, kind, reach, assessment): (&DecisionId, DecisionKind, &Reach, &Assessment),
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
    let (reason, assessment) = (crate::error::reason(reason)?, assessment.kept()?);
    state.exception_rule(kind).map_or(Ok(()), |rule| check_request(state, (rule, &assessment, until), (by, now)))?;
    Ok(vec![Event::DecisionRequested {
        decision: id.clone(),
        kind,
        reach: reach.clone(),
        reason,
        until,
        renews: renews.cloned(),
        assessment,
    }])
}

/// Holds a request for an exception against what the policy in force asks of one.
fn check_request(
    state: &State,
    (rule, assessment, until): (&ExceptionRule, &Assessment, Timestamp),
    (by, now): (&PersonId, Timestamp),
) -> Result<(), Refusal> {
    if !rule.requested_by.is_empty() && !state.is_seated(by, &rule.requested_by) {
        let roles = rule.requested_by.iter().map(|seat| seat.title.as_str()).collect::<Vec<_>>().join(", ");
        return Err(Refusal::Role { person: by.to_string(), roles });
    }
    check_terms(rule, (assessment, until), now)
}

/// Holds what an exception would be against what the policy in force allows: how long, with what.
fn check_terms(
    rule: &ExceptionRule,
    (assessment, until): (&Assessment, Timestamp),
    now: Timestamp,
) -> Result<(), Refusal> {
    // A length of days ends with its last day.
    let end = after(now, rule.longest);
    let is_too_far = if rule.longest.unit == Unit::Hours { until > end } else { day_of(until) > day_of(end) };
    if is_too_far {
        return Err(Refusal::TooFar { until, longest: rule.longest.to_string(), last: day_of(end).to_string() });
    }
    let lacks = assessment.lacks(rule);
    if !lacks.is_empty() {
        return Err(Refusal::NotReady { lacks: lacks.join(", ") });
    }
    let is_known = |control: &&String| {
        rule.controls.is_empty() || rule.controls.iter().any(|known| known.eq_ignore_ascii_case(control))
    };
    match assessment.controls.iter().find(|control| !is_known(control)) {
        Some(other) => Err(Refusal::NoControl { control: other.clone(), known: rule.controls.join(", ") }),
        None => Ok(()),
    }
}

/// Approves what somebody else has asked for, or turns it down.
pub(crate) fn answer(
    state: &State,
    id: &DecisionId,
    is_approved: bool,
    (by, now): (&PersonId, Timestamp),
) -> Result<Vec<Event>, Refusal> {
    let known = find(state, id)?;
    if known.progress != Progress::Requested {
        state.may(by, known.kind.approvers())?;
        return Err(Refusal::State { found: known.word(), wanted: "requested" });
    }
    may_answer(state, known, by)?;
    if !is_approved {
        return Ok(vec![Event::DecisionDeclined { decision: id.clone() }]);
    }
    // What was asked for long ago may be over before it is approved, and the policy may allow less by now.
    check_end(known.until, now, MOST_DAYS)?;
    state.exception_rule(known.kind).map_or(Ok(()), |rule| check_terms(rule, (&known.assessment, known.until), now))?;
    Ok(vec![Event::DecisionApproved { decision: id.clone(), terms: known.terms() }])
}

/// Says no if somebody may not approve a decision or turn it down: its own roles may where the policy names nobody, and else those
/// who sit on a seat that is still empty.
fn may_answer(state: &State, known: &Decision, by: &PersonId) -> Result<(), Refusal> {
    let seats = state.seats_for(known.kind);
    match seats.is_empty() {
        true => state.may(by, known.kind.approvers())?,
        false if !state.is_seated(by, seats) => {
            let roles = seats.iter().map(|seat| seat.title.as_str()).collect::<BTreeSet<_>>();
            let roles = roles.into_iter().collect::<Vec<_>>().join(", ");
            return Err(Refusal::Role { person: by.to_string(), roles });
        }
        false => {}
    }
    if known.requested_by == *by {
        return Err(Refusal::OwnRequest);
    }
    let before = state.approvers_of(known);
    let lacking = empty_seats(seats, &before, state);
    // Where another policy asks for no more than there is, whoever could take a seat may say the last word, again if need be.
    if seats.is_empty() || lacking.is_empty() || fills_a_seat(seats, &before, by, state) {
        return Ok(());
    }
    let lacking = lacking.into_iter().map(|seat| seat.title.as_str()).collect::<Vec<_>>().join(", ");
    Err(Refusal::NoSeat { lacking })
}

fn may_review(state: &State, known: &Decision, by: &PersonId) -> Result<(), Refusal> {
    let seats = state.seats_for(known.kind);
    if seats.is_empty() || !state.is_seated(by, seats) {
        state.may(by, known.kind.approvers())?;
    }
    if known.requested_by == *by { Err(Refusal::OwnRequest) } else { Ok(()) }
}

/// Says that an exception was looked at and still holds, with what was found.
pub(crate) fn review(
    state: &State,
    (id, words): (&DecisionId, &str),
    (by, now): (&PersonId, Timestamp),
) -> Result<Vec<Event>, Refusal> {
    let known = find(state, id)?;
    may_review(state, known, by)?;
    if !known.holds(now) {
        return Err(Refusal::State { found: known.word(), wanted: "in force" });
    }
    Ok(vec![Event::DecisionReviewed { decision: id.clone(), words: crate::error::reason(words)? }])
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
