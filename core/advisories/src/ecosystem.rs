//! Ecosystems by OSV's names, and the version order of each.

use versions::Scheme;

/// How an ecosystem's packages are told apart and ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Family {
    /// OSV's name without a release.
    pub name: &'static str,
    /// Its version order.
    pub scheme: Scheme,
    /// Whether it is a distribution, matched by its own security data only.
    pub is_distribution: bool,
}

const fn distribution(name: &'static str, scheme: Scheme) -> Family {
    Family { name, scheme, is_distribution: true }
}

const fn language(name: &'static str, scheme: Scheme) -> Family {
    Family { name, scheme, is_distribution: false }
}

/// Every ecosystem that can be matched.
const FAMILIES: &[Family] = &[
    distribution("AlmaLinux", Scheme::Rpm),
    distribution("Alpaquita", Scheme::Alpine),
    distribution("Alpine", Scheme::Alpine),
    distribution("Amazon Linux", Scheme::Rpm),
    distribution("Azure Linux", Scheme::Rpm),
    distribution("BellSoft Hardened Containers", Scheme::Alpine),
    language("Bitnami", Scheme::SemVer),
    distribution("CentOS", Scheme::Rpm),
    distribution("Chainguard", Scheme::Alpine),
    language("ConanCenter", Scheme::SemVer),
    language("CRAN", Scheme::Cran),
    language("crates.io", Scheme::SemVer),
    distribution("Debian", Scheme::Debian),
    distribution("Echo", Scheme::Debian),
    distribution("EPEL", Scheme::Rpm),
    distribution("Fedora", Scheme::Rpm),
    language("GHC", Scheme::Hackage),
    language("GitHub Actions", Scheme::SemVer),
    language("Go", Scheme::Go),
    language("Hackage", Scheme::Hackage),
    language("Hex", Scheme::SemVer),
    language("Julia", Scheme::SemVer),
    distribution("Mageia", Scheme::Rpm),
    language("Maven", Scheme::Maven),
    distribution("MinimOS", Scheme::Alpine),
    language("npm", Scheme::Npm),
    language("NuGet", Scheme::NuGet),
    distribution("openEuler", Scheme::Rpm),
    distribution("openSUSE", Scheme::Rpm),
    distribution("Oracle Linux", Scheme::Rpm),
    language("Packagist", Scheme::Packagist),
    distribution("Photon OS", Scheme::Rpm),
    language("Pub", Scheme::Pub),
    language("PyPI", Scheme::Pep440),
    distribution("Red Hat", Scheme::Rpm),
    distribution("Rocky Linux", Scheme::Rpm),
    language("RubyGems", Scheme::RubyGems),
    distribution("SUSE", Scheme::Rpm),
    language("SwiftURL", Scheme::SemVer),
    distribution("Ubuntu", Scheme::Debian),
    distribution("Wolfi", Scheme::Alpine),
];

/// Splits `Debian:12` into the family's name and the release.
#[must_use]
pub fn split(ecosystem: &str) -> (&str, &str) {
    // A loop is quicker here than the search that long texts are worth.
    match ecosystem.bytes().position(|byte| byte == b':') {
        Some(at) => (&ecosystem[..at], &ecosystem[at + 1..]),
        None => (ecosystem, ""),
    }
}

impl Family {
    /// The family of an ecosystem with or without its release, if it is known.
    #[must_use]
    pub fn of(ecosystem: &str) -> Option<&'static Self> {
        let (name, _) = split(ecosystem);
        FAMILIES.iter().find(|family| family.name == name)
    }
}

impl Family {
    /// The family of this name, however its case is written.
    pub(crate) fn spelt(name: &str) -> Option<&'static Self> {
        FAMILIES.iter().find(|family| family.name.eq_ignore_ascii_case(name))
    }
}

/// The form of a package's name under which all spellings meet.
#[must_use]
pub(crate) fn canonical_name<'a>(ecosystem: &str, name: &'a str) -> std::borrow::Cow<'a, str> {
    let (family, _) = split(ecosystem);
    match family {
        // PEP 503: case and runs of `-`, `_`, `.` carry no meaning.
        "PyPI"
            if name.contains("--")
                || name.bytes().any(|byte| byte.is_ascii_uppercase() || byte == b'_' || byte == b'.') =>
        {
            let mut canonical = String::with_capacity(name.len());
            for character in name.chars() {
                match character {
                    '-' | '_' | '.' if canonical.ends_with('-') => {}
                    '-' | '_' | '.' => canonical.push('-'),
                    other => canonical.push(other.to_ascii_lowercase()),
                }
            }
            canonical.into()
        }
        // Package URLs of Go modules are in lower case, whatever the modules' own names are.
        "Go" | "NuGet" | "Packagist" | "SwiftURL" | "GitHub Actions" | "Bitnami"
            if name.bytes().any(|b| b.is_ascii_uppercase()) =>
        {
            name.to_ascii_lowercase().into()
        }
        _ => name.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn python_names_meet_in_one_form() {
        for name in ["Ruamel.YAML", "ruamel_yaml", "ruamel--yaml", "ruamel-yaml"] {
            assert_eq!(canonical_name("PyPI", name), "ruamel-yaml");
        }
        assert_eq!(canonical_name("npm", "JSONStream"), "JSONStream");
    }

    #[test]
    fn families_are_found_with_and_without_release() {
        assert_eq!(Family::of("Debian:12").map(|family| family.name), Some("Debian"));
        assert_eq!(Family::of("Ubuntu:22.04:LTS").map(|family| family.scheme), Some(Scheme::Debian));
        assert!(Family::of("Unheard of").is_none());
    }
}
