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
                (Some(path), value) => changes.push((act, path, value)),
                (None, Value::Object(all)) => changes.extend(all.into_iter().map(|(path, value)| (act, path, value))),
                (None, _) => return Err(wrong("noTarget", "an operation without a path has an object as its value")),
            }
        }
        Ok(changes)
    }
}

/// The value of `members[value eq "…"]`, which names one of several.
pub(super) fn one_of(path: &str, attribute: &str) -> Option<String> {
    let inner = path.strip_prefix(attribute)?.trim().strip_prefix('[')?.strip_suffix(']')?;
    let equals = super::filter::parse(Some(inner)).ok()??;
    (equals.attribute == "value").then_some(equals.value)
}
