//! VEX statements and decisions that a match does not count: shown with their reason, never dropped.

use crate::{Match, Verdict};
use advisories::index::Index;
use advisories::vex::{Justification, Statement, Status};
use inventory::{Inventory, Package, purl};
use jiff::Timestamp;
use std::collections::HashMap;

/// Why a match does not count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suppression {
    /// What is said: not affected, fixed, or accepted as it is.
    pub status: Status,
    /// Why it is not affected, in a word that machines know, if the document has one.
    pub justification: Option<Justification>,
    /// The document or rule that says so.
    pub by: String,
    /// Its reason, in its words.
    pub reason: String,
    /// Until when it holds; none means without end.
    pub until: Option<Timestamp>,
}

impl Suppression {
    /// The CVE list itself has withdrawn it.
    #[must_use]
    pub fn rejected(id: &str) -> Self {
        Self {
            status: Status::NotAffected,
            justification: None,
            by: "the CVE list".to_owned(),
            reason: format!("{id} was rejected"),
            until: None,
        }
    }
}

/// Statements on what was scanned, with a record of those that met something.
///
/// Of several statements on one match the latest decides (OpenVEX specification, "Updating Statements with Inherited
/// Data").
pub struct Statements<'a> {
    statements: &'a [Statement],
    inventory: &'a Inventory,
    now: Timestamp,
    /// By vulnerability, so that many statements and many findings do not multiply.
    by_id: HashMap<String, Vec<usize>>,
    is_used: Vec<bool>,
}

impl<'a> Statements<'a> {
    /// Takes statements on an inventory, to be judged at an instant.
    #[must_use]
    pub fn new(statements: &'a [Statement], inventory: &'a Inventory, now: Timestamp) -> Self {
        let mut by_id: HashMap<String, Vec<usize>> = HashMap::new();
        for (at, statement) in statements.iter().enumerate() {
            by_id.entry(statement.vulnerability.to_ascii_uppercase()).or_default().push(at);
        }
        Self { statements, inventory, now, by_id, is_used: vec![false; statements.len()] }
    }

    /// Applies them to matches.
    ///
    /// # Errors
    /// If the index is damaged.
    pub fn apply(&mut self, matches: &mut [Match], index: &Index<'_>) -> Result<(), advisories::Error> {
        if self.statements.is_empty() {
            return Ok(());
        }
        for found in matches {
            let vulnerability = index.vulnerability(found.vulnerability)?;
            let ids = std::iter::once(vulnerability.id).chain(vulnerability.aliases.iter().copied());
            let suppression = self.on(ids, Some(found.package));
            if let Some(suppression) = suppression.filter(|_| !matches!(found.verdict, Verdict::Suppressed(_))) {
                found.verdict = Verdict::Suppressed(suppression);
            }
        }
        Ok(())
    }

    /// What they come to for a vulnerability of these ids in a package of this place; in none, only what is said of
    /// everything counts.
    pub fn on<'i>(&mut self, ids: impl Iterator<Item = &'i str>, package: Option<usize>) -> Option<Suppression> {
        let mut places: Vec<usize> =
            ids.filter_map(|id| self.by_id.get(&id.to_ascii_uppercase())).flatten().copied().collect();
        if places.is_empty() {
            return None;
        }
        places.sort_unstable();
        places.dedup();
        let package = package.map(|place| &self.inventory.packages[place]);
        let url = package.map(purl::write);
        let mut latest: Option<&Statement> = None;
        for at in places {
            let statement = &self.statements[at];
            let is_meant = |product: &String| match (package, &url) {
                (Some(package), Some(url)) => covers(statement.status, product, url, package),
                _ => statement.status == Status::Accepted && product == "*",
            };
            if !is_inside(statement, self.inventory) || !statement.products.iter().any(is_meant) {
                continue;
            }
            self.is_used[at] = true;
            // What was said later than the instant of the judgement was not said yet.
            let holds =
                statement.until.is_none_or(|until| until > self.now) && statement.at.is_none_or(|at| at <= self.now);
            // Of two said at once the cautious one stands.
            let outranks = |known: &Statement| {
                let both = (known.at, statement.at);
                both.1 > both.0 || (both.0 == both.1 && (!suppresses(statement.status) || suppresses(known.status)))
            };
            if holds && latest.is_none_or(outranks) {
                latest = Some(statement);
            }
        }
        let latest = latest.filter(|latest| suppresses(latest.status))?;
        Some(Suppression {
            status: latest.status,
            justification: latest.justification,
            by: latest.by.clone(),
            reason: latest.reason.clone(),
            until: latest.until,
        })
    }

    /// Those without effect, because they met nothing or their time is over: an exception without effect is a problem.
    #[must_use]
    pub fn idle(&self) -> Vec<&'a Statement> {
        let is_over = |statement: &Statement| statement.until.is_some_and(|until| until <= self.now);
        let all = self.statements.iter().zip(&self.is_used);
        all.filter(|(statement, is_used)| !**is_used || is_over(statement)).map(|(statement, _)| statement).collect()
    }
}

/// Whether a statement on a part of a product speaks of what was scanned: the product is what the document describes.
fn is_inside(statement: &Statement, inventory: &Inventory) -> bool {
    let Some(product) = &statement.within else { return true };
    let is_same = |own: &String| {
        own == product
            || purl::Purl::parse(product).ok().zip(purl::Purl::parse(own).ok()).is_some_and(|(wanted, own)| {
                (&wanted.kind, &wanted.namespace, &wanted.name) == (&own.kind, &own.namespace, &own.name)
                    && (wanted.version.is_empty() || wanted.version == own.version)
                    && wanted.qualifiers.iter().all(|(key, value)| own.qualifier(key) == Some(value))
            })
    };
    inventory.described.iter().any(is_same)
}

fn suppresses(status: Status) -> bool {
    matches!(status, Status::NotAffected | Status::Fixed | Status::Accepted)
}

/// Whether a product names a package: by its package URL. Ignore files may name it plainly, or mean everything.
///
/// Whatever the URL says beyond type, namespace and name must hold for the package: another release's statement, or one on
/// a part of it, says nothing here.
fn covers(status: Status, product: &str, url: &str, package: &Package) -> bool {
    if status == Status::Accepted && (product == "*" || product == package.name) {
        return true;
    }
    let (Ok(wanted), Ok(own)) = (purl::Purl::parse(product), purl::Purl::parse(url)) else { return false };
    let is_source = wanted.qualifier("arch") == Some("source")
        && package.source.as_ref().is_some_and(|source| source.name.as_str() == wanted.name);
    let same_name = wanted.full_name() == own.full_name() || is_source;
    // Without the distribution's name only the very version tells which package is meant.
    let same_namespace =
        wanted.namespace == own.namespace || (wanted.namespace.is_empty() && !wanted.version.is_empty());
    // "Fixed" is said of a version.
    let without_epoch = own.version.split_once(':').map_or(&*own.version, |(_, rest)| rest);
    let same_version = match wanted.version.as_ref() {
        "" => status != Status::Fixed,
        version => version == own.version || (wanted.qualifier("epoch").is_some() && version == without_epoch),
    };
    wanted.kind == own.kind
        && same_name
        && same_namespace
        && same_version
        && wanted.subpath.is_empty()
        && wanted.qualifiers.iter().all(|(key, value)| holds_for(key, value, &wanted, &own))
}

/// Qualifiers that say where a package came from, and nothing about which one it is.
const HARMLESS: &[&str] = &["type", "upstream", "checksum", "download_url", "vcs_url", "package-id", "file_name"];

fn holds_for(key: &str, value: &str, wanted: &purl::Purl<'_>, own: &purl::Purl<'_>) -> bool {
    match key {
        "arch" => own.qualifier("arch").is_none_or(|arch| value == "source" || value == arch),
        "distro" => wanted.release().is_some() && wanted.release() == own.release(),
        "epoch" => own.version.split_once(':').map_or("0", |(epoch, _)| epoch) == value,
        key if HARMLESS.contains(&key) => true,
        key => own.qualifier(key) == Some(value),
    }
}
