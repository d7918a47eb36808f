//! VEX in CSAF 2.0 form: product ids resolved to package URLs through the product tree.

use super::{Justification, Statement, Statements, Status};
use crate::feeds::text::instant;
use crate::model::Problem;
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};

pub(super) fn read(name: &str, document: &Value) -> Statements {
    let mut found = Statements::default();
    let tree = &document["product_tree"];
    let (products, groups) = (products(tree), groups(tree));
    let at = document["document"]["tracking"]["current_release_date"].as_str().and_then(instant);
    for (number, entry) in list(&document["vulnerabilities"]).enumerate() {
        let Some(vulnerability) = entry["cve"].as_str().or(entry["ids"][0]["text"].as_str()) else {
            let place = format!("{name} vulnerability {}", number + 1);
            found.problems.push(Problem::bad_record(place, "it has no id, so nothing can be matched"));
            continue;
        };
        for (status, ids) in entry["product_status"].as_object().into_iter().flatten() {
            let status = match status.as_str() {
                "known_not_affected" => Status::NotAffected,
                "fixed" | "first_fixed" => Status::Fixed,
                "under_investigation" => Status::UnderInvestigation,
                // What is recommended instead is no word on what is here.
                "recommended" => continue,
                _ => Status::Affected,
            };
            // Flags and threats are said of some products: those of which the same is said are one statement.
            let mut by_words: BTreeMap<String, (Option<Justification>, Vec<String>)> = BTreeMap::new();
            for id in list(ids).filter_map(Value::as_str) {
                let (justification, reason) = words_on(entry, id, &groups);
                let product = products.get(id).cloned().unwrap_or_else(|| id.to_owned());
                by_words.entry(reason).or_insert_with(|| (justification, Vec::new())).1.push(product);
            }
            found.statements.extend(by_words.into_iter().map(|(reason, (justification, products))| Statement {
                vulnerability: vulnerability.to_owned(),
                products,
                within: None,
                status,
                justification,
                reason,
                by: name.to_owned(),
                at,
                until: None,
            }));
        }
    }
    found
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// Group id → its products (CSAF 2.0, section 3.2.2.4).
fn groups(tree: &Value) -> HashMap<&str, Vec<&str>> {
    let groups = list(&tree["product_groups"]).filter_map(|group| Some((group["group_id"].as_str()?, group)));
    groups.map(|(id, group)| (id, list(&group["product_ids"]).filter_map(Value::as_str).collect())).collect()
}

/// What the flags and threats of a vulnerability say about a product; those that name none speak of all.
fn words_on(entry: &Value, id: &str, groups: &HashMap<&str, Vec<&str>>) -> (Option<Justification>, String) {
    let is_of = |word: &&Value| {
        let (own, grouped) = (&word["product_ids"], &word["group_ids"]);
        let in_group = |group: &str| groups.get(group).is_some_and(|products| products.contains(&id));
        (own.is_null() && grouped.is_null())
            || list(own).any(|own| own == id)
            || list(grouped).filter_map(Value::as_str).any(in_group)
    };
    let words = list(&entry["flags"]).chain(list(&entry["threats"])).filter(is_of);
    let words: Vec<&str> = words.filter_map(|word| word["label"].as_str().or(word["details"].as_str())).collect();
    (words.iter().find_map(|word| Justification::parse(word)), words.join("; "))
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
