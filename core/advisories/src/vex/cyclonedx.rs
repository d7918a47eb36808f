//! VEX in CycloneDX form: `vulnerabilities[].analysis`, with products by reference into the document.

use super::{Justification, Statement, Statements, Status};
use crate::feeds::text::instant;
use crate::model::Problem;
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
    for (number, entry) in document["vulnerabilities"].as_array().into_iter().flatten().enumerate() {
        let Some(vulnerability) = entry["id"].as_str() else {
            let place = format!("{name} vulnerability {}", number + 1);
            found.problems.push(Problem::bad_record(place, "it has no id, so nothing can be matched"));
            continue;
        };
        let analysis = &entry["analysis"];
        let status = match analysis["state"].as_str() {
            Some("not_affected" | "false_positive") => Status::NotAffected,
            Some("resolved" | "resolved_with_pedigree") => Status::Fixed,
            Some("exploitable") => Status::Affected,
            Some(_) => Status::UnderInvestigation,
            // A vulnerability without an analysis is a finding, not a statement.
            None => continue,
        };
        let serial = document["serialNumber"].as_str().unwrap_or_default().trim_start_matches("urn:uuid:");
        let mut products: Vec<String> = Vec::new();
        for affected in entry["affects"].as_array().into_iter().flatten() {
            let Some(reference) = affected["ref"].as_str() else { continue };
            // `urn:cdx:serial/version#bom-ref` points into this document, or into another by its package URL as a rule.
            let (document_of, inner) = reference.split_once('#').unwrap_or(("", reference));
            let is_here = document_of.is_empty() || (!serial.is_empty() && document_of.contains(serial));
            let resolved = purls.get(reference).or_else(|| purls.get(inner).filter(|_| is_here));
            let url = resolved.map_or(inner, |purl| *purl);
            match affected["versions"].as_array() {
                None => products.push(url.to_owned()),
                Some(versions) => {
                    products.extend(versions.iter().filter_map(|version| of_version(url, version, status)))
                }
            }
        }
        let words = [&analysis["justification"], &analysis["detail"]];
        found.statements.push(Statement {
            vulnerability: vulnerability.to_owned(),
            products,
            within: None,
            status,
            justification: analysis["justification"].as_str().and_then(Justification::parse),
            reason: words.iter().filter_map(|word| word.as_str()).collect::<Vec<_>>().join("; "),
            by: name.to_owned(),
            at: analysis["lastUpdated"].as_str().or(document["metadata"]["timestamp"].as_str()).and_then(instant),
            until: None,
        });
    }
    found
}

/// The product in one of the versions that an entry names; none where it says the opposite of the analysis, or a range.
fn of_version(url: &str, version: &Value, status: Status) -> Option<String> {
    let is_affected = version["status"].as_str().unwrap_or("affected") == "affected";
    let says_affected = matches!(status, Status::Affected | Status::UnderInvestigation);
    let version = version["version"].as_str().filter(|_| is_affected == says_affected)?;
    let (head, tail) = url.find(['?', '#']).map_or((url, ""), |at| url.split_at(at));
    let name = head.rfind('@').filter(|at| *at > head.rfind('/').unwrap_or(0) + 1).map_or(head, |at| &head[..at]);
    Some(format!("{name}@{version}{tail}"))
}
