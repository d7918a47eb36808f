//! Windows: what its registry and its Update Agent say, as an inventory.

mod standing;

use crate::model::{HostFacts, Inventory, Offered, Package, PackageType, PendingUpdate, SourcePackage};
use crate::os::Os;
use crate::readers::{self, MOST_NAME_BYTES};
use std::collections::BTreeSet;

/// Where a Windows host is asked: the host itself, or what one has answered before.
pub trait Windows {
    /// The host's name; empty where it is not known.
    fn name(&self) -> String;

    /// Which Windows it is.
    ///
    /// # Errors
    /// Why that could not be read, in words.
    fn release(&self) -> Result<Release, String>;

    /// The programs that are installed, and the places that could not be read, each with the reason in words.
    fn programs(&self) -> (Vec<Program>, Vec<(String, String)>);

    /// The updates that concern the host, installed ones and missing ones, also those that others supersede or somebody has hidden.
    ///
    /// # Errors
    /// Why they are not known, in words.
    fn updates(&self) -> Result<Updates, String>;

    /// Why the host has to be restarted, in words; none where it has not.
    ///
    /// # Errors
    /// Why that is not known, in words.
    fn restart_reasons(&self) -> Result<Vec<String>, String>;
}

/// Which Windows a host has (the registry's `SOFTWARE\Microsoft\Windows NT\CurrentVersion`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Release {
    /// `ProductName`: `Windows Server 2022 Datacenter`.
    pub product: String,
    /// `DisplayVersion`, or `ReleaseId` before there was one: `21H2`; may be empty.
    pub version: String,
    /// `CurrentMajorVersionNumber` and `CurrentMinorVersionNumber`, or `CurrentVersion` before there were any: `10.0`.
    pub kernel: String,
    /// `CurrentBuildNumber`: `20348`.
    pub build: String,
    /// `UBR`, the update's number within the build; none where the release has none.
    pub revision: Option<u32>,
    /// The processor's architecture, in the package URLs' way: `amd64`.
    pub architecture: String,
}

/// An installed program (a key below `Uninstall` in the registry).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Program {
    /// `DisplayName`.
    pub name: String,
    /// `DisplayVersion`; may be empty.
    pub version: String,
    /// `Publisher`; may be empty.
    pub publisher: String,
    /// Its architecture, as far as the part of the registry tells it; may be empty.
    pub architecture: String,
    /// The key.
    pub place: String,
}

/// What the Update Agent says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Updates {
    /// The updates.
    pub all: Vec<Update>,
    /// Whether some that there are may be missing among them.
    pub is_incomplete: bool,
    /// When the host last asked its update service with success, in seconds since 1970; none where that is not known.
    pub asked_at: Option<i64>,
}

/// An update (`IUpdate` and its successors in `wuapi.h`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Update {
    /// `Identity.UpdateID`.
    pub id: String,
    /// `Title`.
    pub title: String,
    /// `KBArticleIDs`, each as `KB5034441`.
    pub articles: Vec<String>,
    /// `SupersededUpdateIDs`.
    pub supersedes: Vec<String>,
    /// `CveIDs`.
    pub vulnerabilities: Vec<String>,
    /// `MsrcSeverity`; empty where it has none.
    pub severity: String,
    /// Whether one of its `Categories` is that of security updates.
    pub is_security: bool,
    /// `IsInstalled`.
    pub is_installed: bool,
    /// `IsHidden`: somebody wants it not to be offered.
    pub is_hidden: bool,
    /// `LastDeploymentChangeTime`, in seconds since 1970.
    pub published_at: Option<i64>,
    /// `MaxDownloadSize`.
    pub size_bytes: u64,
}

/// What the updates of Windows are called as one package's.
const SOURCE: &str = "windows";
/// More vulnerabilities than any update names.
const MOST_FIXES: usize = 4096;
/// Who offers them.
const SUITE: &str = "Windows Update";

/// Adds what a Windows host says of itself. What it does not say is a problem of the inventory.
pub fn collect(host: &dyn Windows, inventory: &mut Inventory) {
    inventory.subject = host.name();
    let own = match host.release() {
        Ok(release) => of_release(&release, inventory),
        Err(why) => {
            inventory.unreadable("registry", format!("which Windows it is is not known: {why}"));
            of_release(&Release { product: "Windows".to_owned(), ..Release::default() }, inventory)
        }
    };
    let (programs, unread) = host.programs();
    let before = inventory.packages.len();
    inventory.packages.extend(programs.iter().map(of_program));
    readers::sift(inventory, "registry", before);
    inventory.sources.push(("registry".to_owned(), inventory.packages.len() - before));
    unread.into_iter().for_each(|(place, why)| inventory.unreadable(place, why));
    match host.updates() {
        Ok(updates) => take_in(&updates, own, inventory),
        Err(why) => {
            inventory.unreadable("Windows Update Agent", format!("which updates are missing is not known: {why}"))
        }
    }
    let mut facts = HostFacts::default();
    match host.restart_reasons() {
        Ok(reasons) => (facts.is_reboot_asked, facts.reboot_reasons) = (!reasons.is_empty(), reasons),
        Err(why) => inventory.unreadable("registry", format!("whether a restart is owed is not known: {why}")),
    }
    inventory.host = Some(facts);
}

/// Notes the system itself, and says where among the packages it stands.
fn of_release(release: &Release, inventory: &mut Inventory) -> usize {
    let numbers =
        [release.kernel.clone(), release.build.clone()].into_iter().chain(release.revision.map(|own| own.to_string()));
    let version = numbers.filter(|number| !number.is_empty()).collect::<Vec<_>>().join(".");
    let product = Some(product_of(release)).filter(|name| !name.is_empty() && name.len() <= MOST_NAME_BYTES);
    let words = [product.unwrap_or_else(|| "Windows".to_owned()), release.version.clone()];
    let words = words.into_iter().filter(|word| !word.is_empty());
    let name = words.collect::<Vec<_>>().join(" ");
    inventory.os = Some(Os { id: SOURCE.to_owned(), version: version.clone(), name: name.clone(), ..Os::default() });
    let mut package = Package::new(PackageType::Generic, "", name, version.clone(), "registry");
    package.architecture = release.architecture.as_str().into();
    package.vendor = Some("Microsoft Corporation".into());
    package.source = Some(SourcePackage { name: SOURCE.into(), version: version.into() });
    inventory.packages.push(package);
    inventory.packages.len() - 1
}

/// The product's name: Windows 11 still says there that it is Windows 10, and only its build tells it.
fn product_of(release: &Release) -> String {
    const FIRST_OF_11: u32 = 22_000;
    let is_11 = release.build.parse().is_ok_and(|build: u32| build >= FIRST_OF_11);
    match release.product.strip_prefix("Windows 10") {
        Some(rest) if is_11 => format!("Windows 11{rest}"),
        _ => release.product.clone(),
    }
}

fn of_program(program: &Program) -> Package {
    let (name, version) = (program.name.as_str(), program.version.as_str());
    let mut package = Package::new(PackageType::Generic, "", name, version, program.place.as_str());
    package.architecture = program.architecture.as_str().into();
    let is_name = !program.publisher.is_empty() && program.publisher.len() <= MOST_NAME_BYTES;
    package.vendor = is_name.then(|| program.publisher.as_str().into());
    package
}

fn take_in(updates: &Updates, own: usize, inventory: &mut Inventory) {
    const PLACE: &str = "Windows Update Agent";
    if updates.is_incomplete {
        inventory.unreadable(PLACE, "it could not tell all: updates may be missing of which it does not say so");
    }
    if updates.asked_at.is_none() {
        inventory.unreadable(
            PLACE,
            "when the host last asked its update service is not known: it may know of no newer ones",
        );
    }
    inventory.has_repository_metadata = true;
    inventory.repository_metadata_at = updates.asked_at;
    inventory.packages[own].offered = Offered::Marked;
    let installed = updates.all.iter().filter(|update| update.is_installed);
    let applied: BTreeSet<String> = installed.map(Update::label).collect();
    inventory.applied = applied.into_iter().collect();
    let package = inventory.packages[own].clone();
    for missing in standing::missing(&updates.all) {
        let (kept, all) = (missing.vulnerabilities.len().min(MOST_FIXES), missing.vulnerabilities.len());
        if kept < all {
            let what =
                format!("{} names {all} vulnerabilities: {} of them are left out", missing.update.label(), all - kept);
            inventory.unreadable(PLACE, what);
        }
        inventory.pending.push(of_missing(&missing, &package));
    }
}

/// What an update stands for besides itself.
fn in_words(folded: &[String]) -> String {
    const SHOWN: usize = 5;
    let shown = folded.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
    match folded.len().saturating_sub(SHOWN) {
        0 => format!("with what {shown} brought"),
        more => format!("with what {shown} and {more} more brought"),
    }
}

fn of_missing(missing: &standing::Missing<'_>, package: &Package) -> PendingUpdate {
    let update = missing.update;
    let mut remarks = vec![update.title.clone()];
    remarks.extend((!update.severity.is_empty()).then(|| format!("MSRC severity {}", update.severity)));
    remarks.extend((!missing.folded.is_empty()).then(|| in_words(&missing.folded)));
    remarks.extend(update.is_hidden.then(|| "hidden on this host".to_owned()));
    remarks.retain(|remark| !remark.is_empty() && *remark != update.label() && remark.len() <= MOST_NAME_BYTES);
    PendingUpdate {
        name: package.name.clone(),
        architecture: package.architecture.clone(),
        installed: package.version.clone(),
        candidate: update.label().into(),
        source: SourcePackage { name: SOURCE.into(), version: update.label().into() },
        suite: SUITE.to_owned(),
        is_security: update.is_of_security(),
        holds_security_fix: missing.holds_security_fix,
        advisories: remarks,
        fixes: missing.vulnerabilities.iter().take(MOST_FIXES).map(|(id, at)| (id.clone(), *at)).collect(),
        published_at: missing.since,
        is_held: update.is_hidden,
        size_bytes: update.size_bytes,
    }
}

impl Update {
    /// What people call it: its article's number, its title where it has none, or its id.
    #[must_use]
    pub fn label(&self) -> String {
        let is_name = |text: &&String| !text.is_empty() && text.len() <= MOST_NAME_BYTES;
        let named = self.articles.first().or(Some(&self.title)).filter(is_name);
        named.unwrap_or(&self.id).clone()
    }

    fn is_of_security(&self) -> bool {
        self.is_security || !self.severity.is_empty() || !self.vulnerabilities.is_empty()
    }
}
