//! The policy file.

use crate::calendar::Calendar;
use crate::condition::{Condition, EXPLOITATION, Scales};
use crate::deadline::{Clock, Due};
use crate::error::Error;
use crate::facts::Exposure;
use serde::Deserialize;

/// A policy, checked.
#[derive(Debug, Clone)]
pub struct Policy {
    /// Its name.
    pub name: String,
    /// Where its figures come from.
    pub source: String,
    /// What still has to be checked at that source; empty if nothing.
    pub to_check: String,
    /// Its classes, the strictest first.
    pub classes: Vec<Class>,
    /// How days are counted.
    pub calendar: Calendar,
    /// Whether the catalogue's own due date caps every deadline.
    pub is_capped_by_catalogue: bool,
    pub(crate) missing: Missing,
    pub(crate) scales: Scales,
}

/// A class of findings with its deadline.
#[derive(Debug, Clone)]
pub struct Class {
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// By when it is due.
    pub due: Due,
    /// What starts its clock.
    pub clock: Vec<Clock>,
    /// What else is owed, in words.
    pub also: String,
    pub(crate) when: Condition,
}

/// Cautious values for what is missing.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Missing {
    pub(crate) cvss: f64,
    pub(crate) epss: f64,
    pub(crate) exploitation: String,
    pub(crate) automatable: bool,
    /// The same for what a catalogue lists as exploited, where that differs.
    pub(crate) automatable_if_exploited: Option<bool>,
    pub(crate) total_impact: bool,
    pub(crate) likely_exploitable: bool,
    pub(crate) exposure: Exposure,
}

impl Default for Missing {
    fn default() -> Self {
        Self {
            cvss: 10.0,
            epss: 1.0,
            exploitation: "active".to_owned(),
            automatable: true,
            automatable_if_exploited: None,
            total_impact: true,
            likely_exploitable: true,
            exposure: Exposure::Exposed,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct File {
    name: String,
    #[serde(default)]
    source: String,
    #[serde(default)]
    to_check: String,
    #[serde(default = "utc")]
    time_zone: String,
    #[serde(default)]
    holidays: Vec<String>,
    #[serde(default = "yes")]
    end_of_day: bool,
    #[serde(default)]
    capped_by_catalogue: bool,
    #[serde(default)]
    missing: Missing,
    #[serde(default)]
    class: Vec<FileClass>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct FileClass {
    id: String,
    title: String,
    due: String,
    clock: Vec<Clock>,
    #[serde(default)]
    also: String,
    #[serde(default)]
    when: Condition,
}

fn utc() -> String {
    "UTC".to_owned()
}

fn yes() -> bool {
    true
}

impl Policy {
    /// The attributes of an asset that any class looks at: assets that agree in these are classified alike.
    #[must_use]
    pub fn relevant(&self, asset: &crate::facts::Asset) -> crate::facts::Asset {
        let mut relevant = crate::facts::Asset::default();
        self.classes.iter().for_each(|class| class.when.relevant(asset, &mut relevant));
        relevant
    }

    /// Reads a policy file.
    ///
    /// # Errors
    /// [`Error`] names the line or class in question.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let file: File = toml::from_str(text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            let line = text.get(..at).map_or(1, |before| before.matches('\n').count() + 1);
            Error::Format { line, message: error.message().trim().to_owned() }
        })?;
        for (place, text) in [("name", &file.name), ("source", &file.source), ("to-check", &file.to_check)] {
            fault_of_text(text).map_or(Ok(()), |what| Err(Error::Value { place, what }))?;
        }
        file.missing.check()?;
        let calendar = Calendar::new(&file.time_zone, &file.holidays, file.end_of_day)?;
        let classes = file.class.into_iter().map(class).collect::<Result<Vec<_>, _>>()?;
        check(&classes)?;
        let mut scales = Scales::default();
        classes.iter().for_each(|class| scales.add(&class.when));
        Ok(Self {
            name: file.name,
            source: file.source,
            to_check: file.to_check,
            classes,
            calendar,
            is_capped_by_catalogue: file.capped_by_catalogue,
            missing: file.missing,
            scales,
        })
    }

    /// The place of a class in the table; lower is stricter.
    #[must_use]
    pub fn rank(&self, class: &str) -> Option<usize> {
        self.classes.iter().position(|known| known.id == class)
    }
}

impl Missing {
    fn check(&self) -> Result<(), Error> {
        let fail = |place, what| Err(Error::Value { place, what });
        if !(0.0..=10.0).contains(&self.cvss) {
            return fail("missing.cvss", format!("{} is not between 0 and 10", self.cvss));
        }
        if !(0.0..=1.0).contains(&self.epss) {
            return fail("missing.epss", format!("{} is not between 0 and 1", self.epss));
        }
        if !EXPLOITATION.contains(&self.exploitation.as_str()) {
            return fail("missing.exploitation", "it is none of none, poc and active".to_owned());
        }
        Ok(())
    }
}

/// Texts of a policy are shown on terminals and pages.
fn fault_of_text(text: &str) -> Option<String> {
    let found = text.chars().find(|character| character.is_control() && !matches!(character, '\n' | '\t'))?;
    Some(format!("it has the control character U+{:04X}", u32::from(found)))
}

/// Classes are named on command lines, beside the words that `--fail-on` knows.
fn fault_of_id(id: &str) -> Option<String> {
    let is_plain = id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    if id.is_empty() || id.starts_with('-') || !is_plain {
        return Some("an id has letters, digits, `-`, `_` and `.` only, and does not begin with `-`".to_owned());
    }
    matches!(id, "overdue" | "none").then(|| "`overdue` and `none` are words of --fail-on".to_owned())
}

fn class(class: FileClass) -> Result<Class, Error> {
    let fail = |what: String| Error::Class { class: class.id.clone(), what };
    let due = Due::parse(&class.due).ok_or_else(|| {
        fail(format!(
            "`{}` is no deadline; write `72 hours`, `30 days`, `1 month`, `10 business days`, `end of quarter` or `next upgrade`",
            class.due
        ))
    })?;
    let fault = fault_of_id(&class.id).or_else(|| class.when.fault());
    let fault = fault.or_else(|| fault_of_text(&class.title)).or_else(|| fault_of_text(&class.also));
    if let Some(what) = fault {
        return Err(Error::Class { class: class.id.escape_debug().to_string(), what });
    }
    if class.clock.is_empty() {
        return Err(fail("`clock` names nothing that could start it".to_owned()));
    }
    Ok(Class { id: class.id, title: class.title, due, clock: class.clock, also: class.also, when: class.when })
}

fn check(classes: &[Class]) -> Result<(), Error> {
    let Some((last, before)) = classes.split_last() else { return Err(Error::NotTotal) };
    if !last.when.is_empty() {
        return Err(Error::NotTotal);
    }
    if let Some(at) = before.iter().position(|class| class.when.is_empty()) {
        return Err(Error::Unreachable { class: classes[at + 1].id.clone() });
    }
    for (at, class) in classes.iter().enumerate() {
        if classes[..at].iter().any(|known| known.id == class.id) {
            return Err(Error::Twice { class: class.id.clone() });
        }
    }
    Ok(())
}
