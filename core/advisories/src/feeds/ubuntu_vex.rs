//! Ubuntu's statements in OpenVEX form: one document a CVE, products as package URLs of source and binary packages.

use super::text::{begins_with_all, decoded, instant, is_cve, summary};
use super::{Document, Feed, Reading, Revision};
use crate::model::{Advisory, Affected, FixState, Record, Subject};
use serde_json::Value;

/// The feed's entry in the list.
pub(super) const FEED: Feed = Feed {
    id: "ubuntu_vex",
    title: "Ubuntu security statements (OpenVEX)",
    addresses: &["https://security-metadata.canonical.com/vex/vex-all.tar.xz"],
    stale_after_days: 7,
    by_line: false,
    revision: Revision::ByRecord,
    detect: |document| {
        begins_with_all(document, &["openvex", "Canonical"]) || begins_with_all(document, &["openvex", "canonical"])
    },
    read,
};

fn read(document: &Document<'_>, out: &mut Reading<'_>) {
    let value: Value = match serde_json::from_slice(document.bytes) {
        Ok(value) => value,
        Err(error) => return out.problem(document.name, error),
    };
    let mut by_cve: std::collections::BTreeMap<String, Advisory> = std::collections::BTreeMap::new();
    for statement in value["statements"].as_array().into_iter().flatten() {
        let name =
            statement["vulnerability"]["name"].as_str().or(statement["vulnerability"].as_str()).unwrap_or_default();
        if !is_cve(name) {
            out.problem(document.name, format!("a statement about `{name}`, which is no CVE"));
            continue;
        }
        let advisory = by_cve.entry(name.to_owned()).or_insert_with(|| Advisory {
            id: format!("UBUNTU-VEX-{name}"),
            aliases: vec![name.to_owned()],
            summary: summary(statement["vulnerability"]["description"].as_str().unwrap_or_default()),
            modified: value["timestamp"].as_str().and_then(instant),
            url: Some(format!("https://ubuntu.com/security/{name}")),
            ..Advisory::default()
        });
        let status = statement["status"].as_str().unwrap_or_default();
        for product in statement["products"].as_array().into_iter().flatten() {
            let purl = product["@id"].as_str().or(product["identifiers"]["purl"].as_str()).or(product.as_str());
            match purl.and_then(|purl| translate(purl, status)) {
                Some(affected) if !advisory.affected.contains(&affected) => advisory.affected.push(affected),
                Some(_) => {}
                None => out.problem(
                    format!("{}: {name}", document.name),
                    format!("unreadable product `{}`", purl.unwrap_or_default()),
                ),
            }
        }
    }
    by_cve.into_values().for_each(|advisory| out.record(Record::Advisory(Box::new(advisory))));
}

/// `pkg:deb/ubuntu/curl@7.81.0-1ubuntu1?arch=source&distro=jammy`.
fn translate(purl: &str, status: &str) -> Option<Affected> {
    let (path, qualifiers) = purl.split_once('?').unwrap_or((purl, ""));
    let (path, version) = path.split_once('@').unwrap_or((path, ""));
    let name = decoded(path.strip_prefix("pkg:deb/ubuntu/")?);
    let qualifier = |key: &str| qualifiers.split('&').find_map(|pair| pair.strip_prefix(key)?.strip_prefix('='));
    let ecosystem = crate::lifecycle::ubuntu_release(qualifier("distro")?)?;
    let subject = if qualifier("arch") == Some("source") { Subject::Source } else { Subject::Binary };
    let (name, version) = (name.as_ref(), decoded(version));
    Some(match status {
        "fixed" if !version.is_empty() => Affected::fixed_in(&ecosystem, name, subject, &version),
        "not_affected" => Affected::with_state(&ecosystem, name, subject, FixState::NotAffected),
        "affected" => Affected::with_state(&ecosystem, name, subject, FixState::NotFixedYet),
        _ => Affected::with_state(&ecosystem, name, subject, FixState::Undetermined),
    })
}
