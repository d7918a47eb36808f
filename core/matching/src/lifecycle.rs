//! Releases and packages that are out of support: findings of their own, for they will show no others.

use advisories::index::Meta;
use advisories::lifecycle::{built_in, in_table};
use inventory::{Inventory, Package, PackageType};
use jiff::Timestamp;

/// Something out of support.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndOfLife {
    /// The release or package.
    pub subject: String,
    /// When its support ended.
    pub ended: Timestamp,
    /// Details, in words.
    pub remark: String,
    /// Places in the inventory of the packages it is about; empty for a release.
    pub packages: Vec<usize>,
}

/// Releases that never end.
const ROLLING: &[&str] = &["Alpine:edge", "Chainguard", "Debian:unstable", "openSUSE:Tumbleweed", "Wolfi"];

/// Finds what is out of support at `now`. The second value says why a release's support is not known, if it is not.
#[must_use]
pub fn end_of_life(inventory: &Inventory, meta: Option<&Meta>, now: Timestamp) -> (Vec<EndOfLife>, Option<String>) {
    let mut found = Vec::new();
    let Some(os) = &inventory.os else { return (found, None) };
    let Some(ecosystem) = os.ecosystem() else {
        return (found, Some(format!("whether `{}` is still supported is not known", os.name)));
    };
    match end_of_release(&ecosystem, inventory.release_table.as_deref(), meta, now) {
        Ok(None) if ROLLING.contains(&ecosystem.as_str()) => return (found, None),
        Ok(ended) => found.extend(ended),
        Err(why) => return (found, Some(why)),
    }
    found.extend(end_of_packages(&inventory.packages, &ecosystem, meta, now));
    (found, None)
}

/// Whether a release is out of support at `now`; `table` is the system's own table of releases, where there is one.
///
/// # Errors
/// If its support is not known, in words.
pub fn end_of_release(
    ecosystem: &str,
    table: Option<&[u8]>,
    meta: Option<&Meta>,
    now: Timestamp,
) -> Result<Option<EndOfLife>, String> {
    if ROLLING.contains(&ecosystem) {
        return Ok(None);
    }
    let of_host = || in_table(ecosystem, table?);
    let release = meta.and_then(|meta| meta.release(ecosystem)).or_else(|| built_in(ecosystem)).or_else(of_host);
    let Some(release) = release else {
        return Err(format!("whether {ecosystem} is still supported is not known (feed endoflife)"));
    };
    let last = release.end_of_long_support.or(release.end_of_support);
    Ok(last.filter(|end| *end < now).map(|ended| {
        let remark = match release.end_of_extended_support.filter(|end| *end > now) {
            Some(until) => format!("extended support can be bought until {}", until.strftime("%F")),
            None => "no support is offered any more".to_owned(),
        };
        EndOfLife { subject: ecosystem.to_owned(), ended, remark, packages: Vec::new() }
    }))
}

/// Packages of a release that are out of support before the release itself.
#[must_use]
pub fn end_of_packages(packages: &[Package], ecosystem: &str, meta: Option<&Meta>, now: Timestamp) -> Vec<EndOfLife> {
    let mut found = Vec::new();
    for note in meta.into_iter().flat_map(|meta| meta.notes(ecosystem)) {
        let Some(ended) = note.ended.filter(|ended| *ended < now) else { continue };
        let meant = packages.iter().enumerate().filter(|(_, package)| is_meant(&note.package, package));
        let meant: Vec<usize> = meant.map(|(at, _)| at).collect();
        if !meant.is_empty() {
            found.push(EndOfLife { subject: note.package, ended, remark: note.reason, packages: meant });
        }
    }
    found
}

fn is_meant(pattern: &str, package: &Package) -> bool {
    let source = package.source.as_ref().map_or(package.name.as_str(), |source| source.name.as_str());
    // `php-horde*`, and `php-horde.*` in newer lists.
    let fits = match pattern.strip_suffix(".*").or_else(|| pattern.strip_suffix('*')) {
        Some(prefix) => source.starts_with(prefix),
        None => source == pattern,
    };
    fits && package.kind == PackageType::Deb
}
