//! The policy file.

use crate::calendar::Calendar;
use crate::condition::{Condition, EXPLOITATION, Scales};
use crate::deadline::{Clock, Due};
use crate::error::{Error, Fault};
use crate::facts::Exposure;
use crate::promises::{
    Acknowledgement, Alerts, Definition, Deployment, Emergency, Exceptions, Freeze, Gate, Measure, Promises, Record,
    Response, Review, Ring, Role, Scanning, Scope, Testing, Training, Vendors, Window,
};
use serde::Deserialize;
use std::collections::BTreeMap;
use toml::Spanned;

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
    /// What it promises beside the deadlines.
    pub promises: Promises,
    /// The prose of its sections in Markdown, by their names, in the order of the document.
    pub text: BTreeMap<String, String>,
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
    /// Where its id stands, in bytes.
    pub place: usize,
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
    name: Spanned<String>,
    #[serde(default)]
    source: Option<Spanned<String>>,
    #[serde(default)]
    to_check: Option<Spanned<String>>,
    #[serde(default)]
    time_zone: Option<Spanned<String>>,
    #[serde(default)]
    holidays: Vec<Spanned<String>>,
    #[serde(default = "yes")]
    end_of_day: bool,
    #[serde(default)]
    capped_by_catalogue: bool,
    #[serde(default)]
    missing: Option<Spanned<Missing>>,
    #[serde(default)]
    class: Vec<FileClass>,
    #[serde(default)]
    frameworks: Vec<Spanned<String>>,
    scope: Option<Scope>,
    #[serde(default)]
    definition: Vec<Definition>,
    #[serde(default)]
    role: Vec<Role>,
    scanning: Option<Scanning>,
    testing: Option<Testing>,
    #[serde(default)]
    gate: Vec<Gate>,
    deployment: Option<Deployment>,
    #[serde(default)]
    ring: Vec<Ring>,
    #[serde(default)]
    window: Vec<Window>,
    #[serde(default)]
    freeze: Vec<Freeze>,
    emergency: Option<Emergency>,
    #[serde(default)]
    record: Vec<Record>,
    #[serde(default)]
    measure: Vec<Measure>,
    alerts: Option<Alerts>,
    #[serde(default)]
    response: Vec<Response>,
    review: Option<Review>,
    exceptions: Option<Exceptions>,
    vendors: Option<Vendors>,
    #[serde(default)]
    training: Vec<Training>,
    acknowledgement: Option<Acknowledgement>,
    #[serde(default)]
    text: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct FileClass {
    id: Spanned<String>,
    title: Spanned<String>,
    due: Spanned<String>,
    clock: Spanned<Vec<Clock>>,
    #[serde(default)]
    also: Option<Spanned<String>>,
    #[serde(default)]
    when: Option<Spanned<Condition>>,
}

fn yes() -> bool {
    true
}

/// A fault and the byte at which it stands.
type Placed = (usize, Fault);

impl Policy {
    /// The attributes of an asset that any class looks at: assets that agree in these are classified alike.
    #[must_use]
    pub fn relevant(&self, asset: &crate::facts::Asset) -> crate::facts::Asset {
        let mut relevant = crate::facts::Asset::default();
        self.relevant_into(asset, &mut relevant);
        relevant
    }

    /// The same beside what is relevant to other policies.
    pub fn relevant_into(&self, asset: &crate::facts::Asset, relevant: &mut crate::facts::Asset) {
        self.classes.iter().for_each(|class| class.when.relevant(asset, relevant));
    }

    /// When something of a class is due whose clock starts at an instant; none without such a class, or with the next upgrade.
    #[must_use]
    pub fn due_after(&self, class: &str, start: jiff::Timestamp) -> Option<jiff::Timestamp> {
        let class = self.classes.iter().find(|known| known.id == class)?;
        class.due.after(start, &self.calendar)
    }

    /// Reads a policy file.
    ///
    /// # Errors
    /// [`Error`] names the line and what is wrong there.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let read = toml::from_str(text).map_err(|error| {
            (error.span().map_or(0, |span| span.start), Fault::Format(error.message().trim().to_owned()))
        });
        read.and_then(Self::of_file).map_err(|(at, fault)| Error { line: line_of(text, at), fault })
    }

    fn of_file(file: File) -> Result<Self, Placed> {
        let texts =
            [("name", Some(&file.name)), ("source", file.source.as_ref()), ("to-check", file.to_check.as_ref())];
        for (place, text) in texts.into_iter().filter_map(|(place, text)| Some((place, text?))) {
            let fault = fault_of_text(text.as_ref());
            fault.map_or(Ok(()), |what| Err((text.span().start, Fault::Value { place, what })))?;
        }
        let at = file.missing.as_ref().map_or(0, |missing| missing.span().start);
        let missing = file.missing.map(Spanned::into_inner).unwrap_or_default();
        missing.check().map_err(|fault| (at, fault))?;
        let calendar = calendar(file.time_zone.as_ref(), &file.holidays, file.end_of_day)?;
        let classes = file.class.into_iter().map(class).collect::<Result<Vec<_>, _>>()?;
        check(&classes)?;
        let mut scales = Scales::default();
        classes.iter().for_each(|class| scales.add(&class.when));
        let text = |text: Option<Spanned<String>>| text.map(Spanned::into_inner).unwrap_or_default();
        Ok(Self {
            name: file.name.into_inner(),
            source: text(file.source),
            to_check: text(file.to_check),
            classes,
            calendar,
            is_capped_by_catalogue: file.capped_by_catalogue,
            promises: Promises {
                scope: file.scope,
                definitions: file.definition,
                roles: file.role,
                scanning: file.scanning,
                testing: file.testing,
                gates: file.gate,
                deployment: file.deployment,
                rings: file.ring,
                windows: file.window,
                freezes: file.freeze,
                emergency: file.emergency,
                records: file.record,
                measures: file.measure,
                alerts: file.alerts,
                responses: file.response,
                review: file.review,
                exceptions: file.exceptions,
                vendors: file.vendors,
                training: file.training,
                acknowledgement: file.acknowledgement,
                frameworks: file.frameworks,
            },
            text: file.text,
            missing,
            scales,
        })
    }

    /// The place of a class in the table; lower is stricter.
    #[must_use]
    pub fn rank(&self, class: &str) -> Option<usize> {
        self.classes.iter().position(|known| known.id == class)
    }
}

/// The line on which a byte of a text stands, from 1.
#[must_use]
pub fn line_of(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
}

fn calendar(
    zone: Option<&Spanned<String>>,
    holidays: &[Spanned<String>],
    is_end_of_day: bool,
) -> Result<Calendar, Placed> {
    let days: Vec<String> = holidays.iter().map(|day| day.as_ref().clone()).collect();
    Calendar::new(zone.map_or("UTC", |zone| zone.as_ref()), &days, is_end_of_day).map_err(|fault| {
        let holiday =
            holidays.iter().find(|day| matches!(&fault, Fault::Holiday { day: wrong } if wrong == day.as_ref()));
        (holiday.or(zone).map_or(0, |text| text.span().start), fault)
    })
}

impl Missing {
    fn check(&self) -> Result<(), Fault> {
        let fail = |place, what| Err(Fault::Value { place, what });
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

fn class(class: FileClass) -> Result<Class, Placed> {
    let place = class.id.span().start;
    let id = class.id.into_inner();
    let fail = |at: usize, what: String| (at, Fault::Class { class: id.escape_debug().to_string(), what });
    let due = Due::parse(class.due.as_ref()).ok_or_else(|| {
        let what = format!(
            "`{}` is no deadline; write `72 hours`, `30 days`, `2 weeks`, `1 month`, `10 business days`, `end of quarter` or `next upgrade`; numbers go up to 3650",
            class.due.as_ref()
        );
        fail(class.due.span().start, what)
    })?;
    fault_of_id(&id).map_or(Ok(()), |what| Err(fail(place, what)))?;
    let at = class.when.as_ref().map_or(place, |when| when.span().start);
    let when = class.when.map(Spanned::into_inner).unwrap_or_default();
    when.fault().map_or(Ok(()), |what| Err(fail(at, what)))?;
    for text in [Some(&class.title), class.also.as_ref()].into_iter().flatten() {
        fault_of_text(text.as_ref()).map_or(Ok(()), |what| Err(fail(text.span().start, what)))?;
    }
    if class.clock.as_ref().is_empty() {
        return Err(fail(class.clock.span().start, "`clock` names nothing that could start it".to_owned()));
    }
    Ok(Class {
        due,
        title: class.title.into_inner(),
        clock: class.clock.into_inner(),
        also: class.also.map(Spanned::into_inner).unwrap_or_default(),
        when,
        place,
        id,
    })
}

fn check(classes: &[Class]) -> Result<(), Placed> {
    let Some((last, before)) = classes.split_last() else { return Err((0, Fault::NotTotal)) };
    if !last.when.is_empty() {
        return Err((last.place, Fault::NotTotal));
    }
    if let Some(at) = before.iter().position(|class| class.when.is_empty()) {
        let next = &classes[at + 1];
        return Err((next.place, Fault::Unreachable { class: next.id.clone() }));
    }
    for (at, class) in classes.iter().enumerate() {
        if classes[..at].iter().any(|known| known.id == class.id) {
            return Err((class.place, Fault::Twice { class: class.id.clone() }));
        }
    }
    Ok(())
}
