//! Deadlines: which class a finding has, when it is due, and how that came about.

use crate::calendar::Calendar;
use crate::condition::Looked;
use crate::facts::{Facts, Input};
use crate::file::{Class, Policy};
use jiff::Timestamp;
use serde::Deserialize;

/// By when something is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// A number of hours after the clock's start.
    Hours(i64),
    /// A number of calendar days.
    Days(i64),
    /// A number of months, to the same day of the month.
    Months(i64),
    /// A number of business days.
    BusinessDays(i64),
    /// The end of the quarter in which the clock starts.
    EndOfQuarter,
    /// With the next upgrade; no date.
    NextUpgrade,
}

/// An instant that starts a clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Clock {
    /// The publication of the vulnerability.
    Published,
    /// The day its patch became available.
    PatchAvailable,
    /// The day a catalogue listed it.
    Listed,
    /// The first sight on the asset.
    FirstSeen,
}

/// One class that applied, and the due date it gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The class's id.
    pub class: String,
    /// What started its clock, in words.
    pub started_by: String,
    /// When its clock started.
    pub started_at: Timestamp,
    /// The due date it gave; none for "next upgrade".
    pub due: Option<Timestamp>,
}

/// A deadline with its derivation.
#[derive(Debug, Clone, PartialEq)]
pub struct Deadline {
    /// The class that the finding has now.
    pub class: String,
    /// Its place in the table; lower is stricter.
    pub rank: usize,
    /// What else the class asks for, in words (`forensic triage`); empty if nothing.
    pub also: String,
    /// The due date: the earliest of what applied. None if it is due with the next upgrade.
    pub due: Option<Timestamp>,
    /// Whether a mitigation is owed by then instead of a patch, because no patch exists.
    pub is_mitigation: bool,
    /// The classes that applied over time, with their due dates.
    pub steps: Vec<Step>,
    /// The inputs of the classification.
    pub inputs: Vec<Input>,
}

impl Due {
    /// Reads `72 hours`, `30 days`, `1 month`, `10 business days`, `end of quarter`, `next upgrade`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.trim().to_ascii_lowercase();
        match text.as_str() {
            "end of quarter" => return Some(Self::EndOfQuarter),
            "next upgrade" => return Some(Self::NextUpgrade),
            _ => {}
        }
        let mut words = text.split_whitespace();
        let number: i64 = words.next()?.parse().ok().filter(|number| (1..=3650).contains(number))?;
        match words.collect::<Vec<_>>().join(" ").as_str() {
            "hour" | "hours" => Some(Self::Hours(number)),
            "day" | "days" => Some(Self::Days(number)),
            "week" | "weeks" => Some(Self::Days(number * 7)),
            "month" | "months" => Some(Self::Months(number)),
            "business day" | "business days" => Some(Self::BusinessDays(number)),
            _ => None,
        }
    }

    /// The due date of a clock that started at `start`.
    pub(crate) fn after(self, start: Timestamp, calendar: &Calendar) -> Option<Timestamp> {
        match self {
            Self::Hours(hours) => Some(calendar.after_hours(start, hours)),
            Self::Days(days) => Some(calendar.after_days(start, days)),
            Self::Months(months) => Some(calendar.after_months(start, months)),
            Self::BusinessDays(days) => Some(calendar.after_business_days(start, days)),
            Self::EndOfQuarter => Some(calendar.end_of_quarter(start)),
            Self::NextUpgrade => None,
        }
    }
}

impl std::fmt::Display for Due {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Hours(hours) => write!(formatter, "{hours} hours"),
            Self::Days(days) => write!(formatter, "{days} days"),
            Self::Months(1) => formatter.write_str("1 month"),
            Self::Months(months) => write!(formatter, "{months} months"),
            Self::BusinessDays(days) => write!(formatter, "{days} business days"),
            Self::EndOfQuarter => formatter.write_str("end of quarter"),
            Self::NextUpgrade => formatter.write_str("next upgrade"),
        }
    }
}

/// Classifies a finding and derives its deadline.
///
/// A move to a stricter class starts that class's clock at the move; the due date is the earliest of what applied, and
/// never moves later by itself. Without a patch a mitigation is owed: its clock starts when the finding is first seen.
#[must_use]
pub fn derive(policy: &Policy, facts: &Facts) -> Deadline {
    let (class, rank, mut inputs) = classify(policy, facts);
    let mut steps = Vec::new();
    // Before the catalogue listed it, another class may have applied, and its due date stands if it is earlier.
    if facts.is_exploited {
        let before = Facts { is_exploited: false, is_used_by_ransomware: false, listed: None, ..facts.clone() };
        let (earlier, ..) = classify(policy, &before);
        if earlier.id != class.id {
            steps.push(step(policy, earlier, &before, &mut inputs));
        }
    }
    steps.push(step(policy, class, facts, &mut inputs));
    if let Some(due) = facts.catalogue_due.filter(|_| policy.is_capped_by_catalogue) {
        let started_at = facts.listed.unwrap_or(facts.now);
        steps.push(Step {
            class: class.id.clone(),
            started_by: CATALOGUE_DUE.to_owned(),
            started_at,
            due: Some(policy.calendar.due_on(due)),
        });
    }
    let due = steps.iter().filter_map(|step| step.due).min();
    let also = class.also.clone();
    Deadline { class: class.id.clone(), rank, also, due, is_mitigation: !facts.is_fix_available, steps, inputs }
}

pub(crate) fn classify<'p>(policy: &'p Policy, facts: &Facts) -> (&'p Class, usize, Vec<Input>) {
    let mut looked = Looked { facts, missing: &policy.missing, scales: &policy.scales, inputs: Vec::new() };
    let fits = policy.classes.iter().position(|class| class.when.holds(&mut looked));
    // INVARIANT: the last class has no condition (checked when the policy was read).
    let rank = fits.unwrap_or(policy.classes.len() - 1);
    (&policy.classes[rank], rank, looked.inputs)
}

fn step(policy: &Policy, class: &Class, facts: &Facts, inputs: &mut Vec<Input>) -> Step {
    let (started_at, started_by, assumed) = moved(class, facts, start(class, facts));
    if let Some(assumed) = assumed.filter(|assumed| !inputs.contains(assumed)) {
        inputs.push(assumed);
    }
    Step { class: class.id.clone(), started_by, started_at, due: class.due.after(started_at, &policy.calendar) }
}

/// The clock of a class into which a finding moved does not start before the move. That a catalogue lists it is the move.
fn moved(
    class: &Class,
    facts: &Facts,
    (at, by, assumed): (Timestamp, String, Option<Input>),
) -> (Timestamp, String, Option<Input>) {
    let is_listed = facts.listed.is_some() && class.clock.contains(&Clock::Listed);
    match facts.moved_at.filter(|moved| *moved > at && !is_listed) {
        Some(moved) => (moved, format!("the move into this class (after: {by})"), assumed),
        None => (at, by, assumed),
    }
}

/// What started the step of a due date that the catalogue itself names.
pub const CATALOGUE_DUE: &str = "the catalogue's own due date";
/// The name under which a mitigation's clock is noted where nobody knows since when it runs.
pub const MITIGATION_CLOCK: &str = "start of the mitigation's clock";
/// The name under which a clock is noted that no known instant starts.
pub const UNKNOWN_CLOCK: &str = "start of the clock";

/// The earliest of the instants that the class names, in words, with what had to be assumed.
///
/// Where the first sight is not known the earliest instant that is known stands in: a clock that began anew with every
/// look would never end.
fn start(class: &Class, facts: &Facts) -> (Timestamp, String, Option<Input>) {
    let assume = |name, value: &str| Some(Input { name, value: value.to_owned(), is_assumed: true });
    if !facts.is_fix_available {
        let assumed = if facts.first_seen.is_none() { assume(MITIGATION_CLOCK, "now") } else { None };
        let words = "first seen, and no patch exists: a mitigation is owed".to_owned();
        return (facts.first_seen.unwrap_or(facts.now), words, assumed);
    }
    let earliest = [facts.published, facts.patch_available, facts.listed].into_iter().flatten().min();
    let mut assumed = None;
    let known = class.clock.iter().filter_map(|clock| match clock {
        Clock::Published => Some((facts.published?, "published")),
        Clock::PatchAvailable => Some((facts.patch_available?, "patch available")),
        Clock::Listed => Some((facts.listed?, "listed as exploited")),
        Clock::FirstSeen => match (facts.first_seen, earliest) {
            (Some(seen), _) => Some((seen, "first seen")),
            (None, at) => {
                assumed = assume("first seen", "not known: the earliest day counts");
                Some((at?, "first seen, on the earliest possible day"))
            }
        },
    });
    let (at, words) = match (known.min(), facts.first_seen.or(earliest)) {
        (Some(known), _) => known,
        (None, Some(at)) => (at, "the earliest known instant (what the policy names is not known)"),
        (None, None) => {
            let words = "this look at it: no instant is known".to_owned();
            return (facts.now, words, assume(UNKNOWN_CLOCK, "not known: now"));
        }
    };
    // Nobody can install a patch before it exists.
    match facts.patch_available.filter(|patch| *patch > at) {
        Some(patch) => (patch, format!("patch available (after: {words})"), assumed),
        None => (at, words.to_owned(), assumed),
    }
}
