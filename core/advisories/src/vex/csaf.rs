//! VEX in CSAF 2.0 form: product ids resolved to package URLs through the product tree.

use super::{Statement, Statements, Status};
use crate::feeds::text::instant;
use serde_json::Value;
use std::collections::HashMap;

pub(super) fn read(name: &str, document: &Value) -> Statements {
    let mut found = Statements::default();
    let products = products(&document["product_tree"]);
    let at = document["document"]["tracking"]["current_release_date"].as_str().and_then(instant);
    for entry in document["vulnerabilities"].as_array().into_iter().flatten() {
        let Some(vulnerability) = entry["cve"].as_str().or(entry["ids"][0]["text"].as_str()) else { continue };
        for (status, ids) in entry["product_status"].as_object().into_iter().flatten() {
            let status = match status.as_str() {
                "known_not_affected" => Status::NotAffected,
                "fixed" | "first_fixed" => Status::Fixed,
                "under_investigation" => Status::UnderInvestigation,
                _ => Status::Affected,
            };
            let ids: Vec<&str> = ids.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            let named: Vec<String> =
                ids.iter().map(|id| products.get(*id).cloned().unwrap_or_else(|| (*id).to_owned())).collect();
            let words = ["flags", "threats"].iter().flat_map(|key| entry[*key].as_array().into_iter().flatten());
            let words = words.filter_map(|word| word["label"].as_str().or(word["details"].as_str()));
            found.statements.push(Statement {
                vulnerability: vulnerability.to_owned(),
                products: named,
                within: None,
                status,
                reason: words.collect::<Vec<_>>().join("; "),
                by: name.to_owned(),
                at,
                until: None,
            });
        }
    }
    found
}

/// The URL with a qualifier that names the platform, so that it fits no package of an unknown one.
fn bound_to(purl: &str, platform: &str) -> String {
    let (head, subpath) = purl.split_once('#').map_or((purl, String::new()), |(head, rest)| (head, format!("#{rest}")));
    let separator = if head.contains('?') { '&' } else { '?' };
    format!("{head}{separator}platform={}{subpath}", platform.replace(['&', '#', '?'], "-"))
}

/// Product id → package URL, also through relationships.
fn products(tree: &Value) -> HashMap<String, String> {
    let mut found = HashMap::new();
    let mut waiting: Vec<&Value> = tree["branches"].as_array().into_iter().flatten().collect();
    let mut add = |product: &Value| {
        let purl = product["product_identification_helper"]["purl"].as_str();
        if let (Some(id), Some(purl)) = (product["product_id"].as_str(), purl) {
            found.insert(id.to_owned(), purl.to_owned());
        }
    };
    tree["full_product_names"].as_array().into_iter().flatten().for_each(&mut add);
    while let Some(branch) = waiting.pop() {
        waiting.extend(branch["branches"].as_array().into_iter().flatten());
        add(&branch["product"]);
    }
    for relation in tree["relationships"].as_array().into_iter().flatten() {
        let part = relation["product_reference"].as_str().and_then(|id| found.get(id)).cloned();
        if let (Some(purl), Some(id)) = (part, relation["full_product_name"]["product_id"].as_str()) {
            // A component of a platform: what is said holds there, which a URL without the release does not show.
            let within = relation["relates_to_product_reference"].as_str().unwrap_or_default();
            let bound = if purl.contains("distro=") { purl } else { bound_to(&purl, within) };
            found.insert(id.to_owned(), bound);
        }
    }
    found
}
