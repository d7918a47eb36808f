//! OpenVEX 0.2 (<https://github.com/openvex/spec>).

use super::{Justification, Statement, Statements, Status};
use crate::feeds::text::instant;
use crate::model::Problem;
use serde_json::Value;

pub(super) fn read(name: &str, document: &Value) -> Statements {
    let mut found = Statements::default();
    for (at, entry) in document["statements"].as_array().into_iter().flatten().enumerate() {
        let place = format!("{name} statement {}", at + 1);
        let status = match entry["status"].as_str() {
            Some("affected") => Status::Affected,
            Some("not_affected") => Status::NotAffected,
            Some("fixed") => Status::Fixed,
            Some("under_investigation") => Status::UnderInvestigation,
            other => {
                found
                    .problems
                    .push(Problem::bad_record(place, format!("unknown status `{}`", other.unwrap_or_default())));
                continue;
            }
        };
        let vulnerability = entry["vulnerability"]["name"]
            .as_str()
            .or(entry["vulnerability"].as_str())
            .or(entry["vulnerability"]["@id"].as_str());
        let Some(vulnerability) = vulnerability else {
            found.problems.push(Problem::bad_record(place, "no vulnerability is named"));
            continue;
        };
        // Subcomponents narrow the statement to what is inside their product.
        let mut named: Vec<(Option<String>, Vec<String>)> = vec![(None, Vec::new())];
        for product in entry["products"].as_array().into_iter().flatten() {
            match product["subcomponents"].as_array().filter(|list| !list.is_empty()) {
                Some(list) => named.push((identifier(product), list.iter().filter_map(identifier).collect())),
                None => named[0].1.extend(identifier(product)),
            }
        }
        named.retain(|(_, products)| !products.is_empty());
        if named.is_empty() {
            found.problems.push(Problem::bad_record(place, "no product is named, so nothing can be matched"));
            continue;
        }
        let words = [&entry["justification"], &entry["impact_statement"], &entry["status_notes"]];
        let reason = words.iter().filter_map(|word| word.as_str()).collect::<Vec<_>>().join("; ");
        found.statements.extend(named.into_iter().map(|(within, products)| Statement {
            vulnerability: vulnerability.to_owned(),
            products,
            within,
            status,
            justification: entry["justification"].as_str().and_then(Justification::parse),
            reason: reason.clone(),
            by: name.to_owned(),
            at: entry["timestamp"].as_str().or(document["timestamp"].as_str()).and_then(instant),
            until: None,
        }));
    }
    found
}

fn identifier(product: &Value) -> Option<String> {
    let purl = product["identifiers"]["purl"].as_str();
    purl.or(product["@id"].as_str()).or(product.as_str()).map(str::to_owned)
}
