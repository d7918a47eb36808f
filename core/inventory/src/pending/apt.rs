//! APT: lists, releases and pins, giving the candidates that apt itself would install (apt_preferences(5)).

mod config;
mod pins;
mod release;
mod sources;

use super::{cannot_be_unpacked, note_age, open_unpacked};
use crate::control::each_paragraph;
use crate::directory::{Directory, EntryKind};
use crate::model::{self, Inventory, PackageType, PendingUpdate, SourcePackage};
use crate::readers::file_name;
use ecow::EcoString;
use pins::{Offered, Pins};
use release::Release;
use sources::Sources;
use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};
use std::io::Read;
use versions::Scheme;

const LISTS: &str = "var/lib/apt/lists";

/// A version that a list offers.
struct Offer {
    version: EcoString,
    source: SourcePackage,
    release: usize,
    size_bytes: u64,
}

/// Collects the pending updates of a Debian-like host.
pub(super) fn collect(root: &Directory, inventory: &mut Inventory) {
    let mut lists: Vec<String> = Vec::new();
    let mut files: Vec<String> = Vec::new();
    for entry in super::list(root, LISTS, inventory).into_iter().filter(|entry| entry.kind != EntryKind::Folder) {
        if is_package_list(&entry.name) {
            lists.push(entry.name.clone());
        } else if entry.name.contains("_Packages.") && !entry.name.ends_with(".diff_Index") {
            inventory.unreadable(format!("{LISTS}/{}", entry.name), "it is packed in a way that is not known");
        }
        files.push(entry.name);
    }
    let native = native_architecture(root, inventory);
    if lists.is_empty() || native.is_empty() {
        return;
    }
    let sources = Sources::read(root, &native, inventory);
    let (lists, left): (Vec<String>, Vec<String>) = lists.into_iter().partition(|list| sources.has(list));
    for list in left {
        inventory.problem(format!("{LISTS}/{list}"), "no source that is set up has this list; it was left out");
    }
    sources.note_missing(&files, inventory);
    let pins = Pins::read(root, &native, inventory);
    let installed = Installed::of(inventory, native);
    let mut releases = Vec::new();
    let mut security = SecurityAge::default();
    let mut offers: HashMap<usize, Vec<Offer>> = HashMap::new();
    for name in &lists {
        let path = format!("{LISTS}/{name}");
        let Some(stream) = open_unpacked(root, &path, inventory) else { continue };
        let (bytes, own) = match read_list((&path, stream), releases.len(), &installed, inventory) {
            Ok(read) => read,
            Err(error) => {
                inventory.unreadable(path.as_str(), cannot_be_unpacked(&error));
                continue;
            }
        };
        own.into_iter().for_each(|(at, offer)| offers.entry(at).or_default().push(offer));
        let release = release::of_list(root, LISTS, name, &files, inventory);
        if let Some(size) = release.list_bytes.filter(|size| *size != bytes) {
            let what = format!("it has {bytes} bytes, and its release says {size}: it is cut off or of another day");
            inventory.unreadable(path.as_str(), what);
        }
        // apt gives its files the publisher's date, and a repository of the host's own may have no release file.
        let published = release.published_at.or_else(|| root.changed_at(&path));
        if release.is_security() {
            security.note(&release, published, inventory);
        }
        note_age(published, inventory);
        if let Some(until) = release.valid_until {
            let limit = (release.suite.clone(), until);
            if !inventory.repository_valid_until.contains(&limit) {
                inventory.repository_valid_until.push(limit);
            }
        }
        releases.push(release);
    }
    // Where there are security suites it is their age that counts: another repository's youth says nothing of them.
    inventory.repository_metadata_at = security.at().or(inventory.repository_metadata_at);
    let status = Release::status();
    for (at, mut offered) in offers {
        // Debian and Ubuntu keep their fixes in a suite of their own.
        let cover = if security.is_any { model::Offered::Marked } else { model::Offered::Elsewhere };
        inventory.packages[at].offered = cover;
        offered.sort_by(|a, b| compare(&b.version, &a.version));
        let choice = Choice { releases: &releases, status: &status, pins: &pins, native: &installed.native };
        inventory.pending.extend(choice.decide(&inventory.packages[at], &offered));
    }
}

/// How old the lists of the security suites are.
#[derive(Default)]
struct SecurityAge {
    is_any: bool,
    /// The oldest of those of the host's own release: of two, each speaks of its own packages.
    own: Option<i64>,
    /// The youngest of the others: who keeps an older release's source beside it is not behind.
    other: Option<i64>,
}

impl SecurityAge {
    fn note(&mut self, release: &Release, published: Option<i64>, inventory: &Inventory) {
        self.is_any = true;
        let codename = inventory.os.as_ref().map_or("", |os| &os.codename);
        let is_own =
            codename.is_empty() || [&release.codename, &release.suite].iter().any(|of| of.starts_with(codename));
        if is_own {
            self.own = self.own.into_iter().chain(published).min();
        } else {
            self.other = self.other.max(published);
        }
    }

    fn at(&self) -> Option<i64> {
        self.own.or(self.other)
    }
}

/// The architecture that `all` packages count as: dpkg's own, else what dpkg has noted, else what most packages have.
fn native_architecture(root: &Directory, inventory: &mut Inventory) -> EcoString {
    let debs = || inventory.packages.iter().filter(|package| package.kind == PackageType::Deb);
    let own = debs().find(|package| package.name == "dpkg").map(|package| package.architecture.clone());
    let noted = || {
        let text = root.read("var/lib/dpkg/arch", 1 << 16).ok()??;
        Some(String::from_utf8_lossy(&text).lines().next()?.trim().into())
    };
    let usual = || {
        let mut counts: BTreeMap<&EcoString, usize> = BTreeMap::new();
        debs()
            .filter(|package| package.architecture != "all")
            .for_each(|package| *counts.entry(&package.architecture).or_default() += 1);
        counts.into_iter().max_by_key(|(_, count)| *count).map(|(name, _)| name.clone())
    };
    own.filter(|name| !name.is_empty()).or_else(noted).or_else(usual).unwrap_or_default()
}

fn is_package_list(name: &str) -> bool {
    let stem = name
        .trim_end_matches(".lz4")
        .trim_end_matches(".gz")
        .trim_end_matches(".xz")
        .trim_end_matches(".zst")
        .trim_end_matches(".bz2");
    stem.ends_with("_Packages")
}

/// Orders two versions that [`read_list`] and [`Installed::of`] have let pass.
fn compare(a: &str, b: &str) -> Ordering {
    // INVARIANT: versions that cannot be read never get here, so this is a total order.
    Scheme::Debian.compare(a, b).unwrap_or(Ordering::Equal)
}

/// The installed packages by name, whose versions can be compared.
struct Installed {
    by_name: HashMap<EcoString, Vec<(usize, EcoString)>>,
    native: EcoString,
}

impl Installed {
    fn of(inventory: &mut Inventory, native: EcoString) -> Self {
        let mut by_name: HashMap<EcoString, Vec<(usize, EcoString)>> = HashMap::new();
        let mut unreadable = Vec::new();
        for (at, package) in inventory.packages.iter().enumerate() {
            if package.kind != PackageType::Deb {
                continue;
            }
            match Scheme::Debian.check(&package.version) {
                Ok(()) => {
                    by_name.entry(package.name.clone()).or_default().push((at, package.architecture.clone()));
                }
                Err(error) => unreadable.push((package.name.clone(), error)),
            }
        }
        for (name, error) in unreadable {
            inventory.unreadable(name, format!("its updates are not known: {error}"));
        }
        Self { by_name, native }
    }

    /// Where the packages of this name stand that a package of this architecture would replace.
    fn places<'i>(&'i self, name: &str, architecture: &'i str) -> impl Iterator<Item = usize> + 'i {
        let same = |name: &'i str| if name == "all" { self.native.as_str() } else { name };
        let all = self.by_name.get(name).into_iter().flatten();
        all.filter(move |(_, own)| same(own) == same(architecture)).map(|(at, _)| *at)
    }
}

/// Takes from a list what concerns installed packages, and says how many bytes it has.
fn read_list(
    (path, stream): (&str, impl Read),
    release: usize,
    installed: &Installed,
    inventory: &mut Inventory,
) -> std::io::Result<(u64, Vec<(usize, Offer)>)> {
    let mut offers = Vec::new();
    let mut number = 0;
    let bytes = each_paragraph(stream, |paragraph| {
        number += 1;
        // The name comes first in every index: most paragraphs end here.
        let first = paragraph.fields().next().filter(|(field, _)| field.eq_ignore_ascii_case(b"Package"));
        let name = match first {
            Some((_, name)) => String::from_utf8_lossy(name),
            None => paragraph.get("Package").unwrap_or_default(),
        };
        if !name.is_empty() && !installed.by_name.contains_key(name.as_ref()) {
            return;
        }
        let (version, architecture) = (paragraph.get("Version"), paragraph.get("Architecture"));
        let names = paragraph.fields().filter(|(field, _)| field.eq_ignore_ascii_case(b"Package")).count();
        let offer = match (name.is_empty() || names > 1, version, architecture) {
            (false, Some(version), Some(architecture)) => {
                Scheme::Debian.check(&version).map_err(|error| error.to_string()).map(|()| (version, architecture))
            }
            _ if names > 1 => Err("two packages with no empty line between them".to_owned()),
            _ => Err("a paragraph without a package's name, version or architecture".to_owned()),
        };
        let (version, architecture) = match offer {
            Ok(offer) => offer,
            Err(what) => {
                inventory.unreadable(format!("{path} paragraph {number}"), what);
                return;
            }
        };
        let size_bytes = paragraph.get("Size").and_then(|size| size.parse().ok()).unwrap_or(0);
        for at in installed.places(&name, &architecture) {
            let source = crate::readers::source_of(&paragraph.get("Source").unwrap_or_default(), &name, &version);
            let version = version.as_ref().into();
            offers.push((at, Offer { version, source, release, size_bytes }));
        }
    })?;
    Ok((bytes, offers))
}

/// What a choice rests on.
struct Choice<'a> {
    releases: &'a [Release],
    status: &'a Release,
    pins: &'a Pins,
    native: &'a str,
}

impl Choice<'_> {
    /// apt's choice among the versions, highest first (`pkgPolicy::GetCandidateVer`).
    fn decide(&self, installed: &crate::Package, offers: &[Offer]) -> Option<PendingUpdate> {
        let releases = self.releases;
        let mut considered: Vec<&[Offer]> = offers.chunk_by(|a, b| compare(&a.version, &b.version).is_eq()).collect();
        let order =
            |group: &[Offer]| group.first().map_or(Ordering::Equal, |o| compare(&o.version, &installed.version));
        if !considered.iter().any(|group| order(group).is_eq()) {
            // The installed version stands among them, even where nobody offers it any more: an empty group.
            let place = considered.partition_point(|group| order(group).is_gt());
            considered.insert(place, &[]);
        }
        let mut best: Option<(i32, &[Offer])> = None;
        for group in considered {
            let version = group.first().map_or(installed.version.as_str(), |offer| offer.version.as_str());
            let status = order(group).is_eq().then_some(self.status);
            let from: Vec<&Release> = group.iter().map(|offer| &releases[offer.release]).chain(status).collect();
            let own = installed.source.as_ref().filter(|_| status.is_some());
            let source = group.first().map(|offer| &offer.source).or(own).map(|source| source.name.as_str());
            let architecture = if installed.architecture == "all" { self.native } else { &installed.architecture };
            let package = &installed.name;
            let priority = self.pins.priority(&Offered { package, architecture, source, version, from: &from });
            let is_downgrade = priority < 1000 && order(group).is_lt();
            if priority != 0 && !is_downgrade && priority > best.map_or(-1, |(known, _)| known) {
                best = Some((priority, group));
            }
        }
        let (_, group) = best?;
        let offer = group.first().filter(|_| order(group).is_gt())?;
        let is_passed = |other: &&Offer| {
            compare(&other.version, &installed.version).is_gt() && compare(&other.version, &offer.version).is_le()
        };
        Some(PendingUpdate {
            name: installed.name.clone(),
            architecture: installed.architecture.clone(),
            installed: installed.version.clone(),
            candidate: offer.version.clone(),
            source: offer.source.clone(),
            suite: releases[offer.release].suite.clone(),
            is_security: group.iter().any(|other| releases[other.release].is_security()),
            holds_security_fix: offers.iter().filter(is_passed).any(|other| releases[other.release].is_security()),
            advisories: Vec::new(),
            fixes: Vec::new(),
            published_at: None,
            is_held: installed.is_held,
            size_bytes: offer.size_bytes,
        })
    }
}

/// The part of a list's name that its release file shares.
fn list_prefix(name: &str) -> &str {
    let end = name.rfind("_Packages").unwrap_or(name.len());
    // `…_dists_bookworm_main_binary-amd64_Packages`, or a flat repository's `…_._Packages`.
    file_name(&name[..end])
}
