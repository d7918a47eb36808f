//! Support dates as endoflife.date publishes them (API v1, `products/full`).

use super::text::{begins_with_all, date};
use super::{Document, Feed, Reading, Revision};
use crate::model::{Record, Release};
use serde::Deserialize;

/// The feed's entry in the list.
pub(super) const FEED: Feed = Feed {
    id: "endoflife",
    title: "endoflife.date: support dates of other releases",
    addresses: &["https://endoflife.date/api/v1/products/full"],
    stale_after_days: 60,
    by_line: false,
    revision: Revision::Whole(|_| Some("products".to_owned())),
    detect: |document| begins_with_all(document, &["\"schema_version\"", "\"generated_at\"", "\"result\""]),
    read,
};

#[derive(Deserialize)]
struct Answer {
    result: Vec<Product>,
}

#[derive(Deserialize)]
struct Product {
    name: String,
    releases: Vec<Cycle>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Cycle {
    name: String,
    #[serde(default)]
    codename: Option<String>,
    #[serde(default)]
    eoas_from: Option<String>,
    #[serde(default)]
    eol_from: Option<String>,
    #[serde(default)]
    eoes_from: Option<String>,
}

/// Products that are distributions, with OSV's name for them.
const DISTRIBUTIONS: &[(&str, &str)] = &[
    ("almalinux", "AlmaLinux"),
    ("alpine", "Alpine"),
    ("alpine-linux", "Alpine"),
    ("amazon-linux", "Amazon Linux"),
    ("centos", "CentOS"),
    ("debian", "Debian"),
    ("fedora", "Fedora"),
    ("opensuse", "openSUSE"),
    ("oracle-linux", "Oracle Linux"),
    ("rhel", "Red Hat"),
    ("rocky-linux", "Rocky Linux"),
    ("sles", "SUSE"),
    ("ubuntu", "Ubuntu"),
];

fn read(document: &Document<'_>, out: &mut Reading<'_>) {
    let answer: Answer = match serde_json::from_slice(document.bytes) {
        Ok(answer) => answer,
        Err(error) => return out.problem(document.name, error),
    };
    for product in answer.result {
        let Some((_, family)) = DISTRIBUTIONS.iter().find(|(name, _)| *name == product.name) else { continue };
        for cycle in product.releases {
            let version =
                if *family == "Alpine" { format!("v{}", cycle.name.trim_start_matches('v')) } else { cycle.name };
            let end = |day: Option<String>| day.as_deref().and_then(date);
            let end_of_life = end(cycle.eol_from);
            out.record(Record::Release(Release {
                ecosystem: format!("{family}:{version}"),
                codename: cycle.codename.unwrap_or_default(),
                end_of_support: end(cycle.eoas_from).or(end_of_life),
                end_of_long_support: end_of_life,
                end_of_extended_support: end(cycle.eoes_from),
            }));
        }
    }
}
