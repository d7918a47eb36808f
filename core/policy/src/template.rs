//! Documents: prose in Markdown whose figures are filled in from the policy.
//!
//! `{{ scanning.exposed }}` is a value of the policy by its name, `{{ table classes }}` a table. There is nothing else: no loops, no
//! conditions, no other files. What is filled in is text and never markup.

use crate::diff::named_values;
use crate::error::Error;
use crate::file::Policy;
use crate::words::{TABLES, Table, counted, joined};
use std::collections::BTreeMap;
use toml::Value;

/// What of a document cannot be filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfilled {
    /// The line of the document, from 1.
    pub line: usize,
    /// What is wrong there.
    pub what: String,
}

/// A document that ships with the program.
#[derive(Debug)]
pub struct Edition {
    /// Its id.
    pub id: &'static str,
    /// For whom it is.
    pub title: &'static str,
    text: Option<&'static str>,
}

/// Every document that can be written from a policy; the first is the policy itself.
pub const EDITIONS: &[Edition] = &[
    Edition { id: "whole", title: "The whole policy", text: None },
    Edition {
        id: "executive",
        title: "One page for executives",
        text: Some(include_str!("../texts/documents/executive.md")),
    },
    Edition {
        id: "technical",
        title: "One page for operations",
        text: Some(include_str!("../texts/documents/technical.md")),
    },
    Edition {
        id: "developer",
        title: "One page for developers",
        text: Some(include_str!("../texts/documents/developer.md")),
    },
    Edition {
        id: "employee",
        title: "One page for new people",
        text: Some(include_str!("../texts/documents/employee.md")),
    },
];

/// The prose of the sections as `policy init` writes it, by its file names; in the order of the document.
pub const SECTIONS: &[(&str, &str)] = &[
    ("01-purpose-and-scope", include_str!("../texts/sections/01-purpose-and-scope.md")),
    ("02-definitions", include_str!("../texts/sections/02-definitions.md")),
    ("03-roles", include_str!("../texts/sections/03-roles.md")),
    ("04-vulnerabilities", include_str!("../texts/sections/04-vulnerabilities.md")),
    ("05-testing", include_str!("../texts/sections/05-testing.md")),
    ("06-deployment", include_str!("../texts/sections/06-deployment.md")),
    ("07-emergency", include_str!("../texts/sections/07-emergency.md")),
    ("08-documentation", include_str!("../texts/sections/08-documentation.md")),
    ("09-monitoring", include_str!("../texts/sections/09-monitoring.md")),
    ("10-review", include_str!("../texts/sections/10-review.md")),
    ("11-exceptions", include_str!("../texts/sections/11-exceptions.md")),
    ("12-vendors", include_str!("../texts/sections/12-vendors.md")),
    ("13-training", include_str!("../texts/sections/13-training.md")),
];

/// A policy's text with the prose of its sections, which lie in files beside it.
#[must_use]
pub fn assemble(policy: &str, sections: &BTreeMap<String, String>) -> String {
    let table: toml::Table = sections.iter().map(|(name, text)| (name.clone(), Value::String(text.clone()))).collect();
    let text: toml::Table = [("text".to_owned(), Value::Table(table))].into_iter().collect();
    // INVARIANT: a table of texts is TOML.
    let written = toml::to_string(&text).unwrap_or_default();
    if sections.is_empty() { policy.to_owned() } else { format!("{}\n\n{written}", policy.trim_end()) }
}

/// The most bytes of a document that is filled in.
const MOST_BYTES: usize = 1 << 20;
/// More of what is wrong with a text is not told.
const MOST_WRONG: usize = 100;

/// Keys whose values are ids of roles, which documents show by their titles.
const OF_ROLES: &[&str] = &["approved-by", "requested-by", "escalates-to", "owner", "by", "to", "roles"];

/// A policy that documents are written from.
#[derive(Debug)]
pub struct Written<'p> {
    policy: &'p Policy,
    values: BTreeMap<String, String>,
}

impl<'p> Written<'p> {
    /// Of a policy and its text.
    ///
    /// # Errors
    /// If the text cannot be read.
    pub fn of(policy: &'p Policy, text: &str) -> Result<Self, Error> {
        let values = named_values(text)?.into_iter().map(|(name, value)| {
            let key = name.rsplit('.').next().unwrap_or_default();
            let titles = if OF_ROLES.contains(&key) { role_title } else { class_title };
            let has_titles = OF_ROLES.contains(&key) || key == "classes";
            let word = if ALTERNATIVES.contains(&name.as_str()) { "or" } else { "and" };
            let words = in_words(&value, word, |id| titles(policy, id).filter(|_| has_titles));
            (name, words)
        });
        Ok(Self { policy, values: values.collect() })
    }

    /// A document in Markdown; `None` if there is none of that id.
    ///
    /// # Errors
    /// What cannot be filled in, with the section where it is one of the policy's own.
    #[must_use]
    pub fn document(&self, id: &str) -> Option<Result<String, Vec<(String, Unfilled)>>> {
        let edition = EDITIONS.iter().find(|edition| edition.id == id)?;
        Some(match edition.text {
            Some(text) => self.fill(text).map_err(|all| all.into_iter().map(|one| (id.to_owned(), one)).collect()),
            None => self.whole(),
        })
    }

    fn whole(&self) -> Result<String, Vec<(String, Unfilled)>> {
        let mut document = format!("# {}\n", escaped(&self.policy.name));
        let mut wrong = Vec::new();
        let mut add = |filled: &str| {
            document.push('\n');
            document.push_str(&deeper(filled.trim()));
            document.push('\n');
        };
        for (name, text) in &self.policy.text {
            match self.fill(text) {
                Ok(filled) => add(&filled),
                Err(all) => wrong.extend(all.into_iter().map(|one| (name.clone(), one))),
            }
        }
        if self.policy.text.is_empty() {
            self.usual().iter().for_each(|filled| add(filled));
        }
        if wrong.is_empty() { Ok(document) } else { Err(wrong) }
    }

    /// What the sections of a policy without any prose say: in the words of a new policy, as far as it has what they speak of.
    fn usual(&self) -> Vec<String> {
        let has_rows = |name: &str| self.policy.table(name).is_some_and(|table| !table.rows.is_empty());
        let speaks = |text: &str| {
            let named =
                text.split("{{").skip(1).filter_map(|rest| rest.split("}}").next()?.trim().strip_prefix("table "));
            let mut tables = named.peekable();
            tables.peek().is_none() || tables.any(|name| has_rows(name.trim()))
        };
        let sections = SECTIONS.iter().filter(|(_, text)| speaks(text));
        sections.filter_map(|(_, text)| self.fill(text).ok()).collect()
    }

    /// Fills a text in.
    ///
    /// # Errors
    /// Everything that cannot be filled in.
    pub fn fill(&self, text: &str) -> Result<String, Vec<Unfilled>> {
        let (mut filled, mut wrong) = (String::with_capacity(text.len() * 2), Vec::new());
        let mut tables = BTreeMap::new();
        for (line, written) in (1..).zip(text.split_inclusive('\n')) {
            let mut rest = written;
            while let Some(at) = rest.find("{{") {
                filled.push_str(&rest[..at]);
                let inner = &rest[at + 2..];
                let Some(end) = inner.find("}}") else {
                    wrong.push(Unfilled { line, what: "`{{` is not closed by `}}` on its line".to_owned() });
                    rest = "";
                    break;
                };
                match self.value(inner[..end].trim(), &mut tables) {
                    Ok(value) => filled.push_str(&value),
                    Err(what) => wrong.push(Unfilled { line, what }),
                }
                rest = &inner[end + 2..];
            }
            filled.push_str(rest);
            if filled.len() > MOST_BYTES {
                let what = format!("filled in it has more than {MOST_BYTES} bytes");
                return Err(vec![Unfilled { line, what }]);
            }
            if wrong.len() >= MOST_WRONG {
                break;
            }
        }
        if wrong.is_empty() { Ok(filled) } else { Err(wrong) }
    }

    /// A value, or a table, by its name; tables that were written before are at hand.
    fn value(&self, name: &str, tables: &mut BTreeMap<String, String>) -> Result<String, String> {
        if let Some(table) = name.strip_prefix("table ").map(str::trim) {
            if let Some(written) = tables.get(table) {
                return Ok(written.clone());
            }
            let known = || format!("no table is called `{}`; there are {}", table.escape_debug(), TABLES.join(", "));
            let written = self.policy.table(table).map(|table| table.markdown()).ok_or_else(known)?;
            tables.insert(table.to_owned(), written.clone());
            return Ok(written);
        }
        if let Some(value) = self.values.get(name) {
            return Ok(escaped(value));
        }
        // What a section may say, and does not, is a dash; what none knows is a slip of the pen.
        let is_known =
            self.values.keys().any(|known| known.starts_with(name.rsplit_once('.').map_or(name, |(table, _)| table)));
        let is_optional = OPTIONAL.contains(&name);
        match is_optional && is_known {
            true => Ok("–".to_owned()),
            false => Err(format!("the policy says nothing that is called `{}`", name.escape_debug())),
        }
    }
}

/// Lists of which one is enough.
const ALTERNATIVES: &[&str] =
    &["exceptions.criteria", "exceptions.requested-by", "emergency.triggers", "review.triggers"];

/// Values that a section may leave out.
const OPTIONAL: &[&str] = &[
    "testing.forbids-data",
    "deployment.reboot.within",
    "deployment.notice.customers",
    "deployment.notice.business",
    "emergency.triggers",
    "emergency.skips",
    "review.triggers",
    "exceptions.criteria",
    "exceptions.needs",
    "exceptions.controls",
    "vendors.notify",
    "acknowledgement.remind",
    "acknowledgement.escalates-to",
];

fn role_title(policy: &Policy, id: &str) -> Option<String> {
    policy.promises.role(id).map(|role| role.title.clone())
}

fn class_title(policy: &Policy, id: &str) -> Option<String> {
    policy.classes.iter().find(|class| class.id == id).map(|class| class.title.clone())
}

/// A value in words; ids that have a title by it.
fn in_words(value: &Value, word: &str, title: impl Fn(&str) -> Option<String>) -> String {
    let one = |text: &str| title(text).unwrap_or_else(|| text.to_owned());
    match value {
        Value::String(text) => one(text),
        Value::Array(all) => {
            let words: Vec<String> =
                all.iter().map(|value| value.as_str().map_or_else(|| value.to_string(), &one)).collect();
            joined(&counted(&words), word)
        }
        Value::Boolean(value) => if *value { "yes" } else { "no" }.to_owned(),
        other => other.to_string(),
    }
}

impl Table {
    /// The table in Markdown (GFM); a line that says so where it has no rows.
    #[must_use]
    pub fn markdown(&self) -> String {
        if self.rows.is_empty() {
            return "*None.*".to_owned();
        }
        let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
        let heads: Vec<String> = self.head.iter().map(|head| (*head).to_owned()).collect();
        let mut text = line(&heads);
        text.push_str(&line(&vec!["---".to_owned(); heads.len()]));
        for row in &self.rows {
            text.push_str(&line(&row.iter().map(|cell| escaped(cell)).collect::<Vec<_>>()));
        }
        text.truncate(text.trim_end().len());
        text
    }
}

/// Text that Markdown takes for text, on one line.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' | '\r' | '\t' => out.push(' '),
            // Every sign of ASCII can be escaped (CommonMark 2.4); of those only the ones that may mean something are.
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '<' | '>' | '#' | '|' | '~' | '&' | '!' | '$' => {
                out.push('\\');
                out.push(character);
            }
            // An address that is not one of ours becomes no link.
            ':' | '@' => {
                out.push('\\');
                out.push(character);
            }
            _ => out.push(character),
        }
    }
    out
}

/// A section's headings stand below the document's own.
fn deeper(text: &str) -> String {
    let mut is_code = false;
    let line = |line: &str| {
        is_code ^= line.trim_start().starts_with("```");
        let is_heading = !is_code && line.starts_with('#');
        if is_heading { format!("#{line}") } else { line.to_owned() }
    };
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}
