//! What one policy changes in another: which findings get another class or deadline, and what else is written otherwise.

use crate::check::cases;
use crate::deadline::Due;
use crate::error::{Error, Fault};
use crate::file::{Class, Policy};
use std::collections::BTreeMap;
use toml::Value;

/// What one policy changes in another.
#[derive(Debug, Default)]
pub struct Difference {
    /// Findings that get another class or deadline, by class before and after; what is shortened first.
    pub cases: Vec<CaseChange>,
    /// Whether the cases could not be worked out, because the tables tell too many apart.
    pub is_too_large: bool,
    /// What else is written otherwise, in the order of its names.
    pub values: Vec<ValueChange>,
}

/// Findings that get another class or deadline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaseChange {
    /// One of them, in words.
    pub case: String,
    /// How many other cases there are that the tables tell apart.
    pub others: usize,
    /// Class and deadline as they were.
    pub before: (String, Due),
    /// Class and deadline as they would be.
    pub after: (String, Due),
    /// Whether something else starts the clock.
    pub is_other_clock: bool,
}

/// Something that is written otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValueChange {
    /// Its name: `scanning.exposed`, `role.executive.people`.
    pub name: String,
    /// What was written; none if nothing was.
    pub before: Option<String>,
    /// What is written; none if nothing is.
    pub after: Option<String>,
}

impl CaseChange {
    /// Whether the deadline is shorter (`Less`) or longer (`Greater`) at its longest; one without a date is the longest.
    #[must_use]
    pub fn direction(&self) -> std::cmp::Ordering {
        let hours = |due: Due| due.longest_hours().unwrap_or(i64::MAX);
        hours(self.after.1).cmp(&hours(self.before.1))
    }
}

/// Compares two policies by their texts.
///
/// # Errors
/// If one of them cannot be read.
pub fn diff(old: &str, new: &str) -> Result<Difference, Error> {
    let values = values(old, new)?;
    let (old, new) = (Policy::parse(old)?, Policy::parse(new)?);
    let Some(found) = cases(&old, &new) else {
        return Ok(Difference { cases: Vec::new(), is_too_large: true, values });
    };
    let mut by_class: BTreeMap<(usize, usize), CaseChange> = BTreeMap::new();
    for (before, after, case) in found {
        let (was, is) = (&old.classes[before], &new.classes[after]);
        if was.id == is.id && was.due == is.due && was.clock == is.clock {
            continue;
        }
        let side = |class: &Class| (class.id.clone(), class.due);
        match by_class.get_mut(&(before, after)) {
            Some(known) => known.others += 1,
            None => {
                by_class.insert(
                    (before, after),
                    CaseChange {
                        case,
                        others: 0,
                        before: side(was),
                        after: side(is),
                        is_other_clock: was.clock != is.clock,
                    },
                );
            }
        }
    }
    let mut cases: Vec<CaseChange> = by_class.into_values().collect();
    cases.sort_by_key(CaseChange::direction);
    Ok(Difference { cases, is_too_large: false, values })
}

fn values(old: &str, new: &str) -> Result<Vec<ValueChange>, Error> {
    let text = |value: Value| match value {
        Value::String(text) => text,
        other => other.to_string(),
    };
    let flat = |policy: &str| Ok(named_values(policy)?.into_iter().map(|(name, value)| (name, text(value))).collect());
    let (old, new): (BTreeMap<String, String>, BTreeMap<String, String>) = (flat(old)?, flat(new)?);
    let names: std::collections::BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let change = |name: &String| {
        let (before, after) = (old.get(name).cloned(), new.get(name).cloned());
        (before != after).then(|| ValueChange { name: name.clone(), before, after })
    };
    Ok(names.into_iter().filter_map(change).collect())
}

/// Every value of a policy by its name: `scanning.exposed`, `role.executive.people`.
pub(crate) fn named_values(text: &str) -> Result<BTreeMap<String, Value>, Error> {
    let value: toml::Table = toml::from_str(text).map_err(|error| Error {
        line: crate::file::line_of(text, error.span().map_or(0, |span| span.start)),
        fault: Fault::Format(error.message().trim().to_owned()),
    })?;
    let mut all = BTreeMap::new();
    flatten(String::new(), Value::Table(value), &mut all);
    Ok(all)
}

/// Names every value of a document; tables in a list are named by what they say they are.
fn flatten(name: String, value: Value, all: &mut BTreeMap<String, Value>) {
    let inner = |part: &str| if name.is_empty() { part.to_owned() } else { format!("{name}.{part}") };
    match value {
        Value::Table(table) if table.is_empty() => {
            all.insert(name, Value::String("(empty)".to_owned()));
        }
        Value::Table(table) => table.into_iter().for_each(|(key, value)| flatten(inner(&key), value, all)),
        Value::Array(list) if list.iter().any(Value::is_table) => {
            let mut seen: BTreeMap<String, usize> = BTreeMap::new();
            // Of rules, classes and rings the order counts.
            let order: Vec<String> = list.iter().map(|value| called(value).unwrap_or_default()).collect();
            all.insert(inner("(order)"), Value::String(order.join("; ")));
            for value in list {
                let called = called(&value).unwrap_or_default();
                let times = seen.entry(called.clone()).or_default();
                *times += 1;
                let part = if *times > 1 || called.is_empty() { format!("{called}#{times}") } else { called };
                flatten(inner(&part), value, all);
            }
        }
        other => {
            all.insert(name, other);
        }
    }
}

fn called(value: &Value) -> Option<String> {
    let table = value.as_table()?;
    let text = |key: &str| table.get(key).and_then(Value::as_str);
    let class = text("class").map_or_else(String::new, |class| format!("-{class}"));
    let names = ["id", "term", "kind", "of", "change", "what", "reason", "from"];
    names.iter().find_map(|key| text(key)).map(|found| format!("{found}{class}"))
}
