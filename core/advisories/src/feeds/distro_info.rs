//! Release dates of Debian and Ubuntu, in the form of the package distro-info-data.

use super::text::{begins_with_all, date, file_name};
use super::{Document, Feed, Reading, Revision};
use crate::model::{Record, Release};

/// The feed's entry in the list.
pub(super) const FEED: Feed = Feed {
    id: "distro_info",
    title: "Support dates of Debian and Ubuntu releases",
    addresses: &[
        "https://salsa.debian.org/debian/distro-info-data/-/raw/main/debian.csv",
        "https://salsa.debian.org/debian/distro-info-data/-/raw/main/ubuntu.csv",
    ],
    stale_after_days: 365,
    by_line: false,
    revision: Revision::Whole(|document| Some(family(document).to_owned())),
    detect: |document| begins_with_all(document, &["version,codename,series"]),
    read,
};

/// The distribution whose releases it lists: by its name, or by a column that only Ubuntu's table has.
fn family(document: &Document<'_>) -> &'static str {
    let is_ubuntu = file_name(document).contains("ubuntu") || begins_with_all(document, &["eol-server"]);
    if is_ubuntu { "Ubuntu" } else { "Debian" }
}

fn read(document: &Document<'_>, out: &mut Reading<'_>) {
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(document.bytes);
    let headers = match reader.headers() {
        Ok(headers) => headers.clone(),
        Err(error) => return out.problem(document.name, error),
    };
    let family = family(document);
    for (at, row) in reader.records().enumerate() {
        let row = match row {
            Ok(row) => row,
            Err(error) => {
                out.problem(format!("{} row {}", document.name, at + 2), error);
                continue;
            }
        };
        let cell = |name: &str| {
            headers.iter().position(|header| header == name).and_then(|at| row.get(at)).unwrap_or_default()
        };
        let (version, mark) = cell("version").split_once(' ').unwrap_or((cell("version"), ""));
        // Unreleased branches (sid) have no version and no end.
        if version.is_empty() {
            continue;
        }
        let latest = |names: &[&str]| names.iter().filter_map(|name| date(cell(name))).max();
        let release = match family {
            "Debian" => version.split('.').next().unwrap_or(version).to_owned(),
            // OSV's name for it bears the mark too.
            _ if mark == "LTS" => format!("{version}:LTS"),
            _ => version.to_owned(),
        };
        out.record(Record::Release(Release {
            ecosystem: format!("{family}:{release}"),
            codename: cell("series").to_owned(),
            end_of_support: date(cell("eol")),
            end_of_long_support: latest(&["eol-lts", "eol-server", "eol"]),
            end_of_extended_support: latest(&["eol-elts", "eol-esm", "eol-legacy"]),
        }));
    }
}

/// The releases in a table of this kind; `id` is the distribution's.
#[must_use]
pub(crate) fn releases(id: &str, bytes: &[u8]) -> Vec<Release> {
    let mut found = Vec::new();
    let mut take = |record: Record| {
        if let Record::Release(release) = record {
            found.push(release);
        }
    };
    read(&Document { name: &format!("{id}.csv"), bytes }, &mut Reading::new(&mut take));
    found
}
