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
    /// Reads `72 hours`, `30 days`, `10 business days`, `end of quarter`, `next upgrade`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.trim().to_ascii_lowercase();
        match text.as_str() {
            "end of quarter" => return Some(Self::EndOfQuarter),
            "next upgrade" => return Some(Self::NextUpgrade),
            _ => {}
        }
        let (number, unit) = text.split_once(' ')?;
        let number: i64 = number.parse().ok().filter(|number| (1..=3650).contains(number))?;
        match unit.trim() {
            "hour" | "hours" => Some(Self::Hours(number)),
            "day" | "days" => Some(Self::Days(number)),
            "business day" | "business days" => Some(Self::BusinessDays(number)),
            _ => None,
        }
    }

    /// The due date of a clock that started at `start`.
    fn after(self, start: Timestamp, calendar: &Calendar) -> Option<Timestamp> {
        match self {
            Self::Hours(hours) => Some(calendar.after_hours(start, hours)),
            Self::Days(days) => Some(calendar.after_days(start, days)),
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
    let (class, rank, inputs) = classify(policy, facts);
    let mut steps = Vec::new();
    // Before the catalogue listed it, another class may have applied, and its due date stands if it is earlier.
    if facts.is_exploited {
        let before = Facts { is_exploited: false, is_used_by_ransomware: false, listed: None, ..facts.clone() };
        let (earlier, ..) = classify(policy, &before);
        if earlier.id != class.id {
            steps.push(step(policy, earlier, &before));
        }
    }
    steps.push(step(policy, class, facts));
    if let Some(due) = facts.catalogue_due.filter(|_| policy.is_capped_by_catalogue) {
        let started_at = facts.listed.unwrap_or(facts.first_seen);
        steps.push(Step {
            class: class.id.clone(),
            started_by: "the catalogue's own due date".to_owned(),
            started_at,
            due: Some(due),
        });
    }
    let due = steps.iter().filter_map(|step| step.due).min();
    Deadline { class: class.id.clone(), rank, due, is_mitigation: !facts.is_fix_available, steps, inputs }
}

fn classify<'p>(policy: &'p Policy, facts: &Facts) -> (&'p Class, usize, Vec<Input>) {
    let mut looked = Looked { facts, missing: &policy.missing, inputs: Vec::new() };
    let fits = policy.classes.iter().position(|class| class.when.holds(&mut looked));
    // INVARIANT: the last class has no condition (checked when the policy was read).
    let rank = fits.unwrap_or(policy.classes.len() - 1);
    (&policy.classes[rank], rank, looked.inputs)
}

fn step(policy: &Policy, class: &Class, facts: &Facts) -> Step {
    let (started_at, started_by) = start(class, facts);
    Step { class: class.id.clone(), started_by, started_at, due: class.due.after(started_at, &policy.calendar) }
}

/// The earliest of the instants that the class names; those that are not known fall back to the first sight.
fn start(class: &Class, facts: &Facts) -> (Timestamp, String) {
    if !facts.is_fix_available {
        return (facts.first_seen, "first seen, and no patch exists: a mitigation is owed".to_owned());
    }
    let known = class.clock.iter().filter_map(|clock| {
        let (at, words) = match clock {
            Clock::Published => (facts.published, "published"),
            Clock::PatchAvailable => (facts.patch_available, "patch available"),
            Clock::Listed => (facts.listed, "listed as exploited"),
            Clock::FirstSeen => (Some(facts.first_seen), "first seen"),
        };
        Some((at?, words))
    });
    let Some((at, words)) = known.min() else {
        return (facts.first_seen, "first seen (the instant that the policy names is not known)".to_owned());
    };
    // Nobody can install a patch before it exists.
    match facts.patch_available.filter(|patch| *patch > at) {
        Some(patch) => (patch, format!("patch available (after: {words})")),
        None => (at, words.to_owned()),
    }
}
