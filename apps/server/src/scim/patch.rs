//! Changes to a part of a resource (RFC 7644, section 3.5.2).

use super::wrong;
use crate::problem::Answer;
use serde::Deserialize;
use serde_json::Value;

/// What is sent.
#[derive(Debug, Deserialize)]
pub(super) struct Patch {
    #[serde(rename = "Operations", alias = "operations")]
    pub(super) operations: Vec<Operation>,
}

/// One change.
#[derive(Debug, Deserialize)]
pub(super) struct Operation {
    op: String,
    path: Option<String>,
    #[serde(default)]
    value: Value,
}

/// What is done to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Act {
    Add,
    Remove,
    Replace,
}

/// More changes than this at once are refused.
const MOST_OPERATIONS: usize = 1000;

/// A path without its schema's name (RFC 7644, section 3.10).
fn bare(path: &str) -> String {
    const SCHEMAS: &str = "urn:ietf:params:scim:schemas:core:2.0:";
    let is_named = path.get(..SCHEMAS.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(SCHEMAS));
    let rest = path.get(SCHEMAS.len()..).filter(|_| is_named).and_then(|rest| rest.split_once(':'));
    rest.map_or_else(|| path.to_owned(), |(_, attribute)| attribute.to_owned())
}

impl Patch {
    /// The changes, each to one attribute: one that names none changes every attribute of its value.
    pub(super) fn changes(self) -> Answer<Vec<(Act, String, Value)>> {
        if self.operations.is_empty() || self.operations.len() > MOST_OPERATIONS {
            return Err(wrong("invalidSyntax", format!("there must be 1 to {MOST_OPERATIONS} operations")));
        }
        let mut changes = Vec::new();
        for operation in self.operations {
            let act = match operation.op.to_ascii_lowercase().as_str() {
                "add" => Act::Add,
                "remove" => Act::Remove,
                "replace" => Act::Replace,
                _ => return Err(wrong("invalidSyntax", "an operation is add, remove or replace")),
            };
            match (operation.path, operation.value) {
                (Some(path), value) => changes.push((act, bare(&path), value)),
                (None, Value::Object(all)) => {
                    changes.extend(all.into_iter().map(|(path, value)| (act, bare(&path), value)));
                }
                (None, _) => return Err(wrong("noTarget", "an operation without a path has an object as its value")),
            }
        }
        Ok(changes)
    }
}

/// The value of `members[value eq "…"]`, which names one of several; none where the path is another one.
///
/// # Errors
/// If it names one of several in a way that is not known: nothing is passed over that may take somebody's rights away.
pub(super) fn one_of(path: &str, attribute: &str) -> Answer<Option<String>> {
    let is_of = path.get(..attribute.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(attribute));
    let Some(inner) = path.get(attribute.len()..).map(str::trim).filter(|rest| is_of && rest.starts_with('[')) else {
        return Ok(None);
    };
    let not_known = || wrong("invalidFilter", "members are named as members[value eq \"…\"]");
    let inner = inner.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')).ok_or_else(not_known)?;
    let equals = super::filter::parse(Some(inner))?.filter(|equals| equals.attribute == "value");
    equals.map(|equals| Some(equals.value)).ok_or_else(not_known)
}
