//! Alpine's security database: `secfixes` per source package, repository and release.

use super::text::{begins_with_all, is_cve, text_of};
use super::{Document, Feed, Reading, Revision};
use crate::model::{Advisory, Affected, FixState, Record, Subject};
use serde::Deserialize;
use std::collections::BTreeMap;

/// The feed's entry in the list.
pub(super) const FEED: Feed = Feed {
    id: "alpine",
    title: "Alpine security database",
    addresses: &[
        "https://secdb.alpinelinux.org/v3.20/main.json",
        "https://secdb.alpinelinux.org/v3.20/community.json",
        "https://secdb.alpinelinux.org/v3.21/main.json",
        "https://secdb.alpinelinux.org/v3.21/community.json",
        "https://secdb.alpinelinux.org/v3.22/main.json",
        "https://secdb.alpinelinux.org/v3.22/community.json",
        "https://secdb.alpinelinux.org/v3.23/main.json",
        "https://secdb.alpinelinux.org/v3.23/community.json",
    ],
    stale_after_days: 14,
    by_line: false,
    revision: Revision::Whole(whole),
    detect: |document| begins_with_all(document, &["distroversion", "reponame", "packages"]),
    read,
};

#[derive(Deserialize)]
struct Database {
    distroversion: String,
    #[serde(default)]
    reponame: String,
    packages: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    pkg: Package,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    #[serde(default)]
    secfixes: Option<BTreeMap<String, Option<Vec<String>>>>,
}

/// `v3.20/main`: release and repository.
fn whole(document: &Document<'_>) -> Option<String> {
    let release = text_of(document, "distroversion")?;
    Some(format!("{release}/{}", text_of(document, "reponame")?))
}

fn read(document: &Document<'_>, out: &mut Reading<'_>) {
    let database: Database = match serde_json::from_slice(document.bytes) {
        Ok(database) => database,
        Err(error) => return out.problem(document.name, error),
    };
    let ecosystem = match database.distroversion.as_str() {
        "edge" => "Alpine:edge".to_owned(),
        version => format!("Alpine:{version}"),
    };
    for Entry { pkg } in database.packages {
        for (version, ids) in pkg.secfixes.iter().flatten() {
            for text in ids.iter().flatten() {
                translate(&ecosystem, &database.reponame, (&pkg.name, version), text, out);
            }
        }
    }
}

/// `text` may name several ids: `CVE-2017-2616 (+ regression fix)`, `CVE-2019-14697 GHSA-x`.
fn translate(ecosystem: &str, repository: &str, (name, version): (&str, &str), text: &str, out: &mut Reading<'_>) {
    let ids: Vec<&str> =
        text.split([' ', ',']).filter(|id| is_cve(id) || id.starts_with("GHSA-") || id.starts_with("XSA-")).collect();
    let Some((first, others)) = ids.split_first() else {
        return out.problem(format!("{ecosystem} {repository} {name}"), format!("no vulnerability id in `{text}`"));
    };
    // Version 0 means that no version of Alpine's package was ever affected.
    let affected = match version {
        "0" => Affected::with_state(ecosystem, name, Subject::Source, FixState::NotAffected),
        version => Affected::fixed_in(ecosystem, name, Subject::Source, version.split(' ').next().unwrap_or(version)),
    };
    out.record(Record::Advisory(Box::new(Advisory {
        id: format!("ALPINE-{first}-{}-{name}-{version}", ecosystem.trim_start_matches("Alpine:")),
        aliases: std::iter::once(first).chain(others).map(|id| (*id).to_owned()).collect(),
        url: Some(format!("https://security.alpinelinux.org/vuln/{first}")),
        affected: vec![affected],
        ..Advisory::default()
    })));
}
