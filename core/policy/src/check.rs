//! Checking a policy like code: what it says is proven, or a case is shown in which it does not hold.
//!
//! Nothing here looks at a fleet: a policy is right or wrong by itself, with its windows and freezes as of the instant of the check.

mod changes;
mod dimension;
mod lengths;
mod monitoring;
mod people;
mod regions;
mod roles;
mod scope;
mod sections;
mod size;
mod table;
mod windows;

use crate::condition::Condition;
use crate::file::{Class, Policy};
use crate::problem::{Problem, Problems};
use jiff::Timestamp;
use toml::Spanned;

/// What a policy may name that others know.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// The ids of feeds.
    pub feeds: &'a [&'a str],
    /// The roles that the product knows.
    pub roles: &'a [&'a str],
    /// Those of them who may approve changes and exceptions.
    pub approvers: &'a [&'a str],
    /// Those of them who may ask for exceptions.
    pub askers: &'a [&'a str],
    /// The ids of frameworks.
    pub frameworks: &'a [&'a str],
    /// The instant of the check: windows and freezes are looked at from then on.
    pub now: Timestamp,
}

/// What a check found.
#[derive(Debug, Default)]
pub struct Checked {
    /// The policy, if it could be read.
    pub policy: Option<Policy>,
    /// What is wrong or may be, in the order of the file.
    pub problems: Vec<Problem>,
    /// What was proven, in words.
    pub proven: Vec<String>,
}

impl Checked {
    /// Whether anything is wrong, so that it may not be published.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.problems.iter().any(|problem| problem.is_error)
    }
}

/// The code of a proof that would take too long.
const TOO_LARGE: &str = "policy/too-large";

/// What every check is given, and where it notes what it finds.
struct Checking<'a> {
    policy: &'a Policy,
    known: Known<'a>,
    problems: Problems<'a>,
    proven: Vec<String>,
}

/// Every check; each looks at its own part alone.
const CHECKS: &[fn(&mut Checking<'_>)] = &[
    table::check,
    sections::check,
    scope::check,
    roles::check,
    changes::check,
    windows::check,
    monitoring::check,
    people::check,
    lengths::check,
];

/// Checks the text of a policy.
#[must_use]
pub fn check(text: &str, known: Known<'_>) -> Checked {
    let policy = match Policy::parse(text) {
        Ok(policy) => policy,
        Err(error) => {
            let what = error.fault.to_string();
            let problem = Problem {
                code: "policy/unreadable",
                is_error: true,
                line: Some(error.line),
                hint: meant(&what),
                what,
                example: String::new(),
            };
            return Checked { problems: vec![problem], ..Checked::default() };
        }
    };
    let mut checking = Checking { policy: &policy, known, problems: Problems::of(text), proven: Vec::new() };
    match size::excess(&policy) {
        Some((at, what)) => {
            checking.problems.error(TOO_LARGE, at, what);
        }
        None => CHECKS.iter().for_each(|check| check(&mut checking)),
    }
    let (mut problems, proven) = (checking.problems.found, checking.proven);
    problems.sort_by_key(|problem| problem.line.unwrap_or(usize::MAX));
    Checked { policy: Some(policy), problems, proven }
}

/// Every case that either of two tables tells apart: the class by the one, the class by the other, and the case in words; `None`
/// if there are too many.
pub(crate) fn cases(one: &Policy, other: &Policy) -> Option<Vec<(usize, usize, String)>> {
    regions::Regions::pairs(one, other)
}

/// The longest deadline of any finding for which a condition holds.
#[derive(Debug)]
pub struct Longest<'p> {
    /// The class that gives it.
    pub class: &'p Class,
    /// A case that gets it, in words.
    pub example: String,
}

/// Asks a policy for the longest deadline of any finding of at least a CVSS score; `None` where the table is too large to say.
#[must_use]
pub fn longest_deadline(policy: &Policy, cvss_at_least: f64) -> Option<Longest<'_>> {
    let when = Condition { cvss_at_least: Some(cvss_at_least), ..Condition::default() };
    table::longest(policy, &when).map(|(class, example)| Longest { class, example })
}

impl<'a> Checking<'a> {
    /// The shortest deadline of the classes that are no emergencies, with its class; those without a length of their own, as the
    /// end of a quarter, are not among them.
    fn shortest_regular(&self) -> Option<(&'a Class, i64)> {
        let policy: &'a Policy = self.policy;
        let emergencies = policy.promises.emergency.iter().flat_map(|emergency| &emergency.classes);
        let emergencies: Vec<&str> = emergencies.map(|class| class.as_ref().as_str()).collect();
        let regular = policy.classes.iter().filter(|class| !emergencies.contains(&class.id.as_str()));
        regular.filter_map(|class| Some((class, class.due.shortest_hours()?))).min_by_key(|(_, hours)| *hours)
    }

    /// Notes that a class is named that there is none of.
    fn class_exists(&mut self, class: &Spanned<String>) {
        if self.policy.rank(class.as_ref()).is_none() {
            let known: Vec<&str> = self.policy.classes.iter().map(|class| class.id.as_str()).collect();
            let what = format!("no class is called `{}`", class.as_ref().escape_debug());
            self.problems.error("policy/unknown-class", class.span().start, what).hint(among(class.as_ref(), &known));
        }
    }
}

/// A hint where a word is not among those that may stand there, as the reader of the format says it: the first word between backticks is
/// what stands there, the others are what may.
fn meant(what: &str) -> String {
    let mut words = what.split('`').skip(1).step_by(2);
    let (word, known) = (words.next().unwrap_or_default(), words.collect::<Vec<_>>());
    if known.is_empty() || !what.contains("expected") {
        return String::new();
    }
    Some(among(word, &known)).filter(|hint| hint.starts_with("did you")).unwrap_or_default()
}

/// A hint: what may have been meant, or all that there is.
fn among(word: &str, known: &[&str]) -> String {
    let nearest = known.iter().map(|known| (slips(word, known), known)).min();
    match nearest {
        Some((slips, nearest)) if slips <= 2 && slips < word.chars().count() => format!("did you mean `{nearest}`?"),
        _ => format!("there are {}", known.join(", ")),
    }
}

/// How many signs must be put in, left out or changed to make one word of another (Levenshtein).
fn slips(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (at, own) in one.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = at + 1;
        for (place, sign) in other.iter().enumerate() {
            let changed = diagonal + usize::from(own != *sign);
            diagonal = row[place + 1];
            row[place + 1] = changed.min(row[place] + 1).min(diagonal + 1);
        }
    }
    row.last().copied().unwrap_or_default()
}

/// Hours in words: as days where they are whole ones.
fn in_words(hours: i64) -> String {
    match hours % 24 {
        0 if hours == 24 => "1 day".to_owned(),
        0 => format!("{} days", hours / 24),
        _ => format!("{hours} hours"),
    }
}

/// Notes ids that stand twice.
fn unique<'a>(problems: &mut Problems<'_>, what: &str, ids: impl Iterator<Item = &'a Spanned<String>>) {
    let mut seen = std::collections::BTreeSet::new();
    for id in ids {
        if !seen.insert(id.as_ref().to_ascii_lowercase()) {
            let said = format!("two {what} are called `{}`", id.as_ref().escape_debug());
            problems.error("policy/twice", id.span().start, said);
        }
    }
}
