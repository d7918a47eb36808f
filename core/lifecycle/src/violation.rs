//! Violations: promises that were broken, one for each party, kind and day, with what the policy answers them with.

use crate::error::reason;
use crate::event::Event;
use crate::{Refusal, State};
use ::policy::promises::ResponseStep;
use ::policy::{Length, Unit};
use jiff::{Timestamp, civil::Date};
use obligations::{Breach, Duty, DutyKind, Party, day_of};
use rules::{PersonId, ResponseRule, Role, Seat, USUAL, after};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::ops::Deref;

/// A breach with what the policy answers it with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Opened {
    /// Its id: the day, the kind and the party.
    pub id: String,
    /// What was broken.
    pub breach: Breach,
    /// Which one of its party it is, of those that count together: 1 is the first.
    pub number: u64,
    /// What follows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<ResponseStep>,
    /// Who sees to it, by the role's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

/// A violation as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Violation {
    /// What was broken, and what follows.
    pub opened: Opened,
    /// When it was told.
    pub at: Timestamp,
    /// What was done about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<Answer>,
}

/// What was done about a violation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub by: PersonId,
    /// What, in words.
    pub words: String,
    /// Whether it is excused: then it does not count.
    pub is_excused: bool,
}

impl Violation {
    /// Whether an answer is owed.
    #[must_use]
    pub fn waits(&self) -> bool {
        self.opened.step.is_some() && self.answer.is_none()
    }

    /// How it stands, in a word.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match &self.answer {
            Some(answer) if answer.is_excused => "excused",
            Some(_) => "answered",
            None if self.opened.step.is_some() => "open",
            None => "noted",
        }
    }

    fn counts(&self) -> bool {
        self.answer.as_ref().is_none_or(|answer| !answer.is_excused)
    }
}

/// All violations by their ids, and those of each party, so that one is numbered without a look at all others.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Violations {
    all: BTreeMap<String, Violation>,
    of_party: BTreeMap<Party, Vec<String>>,
}

impl Violations {
    pub(crate) fn open(&mut self, violation: Violation) {
        let id = violation.opened.id.clone();
        let known = self.of_party.entry(violation.opened.breach.party.clone()).or_default();
        // Nothing is told twice; whoever only follows the ledger does not check that.
        if !self.all.contains_key(&id) {
            known.push(id.clone());
        }
        self.all.insert(id, violation);
    }

    pub(crate) fn get_mut(&mut self, id: &str) -> Option<&mut Violation> {
        self.all.get_mut(id)
    }

    /// Those of some days, the first and the last: their ids begin with the day.
    pub(crate) fn between(&self, first: Date, last: Date) -> impl Iterator<Item = &Violation> {
        let until = last.tomorrow().map_or_else(|_| "~".to_owned(), |day| day.to_string());
        self.all.range(first.to_string()..until).map(|(_, known)| known)
    }

    fn of<'v>(&'v self, party: &Party) -> impl Iterator<Item = &'v Violation> {
        self.of_party.get(party).into_iter().flatten().filter_map(|id| self.all.get(id))
    }
}

impl Deref for Violations {
    type Target = BTreeMap<String, Violation>;

    fn deref(&self) -> &Self::Target {
        &self.all
    }
}

impl FromIterator<(String, Violation)> for Violations {
    fn from_iter<I: IntoIterator<Item = (String, Violation)>>(all: I) -> Self {
        let mut violations = Self::default();
        all.into_iter().for_each(|(_, violation)| violations.open(violation));
        violations.of_party.values_mut().for_each(|ids| ids.sort_unstable());
        violations
    }
}

/// Who answers for others, looked up once for many violations.
#[derive(Default)]
struct Answerers {
    of_role: BTreeMap<String, Vec<PersonId>>,
    above: Option<Vec<PersonId>>,
}

/// Within how long violations count together where the policy says nothing of it.
const YEAR: Length = Length { count: 12, unit: Unit::Months };

impl State {
    /// Whether a violation is somebody's affair: they see what everybody owes, it is their own, their team's or their role's, or they
    /// see to it.
    #[must_use]
    pub fn sees_violation(&self, violation: &Violation, person: &PersonId) -> bool {
        let has_seat = self.seat_of(&violation.opened).is_some_and(|seat| self.holds(person, seat));
        has_seat || self.is_party(&violation.opened.breach, person) || self.may(person, Role::SEES_DUTIES).is_ok()
    }

    /// Whether somebody may say what was done about a violation: whoever sees to it, or who answers for all of it where nobody else
    /// has the role.
    #[must_use]
    pub fn may_answer(&self, violation: &Violation, person: &PersonId) -> bool {
        violation.waits() && self.answers(violation).contains(person)
    }

    /// Whether somebody may excuse a violation.
    #[must_use]
    pub fn may_excuse(&self, violation: &Violation, person: &PersonId) -> bool {
        let is_own = self.is_party(&violation.opened.breach, person);
        violation.answer.is_none() && !is_own && self.may(person, Role::EXCUSES).is_ok()
    }

    /// The role that sees to a violation, as the policy in force knows it.
    #[must_use]
    pub fn seat_of(&self, opened: &Opened) -> Option<&Seat> {
        self.seat_called(opened.by.as_deref()?)
    }

    /// Who says what was done about a violation; nobody does of their own.
    fn answers(&self, violation: &Violation) -> Vec<PersonId> {
        self.answers_of(violation, &mut Answerers::default())
    }

    /// The same, where the people of each role were looked up for others before.
    fn answers_of(&self, violation: &Violation, known: &mut Answerers) -> Vec<PersonId> {
        let breach = &violation.opened.breach;
        let others = |people: &[PersonId]| -> Vec<PersonId> {
            people.iter().filter(|person| !self.is_party(breach, person)).cloned().collect()
        };
        if let Some(seat) = self.seat_of(&violation.opened) {
            let of_role = known.of_role.entry(seat.role.clone()).or_insert_with(|| self.people_of(seat));
            let seated = others(of_role);
            if !seated.is_empty() {
                return seated;
            }
        }
        let above = || self.people.keys().filter(|person| self.may(person, Role::EXCUSES).is_ok()).cloned().collect();
        others(known.above.get_or_insert_with(above))
    }

    pub(crate) fn responses_owed(&self) -> Vec<Duty> {
        let mut known = Answerers::default();
        let open = self.violations.iter().filter(|(_, violation)| violation.waits());
        let owed = open.filter_map(|(id, violation)| {
            let owners = self.answers_of(violation, &mut known);
            self.response_owed((id, violation), owners)
        });
        owed.collect()
    }

    /// What is owed for one violation.
    pub(crate) fn response_of(&self, id: &str) -> Option<Duty> {
        let violation = self.violations.get(id).filter(|known| known.waits())?;
        self.response_owed((id, violation), self.answers(violation))
    }

    fn response_owed(&self, (id, known): (&str, &Violation), owners: Vec<PersonId>) -> Option<Duty> {
        let step = known.opened.step?;
        let seat = self.seat_of(&known.opened);
        Some(Duty {
            id: format!("respond#{id}"),
            kind: DutyKind::Respond,
            subject: id.to_owned(),
            title: format!("{} for {}", step.words(), known.opened.breach.party),
            text: None,
            owners,
            since: known.at,
            due: after(known.at, USUAL),
            done_at: None,
            remind_at: known.at,
            owed_by: seat.cloned(),
            escalates_to: seat.and_then(|seat| self.above(seat)).cloned(),
            campaign: None,
            excused: None,
        })
    }

    /// The days of a party's violations that count.
    pub(crate) fn days_that_count(&self, party: &Party) -> Vec<Date> {
        let since = self.counts_since(party);
        let days = self.violations.of(party).filter(|known| known.counts()).map(|known| known.opened.breach.day);
        days.filter(|day| *day >= since).collect()
    }

    /// From which day on what a party broke counts: what somebody broke who was erased is not that of who comes under their id.
    pub(crate) fn counts_since(&self, party: &Party) -> Date {
        let anew = match party {
            Party::Person(person) => self.people.get(person).and_then(|known| known.anew),
            _ => None,
        };
        anew.map_or(Date::MIN, day_of)
    }

    /// What the policy answers a breach with, where its party has violations of these days.
    pub(crate) fn answered_by_policy(&self, breach: Breach, days: &[Date]) -> Opened {
        let within = |length: Length| {
            let from = breach.day.checked_sub(length.span()).unwrap_or(Date::MIN);
            days.iter().filter(|day| **day >= from).count() as u64 + 1
        };
        let rules = self.oversight().responses.iter().map(|rule| (rule, within(rule.within)));
        let fits = rules.filter(|(rule, number)| *number >= u64::from(rule.from));
        let strictest = fits.max_by_key(|(rule, _): &(&ResponseRule, u64)| (rule.from, rule.step));
        let number = strictest.map_or_else(|| within(YEAR), |(_, number)| number);
        let (step, by) = strictest.map(|(rule, _)| (rule.step, rule.by.role.clone())).unzip();
        Opened { id: breach.id(), breach, number, step, by }
    }
}

/// Says what was done about a violation, or excuses it.
pub(crate) fn answer(
    state: &State,
    (id, words, is_excused): (&str, &str, bool),
    by: &PersonId,
) -> Result<Vec<Event>, Refusal> {
    // Whether there is one is nobody's affair but theirs who see it.
    let known =
        state.violations.get(id).filter(|known| state.sees_violation(known, by) || is_answerer(state, known, by));
    let known = known.ok_or_else(|| Refusal::Unknown { what: "violation", id: id.to_owned() })?;
    if known.answer.is_some() {
        return Err(Refusal::State { found: known.word(), wanted: "open" });
    }
    if state.is_party(&known.opened.breach, by) {
        return Err(Refusal::OwnViolation);
    }
    let words = reason(words)?;
    let may = if is_excused { state.may_excuse(known, by) } else { is_answerer(state, known, by) };
    if !may {
        let seat = state.seat_of(&known.opened).filter(|_| !is_excused);
        let roles = || Role::EXCUSES.iter().map(|role| role.word()).collect::<Vec<_>>().join(", ");
        let roles = seat.map_or_else(roles, |seat| seat.title.clone());
        return Err(Refusal::Role { person: by.to_string(), roles });
    }
    Ok(vec![Event::ViolationAnswered { violation: id.to_owned(), words, is_excused }])
}

/// What is only noted may be answered too.
fn is_answerer(state: &State, known: &Violation, by: &PersonId) -> bool {
    state.answers(known).contains(by)
}
