//! Packages that the data at hand cannot speak of: those are undetermined, whatever a comparison would say.

use advisories::Family;
use inventory::{Package, PackageType};

/// Why a package of a family (that of its ecosystem) cannot be judged at all, and whether it comes from outside of its
/// distribution.
pub(crate) fn cannot_judge(package: &Package, family: Option<&Family>) -> Option<(String, bool)> {
    if let Some(why) = has_no_identity(package, family) {
        return Some((why, false));
    }
    let name = || family.map_or(package.ecosystem.as_str(), |family| family.name);
    built_elsewhere(package).map(|who| (format!("it comes from {who}, not from {}", name()), true))
}

/// Whether it is not known from which source package a package was built, under whose name its advisories stand.
pub(crate) fn has_no_source(package: &Package) -> bool {
    matches!(package.kind, PackageType::Deb | PackageType::Apk) && package.source.is_none()
}

/// Why a package's version or ecosystem can be compared with nothing.
fn has_no_identity(package: &Package, family: Option<&Family>) -> Option<String> {
    if package.version.is_empty() {
        return Some("its version is not known".to_owned());
    }
    if package.ecosystem.is_empty() {
        return Some(match package.kind {
            PackageType::Generic => "it has no package URL of a known type".to_owned(),
            PackageType::Maven => "its group is not known".to_owned(),
            PackageType::Composer => "its vendor is not known".to_owned(),
            PackageType::Deb | PackageType::Rpm | PackageType::Apk => {
                "its distribution and release are not known".to_owned()
            }
            kind => format!("nobody publishes security data for {} packages that could be read", kind.name()),
        });
    }
    let Some(family) = family else {
        return Some(format!("the ecosystem {} is not known", package.ecosystem));
    };
    family.scheme.check(&package.version).err().map(|error| error.to_string())
}

/// The length of the shortest mark: `ubuntu`.
const SHORTEST_MARK: usize = 6;

/// Marks in versions of packages that others build for Debian and Ubuntu.
const MARKED_VERSIONS: &[(&str, &str)] = &[("nodesource", "NodeSource"), ("kubernetes", "the Kubernetes project")];

/// Marks in the names and addresses of their maintainers.
const THIRD_PARTIES: &[(&str, &str)] = &[
    ("nodesource", "NodeSource"),
    ("kubernetes", "the Kubernetes project"),
    ("Kubernetes Authors", "the Kubernetes project"),
    ("@docker.com", "Docker"),
    ("@gitlab.com", "GitLab"),
    ("@google.com", "Google"),
    ("@microsoft.com", "Microsoft"),
    ("@hashicorp.com", "HashiCorp"),
    ("@nginx.com", "nginx.org"),
    ("@elastic.co", "Elastic"),
    ("@grafana.com", "Grafana"),
    ("@mongodb.com", "MongoDB"),
];

/// Who built a Debian package, if not its distribution.
fn built_elsewhere(package: &Package) -> Option<&'static str> {
    if package.kind != PackageType::Deb {
        return None;
    }
    // Most versions have too few letters for any of these words.
    let has_words = package.version.bytes().filter(u8::is_ascii_lowercase).count() >= SHORTEST_MARK;
    let has = |mark: &str| has_words && package.version.contains(mark);
    if has("ubuntu") && !package.ecosystem.starts_with("Ubuntu") {
        return Some("Ubuntu or a third party");
    }
    let Some(vendor) = package.vendor.as_deref() else {
        return MARKED_VERSIONS.iter().find(|(mark, _)| has(mark)).map(|(_, who)| *who);
    };
    // Debian's own maintainers write from many places: a Debian address or team settles it.
    if ["debian.org", "ubuntu.com", "canonical.com"].iter().any(|own| vendor.contains(own)) {
        return None;
    }
    let by_version = MARKED_VERSIONS.iter().find(|(mark, _)| has(mark));
    let by_vendor = || THIRD_PARTIES.iter().find(|(mark, _)| vendor.contains(mark));
    by_version.or_else(by_vendor).map(|(_, who)| *who)
}
