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
    derive_with(policy, facts, Some(Vec::new()))
}

/// The same dates and classes without a word on how they came about: for those who derive millions and show none of it. It has no
/// inputs, and its steps do not say what started them, but for [`CATALOGUE_DUE`].
#[must_use]
pub fn derive_without_words(policy: &Policy, facts: &Facts) -> Deadline {
    derive_with(policy, facts, None)
}

fn derive_with(policy: &Policy, facts: &Facts, inputs: Option<Vec<Input>>) -> Deadline {
    let is_told = inputs.is_some();
    let (class, rank, mut inputs) = classify(policy, facts, inputs);
    let mut steps = Vec::with_capacity(1);
    // Before the catalogue listed it, another class may have applied, and its due date stands if it is earlier.
    if facts.is_exploited {
        let before = Facts { is_exploited: false, is_used_by_ransomware: false, listed: None, ..facts.clone() };
        let (earlier, ..) = classify(policy, &before, None);
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
    let also = if is_told { class.also.clone() } else { String::new() };
    let (class, inputs) = (class.id.clone(), inputs.unwrap_or_default());
    Deadline { class, rank, also, due, is_mitigation: !facts.is_fix_available, steps, inputs }
}

/// The class of a finding, its place in the table, and what was looked at where that is asked for.
pub(crate) fn classify<'p>(
    policy: &'p Policy,
    facts: &Facts,
    inputs: Option<Vec<Input>>,
) -> (&'p Class, usize, Option<Vec<Input>>) {
    let mut looked = Looked { facts, missing: &policy.missing, scales: &policy.scales, inputs };
    let fits = policy.classes.iter().position(|class| class.when.holds(&mut looked));
    // INVARIANT: the last class has no condition (checked when the policy was read).
    let rank = fits.unwrap_or(policy.classes.len() - 1);
    (&policy.classes[rank], rank, looked.inputs)
}

fn step(policy: &Policy, class: &Class, facts: &Facts, inputs: &mut Option<Vec<Input>>) -> Step {
    let started = moved(class, facts, start(class, facts));
    if let (Some(inputs), Some((name, value))) = (inputs.as_mut(), started.assumed) {
        let assumed = Input { name, value: value.to_owned(), is_assumed: true };
        if !inputs.contains(&assumed) {
            inputs.push(assumed);
        }
    }
    let started_by = if inputs.is_some() { started.words() } else { String::new() };
    let due = class.due.after(started.at, &policy.calendar);
    Step { class: class.id.clone(), started_by, started_at: started.at, due }
}

/// What starts a clock.
struct Started {
    at: Timestamp,
    by: &'static str,
    /// The patch came after that.
    awaits_patch: bool,
    /// The finding moved into the class after that.
    is_moved: bool,
    /// What had to be assumed: its name and value.
    assumed: Option<(&'static str, &'static str)>,
}

impl Started {
    fn by(at: Timestamp, by: &'static str, assumed: Option<(&'static str, &'static str)>) -> Self {
        Self { at, by, awaits_patch: false, is_moved: false, assumed }
    }

    fn words(&self) -> String {
        let patch = format!("patch available (after: {})", self.by);
        let by = if self.awaits_patch { &patch } else { self.by };
        if self.is_moved { format!("the move into this class (after: {by})") } else { by.to_owned() }
    }
}

/// The clock of a class into which a finding moved does not start before the move. That a catalogue lists it is the move.
fn moved(class: &Class, facts: &Facts, started: Started) -> Started {
    let is_listed = facts.listed.is_some() && class.clock.contains(&Clock::Listed);
    match facts.moved_at.filter(|moved| *moved > started.at && !is_listed) {
        Some(at) => Started { at, is_moved: true, ..started },
        None => started,
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
fn start(class: &Class, facts: &Facts) -> Started {
    if !facts.is_fix_available {
        let assumed = facts.first_seen.is_none().then_some((MITIGATION_CLOCK, "now"));
        let by = "first seen, and no patch exists: a mitigation is owed";
        return Started::by(facts.first_seen.unwrap_or(facts.now), by, assumed);
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
                assumed = Some(("first seen", "not known: the earliest day counts"));
                Some((at?, "first seen, on the earliest possible day"))
            }
        },
    });
    let (at, by) = match (known.min(), facts.first_seen.or(earliest)) {
        (Some(known), _) => known,
        (None, Some(at)) => (at, "the earliest known instant (what the policy names is not known)"),
        (None, None) => {
            let by = "this look at it: no instant is known";
            return Started::by(facts.now, by, Some((UNKNOWN_CLOCK, "not known: now")));
        }
    };
    let started = Started::by(at, by, assumed);
    // Nobody can install a patch before it exists.
    match facts.patch_available.filter(|patch| *patch > at) {
        Some(at) => Started { at, awaits_patch: true, ..started },
        None => started,
    }
}
