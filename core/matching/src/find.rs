//! The walk over an inventory's packages.

use crate::foreign::{cannot_judge, has_no_source};
use crate::statements::{self, Finding, Judged, Key};
use crate::{Match, Undetermined, Verdict, restart};
use advisories::Family;
use advisories::index::Index;
use foldhash::fast::RandomState;
use inventory::{Inventory, Package, PackageType};
use rayon::prelude::*;
use std::collections::HashMap;
use std::collections::hash_map::Entry;

/// Why matching could not be done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The index could not be read.
    #[error("failed to read the index for package `{package}`")]
    Index {
        /// The package that was looked up.
        package: String,
        /// The cause.
        #[source]
        source: advisories::Error,
    },
}

/// What matching an inventory gives.
#[derive(Debug, Clone, Default)]
pub struct Matching {
    /// The matches, in the order of vulnerability and package.
    pub matches: Vec<Match>,
    /// Packages about which nothing can be said.
    pub undetermined: Vec<Undetermined>,
    /// How many packages were compared with data that covers them.
    pub judged: usize,
}

/// Finds all known vulnerabilities of an inventory, on all cores.
///
/// # Errors
/// If the index is damaged.
pub fn find(inventory: &Inventory, index: &Index<'_>) -> Result<Matching, Error> {
    let parts: Vec<(usize, &[Package])> =
        inventory.packages.chunks(PART).enumerate().map(|(number, part)| (number * PART, part)).collect();
    let parts: Vec<Matching> = match parts.as_slice() {
        [(start, part)] => vec![find_part(part, *start, index)?],
        // More than one part is worth a second core.
        parts => parts.par_iter().map(|(start, part)| find_part(part, *start, index)).collect::<Result<_, _>>()?,
    };
    let mut matching = Matching::default();
    for mut part in parts {
        matching.matches.append(&mut part.matches);
        matching.undetermined.append(&mut part.undetermined);
        matching.judged += part.judged;
    }
    matching.matches.sort_by_key(|found| (found.vulnerability, found.package));
    matching.matches.dedup_by(|second, first| is_same_found_twice(first, second));
    reject(&mut matching.matches, index)?;
    restart::mark(&mut matching.matches, inventory);
    Ok(matching)
}

/// How many packages are judged in one go.
const PART: usize = 2048;

/// Ecosystem and builder: what decides whose data speaks of a package.
type Maker<'a> = (&'a str, Option<Builder>);

/// Who builds packages for a release beside its own makers, with security data of their own.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Builder {
    /// Fedora, for enterprise releases.
    Epel,
    /// Ubuntu Pro, for what the release itself no longer mends.
    UbuntuPro,
}

fn maker_of(package: &Package) -> Maker<'_> {
    (&package.ecosystem, builder_of(package))
}

fn builder_of(package: &Package) -> Option<Builder> {
    if package.kind == PackageType::Rpm && package.vendor.as_deref() == Some(FEDORA) {
        return Some(Builder::Epel);
    }
    // `2.4.52-1ubuntu4.9+esm1`, `1.2-1ubuntu0.1~esm2`
    let is_pro = package.kind == PackageType::Deb && ["+esm", "~esm"].iter().any(|mark| package.version.contains(mark));
    (is_pro && package.ecosystem.starts_with("Ubuntu:")).then_some(Builder::UbuntuPro)
}

/// What holds for all packages of a maker.
struct Made {
    /// The family of their ecosystem, if it is known.
    family: Option<&'static Family>,
    /// Whose data speaks of them.
    covers: Vec<Cover>,
}

/// An ecosystem whose data speaks of a package, if the index has any.
pub(crate) struct Cover {
    pub(crate) ecosystem: String,
    pub(crate) family: &'static Family,
}

/// The ecosystems that speak of a package and that the index knows.
pub(crate) fn covers_of(package: &Package, index: &Index<'_>) -> Result<Vec<Cover>, advisories::Error> {
    let mut covers = Vec::new();
    for ecosystem in ecosystems_of(package, index)? {
        let Some(family) = Family::of(&ecosystem) else { continue };
        if index.knows_ecosystem(&ecosystem)? || index.knows_ecosystem(family.name)? {
            covers.push(Cover { ecosystem, family });
        }
    }
    Ok(covers)
}

/// All makers of some packages.
fn makers_of<'a>(packages: &'a [Package], index: &Index<'_>) -> Result<HashMap<Maker<'a>, Made, RandomState>, Error> {
    let mut makers = HashMap::with_hasher(RandomState::default());
    for package in packages {
        if let Entry::Vacant(place) = makers.entry(maker_of(package)) {
            let wrap = |source| Error::Index { package: package.name.to_string(), source };
            place.insert(Made {
                family: Family::of(&package.ecosystem),
                covers: covers_of(package, index).map_err(wrap)?,
            });
        }
    }
    Ok(makers)
}

/// Judges a part of the inventory that begins at `start`.
fn find_part(packages: &[Package], start: usize, index: &Index<'_>) -> Result<Matching, Error> {
    let mut matching = Matching::default();
    let makers = makers_of(packages, index)?;
    let mut known = Known::default();
    for (at, package) in (start..).zip(packages) {
        let wrap = |source| Error::Index { package: package.name.to_string(), source };
        let made = makers.get(&maker_of(package));
        let covers = made.map(|made| made.covers.as_slice()).unwrap_or_default();
        // What was replaced on disk is looked at for what it still does, and counts nowhere.
        let is_installed = package.still_runs.is_none();
        if let Some((why, is_foreign)) = cannot_judge(package, made.and_then(|made| made.family)) {
            if is_installed {
                matching.undetermined.push(Undetermined { package: at, why, is_foreign });
            }
            continue;
        }
        for cover in covers {
            for key in keys(package, &cover.ecosystem) {
                let found = known.judge(index, cover.family, key).map_err(wrap)?.iter();
                matching.matches.extend(found.map(|(vulnerability, finding)| to_match(at, *vulnerability, finding)));
            }
        }
        if !is_installed {
            continue;
        }
        if covers.is_empty() {
            let why = format!("no feed in the index covers {}", package.ecosystem);
            matching.undetermined.push(Undetermined { package: at, why, is_foreign: false });
        } else if has_no_source(package) {
            // It may bear its source's name, and what was found then holds; that nothing was found says nothing.
            let why = "the document does not say from which source package it was built".to_owned();
            matching.undetermined.push(Undetermined { package: at, why, is_foreign: false });
        } else {
            matching.judged += 1;
        }
    }
    Ok(matching)
}

/// What was judged already: the binaries of one source, and a package that stands there twice, are judged once.
#[derive(Default)]
struct Known<'a> {
    by_source: HashMap<Key<'a>, Judged, RandomState>,
    /// Packages are sorted by name: the same one comes next.
    last: Option<(Key<'a>, Judged)>,
}

impl<'a> Known<'a> {
    fn judge(
        &mut self,
        index: &Index<'_>,
        family: &'static Family,
        key: Key<'a>,
    ) -> Result<&Judged, advisories::Error> {
        if !key.is_binary {
            return Ok(match self.by_source.entry(key) {
                Entry::Occupied(place) => place.into_mut(),
                Entry::Vacant(place) => place.insert(statements::judge(index, family, key)?),
            });
        }
        let last = match self.last.take().filter(|(known, _)| *known == key) {
            Some(same) => same,
            None => (key, statements::judge(index, family, key)?),
        };
        Ok(&self.last.insert(last).1)
    }
}

/// What can be said of an inventory where there is no index: nothing of any package.
#[must_use]
pub fn without_index(inventory: &Inventory) -> Vec<Undetermined> {
    let undetermined = |(package, found): (usize, &Package)| {
        let (why, is_foreign) = cannot_judge(found, Family::of(&found.ecosystem))
            .unwrap_or_else(|| ("there is no index of advisories".to_owned(), false));
        Undetermined { package, why, is_foreign }
    };
    let installed = inventory.packages.iter().enumerate().filter(|(_, package)| package.still_runs.is_none());
    installed.map(undetermined).collect()
}

/// A package found by its source's and by its own name is one match; the stronger verdict stays.
fn is_same_found_twice(first: &mut Match, second: &mut Match) -> bool {
    let is_same = (first.vulnerability, first.package) == (second.vulnerability, second.package);
    if is_same {
        if second.verdict == Verdict::Affected && first.verdict != Verdict::Affected {
            std::mem::swap(first, second);
        }
        first.reasons.append(&mut second.reasons);
    }
    is_same
}

/// The vendor of what Fedora builds.
const FEDORA: &str = "Fedora Project";

/// The ecosystems whose data speaks of a package; some distributions share another's packages.
fn ecosystems_of(package: &Package, index: &Index<'_>) -> Result<Vec<String>, advisories::Error> {
    let (family, release) = advisories::split_ecosystem(&package.ecosystem);
    // What Fedora built for enterprise releases is in EPEL, and only there.
    let is_enterprise = matches!(family, "Red Hat" | "AlmaLinux" | "Rocky Linux" | "CentOS" | "Oracle Linux");
    Ok(match family {
        _ if is_enterprise && builder_of(package) == Some(Builder::Epel) => vec![format!("EPEL:{release}")],
        // Pro's data says what the release's own leaves open, and repeats what that says.
        "Ubuntu" if builder_of(package) == Some(Builder::UbuntuPro) => vec![format!("Ubuntu:Pro:{release}")],
        "CentOS" => vec![package.ecosystem.to_string(), format!("Red Hat:{release}")],
        "SUSE" => {
            let known = index.ecosystems_of(family)?.into_iter();
            known
                .filter(|other| is_of_same_pack(release, advisories::split_ecosystem(other).1))
                .map(str::to_owned)
                .collect()
        }
        _ => vec![package.ecosystem.to_string()],
    })
}

/// Whether a SUSE product or module belongs to a host's release: `Linux Enterprise Server 15 SP5` is made of modules, whose
/// data is published under their own names (`Linux Enterprise Module for Basesystem 15 SP5`), and has variants (`…-LTSS`).
fn is_of_same_pack(release: &str, product: &str) -> bool {
    /// What follows the product's name: `15 SP5`.
    fn pack(product: &str) -> &str {
        let start =
            product.match_indices(' ').find(|(at, _)| product[at + 1..].starts_with(|c: char| c.is_ascii_digit()));
        start.map_or("", |(at, _)| &product[at + 1..])
    }
    let (own, other) = (pack(release), pack(product));
    let base = other.split('-').next().unwrap_or(other);
    // Modules of release 12 serve all its service packs.
    let is_module = product.contains("Module") || product.contains("Package Hub");
    base == own || (is_module && own.split(' ').next() == Some(base))
}

/// The names and versions to look up: the source's, and the package's own.
pub(crate) fn keys<'a>(package: &'a Package, ecosystem: &'a str) -> impl Iterator<Item = Key<'a>> {
    let architecture = if package.kind == PackageType::Rpm { package.architecture.as_str() } else { "" };
    let module = package.module.as_deref();
    let own = Key {
        ecosystem,
        name: &package.name,
        version: &package.version,
        is_source: false,
        is_binary: true,
        architecture,
        module,
    };
    let Some(source) = &package.source else {
        return [Some(Key { is_source: true, ..own }), None].into_iter().flatten();
    };
    // An RPM's source version lacks the epoch, which its binaries carry.
    let without_epoch = || package.version.split_once(':').map_or(package.version.as_str(), |(_, rest)| rest);
    let is_same_version =
        package.version == source.version || (package.kind == PackageType::Rpm && without_epoch() == source.version);
    let version = if is_same_version { &package.version } else { &source.version };
    if package.name == source.name && is_same_version {
        return [Some(Key { is_source: true, ..own }), None].into_iter().flatten();
    }
    let by_source = Key { name: &source.name, version, is_source: true, is_binary: false, ..own };
    [Some(by_source), Some(own)].into_iter().flatten()
}

fn to_match(package: usize, vulnerability: u32, finding: &Finding) -> Match {
    let Finding { verdict, fix, reasons, patch_available, urgency } = finding.clone();
    Match { package, vulnerability, verdict, fix, reasons, patch_available, urgency, is_idle_kernel: false }
}

/// Vulnerabilities that were rejected do not count, visibly.
fn reject(matches: &mut [Match], index: &Index<'_>) -> Result<(), Error> {
    for found in matches {
        let wrap = |source| Error::Index { package: String::new(), source };
        let vulnerability = index.vulnerability(found.vulnerability).map_err(wrap)?;
        if vulnerability.rejected.is_some() {
            found.verdict = Verdict::Suppressed(crate::Suppression::rejected(vulnerability.id));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_of_suse_belong_to_the_service_pack() {
        let server = "Linux Enterprise Server 15 SP5";
        for (product, expected) in [
            (server, true),
            ("Linux Enterprise Server 15 SP5-LTSS", true),
            ("Linux Enterprise Module for Basesystem 15 SP5", true),
            ("Linux Enterprise Module for Basesystem 15 SP6", false),
            ("Package Hub 15 SP5", true),
            ("Linux Enterprise Server 15", false),
            ("Manager Server 4.3", false),
        ] {
            assert_eq!(is_of_same_pack(server, product), expected, "{product}");
        }
        assert!(is_of_same_pack("Linux Enterprise Server 12 SP5", "Linux Enterprise Module for Public Cloud 12"));
        assert!(!is_of_same_pack("Linux Enterprise Server 12 SP5", "Linux Enterprise Server 12"));
    }
}
