//! VEX in CycloneDX form: `vulnerabilities[].analysis`, with products by reference into the document.

use super::{Statement, Statements, Status};
use crate::feeds::text::instant;
use serde_json::Value;
use std::collections::HashMap;

pub(super) fn read(name: &str, document: &Value) -> Statements {
    let mut found = Statements::default();
    let mut purls: HashMap<&str, &str> = HashMap::new();
    let mut waiting: Vec<&Value> = document["components"].as_array().into_iter().flatten().collect();
    waiting.push(&document["metadata"]["component"]);
    while let Some(component) = waiting.pop() {
        waiting.extend(component["components"].as_array().into_iter().flatten());
        if let (Some(reference), Some(purl)) = (component["bom-ref"].as_str(), component["purl"].as_str()) {
            purls.insert(reference, purl);
        }
    }
    for entry in document["vulnerabilities"].as_array().into_iter().flatten() {
        let Some(vulnerability) = entry["id"].as_str() else { continue };
        let analysis = &entry["analysis"];
        let status = match analysis["state"].as_str() {
            Some("not_affected" | "false_positive") => Status::NotAffected,
            Some("resolved" | "resolved_with_pedigree") => Status::Fixed,
            Some("exploitable") => Status::Affected,
            Some(_) => Status::UnderInvestigation,
            // A vulnerability without an analysis is a finding, not a statement.
            None => continue,
        };
        let references =
            entry["affects"].as_array().into_iter().flatten().filter_map(|affected| affected["ref"].as_str());
        let products: Vec<String> = references
            .map(|reference| {
                // `urn:cdx:serial/version#bom-ref` points into another document by its package URL as a rule.
                let own = reference.split_once('#').map_or(reference, |(_, inner)| inner);
                purls
                    .get(reference)
                    .or_else(|| purls.get(own))
                    .map_or_else(|| own.to_owned(), |purl| (*purl).to_owned())
            })
            .collect();
        let words = [&analysis["justification"], &analysis["detail"]];
        found.statements.push(Statement {
            vulnerability: vulnerability.to_owned(),
            products,
            status,
            reason: words.iter().filter_map(|word| word.as_str()).collect::<Vec<_>>().join("; "),
            by: name.to_owned(),
            at: analysis["lastUpdated"].as_str().or(document["metadata"]["timestamp"].as_str()).and_then(instant),
            until: None,
        });
    }
    found
}
