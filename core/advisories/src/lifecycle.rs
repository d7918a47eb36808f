//! Releases of distributions: code names, and support dates for hosts that have no feed for them.

use crate::feeds::text::date;
use crate::model::Release;

/// Debian's code names. Source: the release pages of debian.org.
const DEBIAN: &[(&str, &str)] = &[
    ("buzz", "1.1"),
    ("rex", "1.2"),
    ("bo", "1.3"),
    ("hamm", "2.0"),
    ("slink", "2.1"),
    ("potato", "2.2"),
    ("woody", "3.0"),
    ("sarge", "3.1"),
    ("etch", "4.0"),
    ("lenny", "5.0"),
    ("squeeze", "6.0"),
    ("wheezy", "7"),
    ("jessie", "8"),
    ("stretch", "9"),
    ("buster", "10"),
    ("bullseye", "11"),
    ("bookworm", "12"),
    ("trixie", "13"),
    ("forky", "14"),
    ("duke", "15"),
    ("sid", "unstable"),
    ("experimental", "experimental"),
];

/// Ubuntu's code names with the release and whether it is a long-term one. Source: releases.ubuntu.com.
const UBUNTU: &[(&str, &str)] = &[
    ("trusty", "14.04:LTS"),
    ("xenial", "16.04:LTS"),
    ("bionic", "18.04:LTS"),
    ("focal", "20.04:LTS"),
    ("jammy", "22.04:LTS"),
    ("kinetic", "22.10"),
    ("lunar", "23.04"),
    ("mantic", "23.10"),
    ("noble", "24.04:LTS"),
    ("oracular", "24.10"),
    ("plucky", "25.04"),
    ("questing", "25.10"),
    ("resolute", "26.04:LTS"),
    ("stonking", "26.10"),
];

/// All code names that are known, with the ecosystem of each.
pub fn codenames() -> impl Iterator<Item = (&'static str, String)> {
    let debian = DEBIAN.iter().map(|(name, number)| (*name, format!("Debian:{number}")));
    debian.chain(UBUNTU.iter().map(|(name, number)| (*name, format!("Ubuntu:{number}"))))
}

/// The ecosystem of a Debian release by its code name: `bookworm` → `Debian:12`.
#[must_use]
pub fn debian_release(codename: &str) -> Option<String> {
    // LTS and security suites keep the release's name in front: `stretch-security`.
    let base = codename.split(['-', '/']).next()?;
    DEBIAN.iter().find(|(name, _)| *name == base).map(|(_, number)| format!("Debian:{number}"))
}

/// The ecosystem of an Ubuntu release by its code name: `jammy` → `Ubuntu:22.04:LTS`.
#[must_use]
pub fn ubuntu_release(codename: &str) -> Option<String> {
    let base = codename.rsplit('/').next()?.split('-').next()?;
    UBUNTU.iter().find(|(name, _)| *name == base).map(|(_, number)| format!("Ubuntu:{number}"))
}

/// Ecosystem, code name, end of regular, of free long-term and of bought support. Sources: the makers' own pages, 2026-11.
const BUILT_IN: &[[&str; 5]] = &[
    ["Debian:8", "jessie", "2018-06-17", "2020-06-30", "2025-06-30"],
    ["Debian:9", "stretch", "2020-07-18", "2022-06-30", "2027-06-30"],
    ["Debian:10", "buster", "2022-09-10", "2024-06-30", "2029-06-30"],
    ["Debian:11", "bullseye", "2024-08-14", "2026-08-31", "2031-06-30"],
    ["Debian:12", "bookworm", "2026-07-11", "2028-06-30", "2033-06-30"],
    ["Debian:13", "trixie", "2028-08-09", "2030-06-30", "2035-06-30"],
    ["Ubuntu:14.04:LTS", "trusty", "2019-04-25", "2019-04-25", "2026-04-28"],
    ["Ubuntu:16.04:LTS", "xenial", "2021-04-30", "2021-04-30", "2028-04-25"],
    ["Ubuntu:18.04:LTS", "bionic", "2023-05-31", "2023-05-31", "2028-04-30"],
    ["Ubuntu:20.04:LTS", "focal", "2025-05-31", "2025-05-31", "2030-04-23"],
    ["Ubuntu:22.04:LTS", "jammy", "2027-06-01", "2027-06-01", "2032-04-21"],
    ["Ubuntu:24.04:LTS", "noble", "2029-05-31", "2029-05-31", "2034-04-25"],
    ["Ubuntu:26.04:LTS", "resolute", "2031-05-29", "2031-05-29", "2036-04-23"],
    ["Ubuntu:22.10", "kinetic", "2023-07-20", "2023-07-20", ""],
    ["Ubuntu:23.04", "lunar", "2024-01-25", "2024-01-25", ""],
    ["Ubuntu:23.10", "mantic", "2024-07-11", "2024-07-11", ""],
    ["Ubuntu:24.10", "oracular", "2025-07-10", "2025-07-10", ""],
    ["Ubuntu:25.04", "plucky", "2026-01-15", "2026-01-15", ""],
    ["Ubuntu:25.10", "questing", "2026-07-09", "2026-07-09", ""],
    ["Ubuntu:26.10", "stonking", "2027-07-15", "2027-07-15", ""],
    ["Alpine:v3.10", "", "2021-05-01", "2021-05-01", ""],
    ["Alpine:v3.11", "", "2021-11-01", "2021-11-01", ""],
    ["Alpine:v3.12", "", "2022-05-01", "2022-05-01", ""],
    ["Alpine:v3.13", "", "2022-11-01", "2022-11-01", ""],
    ["Alpine:v3.14", "", "2023-05-01", "2023-05-01", ""],
    ["Alpine:v3.15", "", "2023-11-01", "2023-11-01", ""],
    ["Alpine:v3.16", "", "2024-05-23", "2024-05-23", ""],
    ["Alpine:v3.17", "", "2024-11-22", "2024-11-22", ""],
    ["Alpine:v3.18", "", "2025-05-09", "2025-05-09", ""],
    ["Alpine:v3.19", "", "2025-11-01", "2025-11-01", ""],
    ["Alpine:v3.20", "", "2026-04-01", "2026-04-01", ""],
    ["Alpine:v3.21", "", "2026-11-01", "2026-11-01", ""],
    ["Alpine:v3.22", "", "2027-05-01", "2027-05-01", ""],
    ["Alpine:v3.23", "", "2027-11-01", "2027-11-01", ""],
    ["Red Hat:7", "", "2024-06-30", "2024-06-30", "2029-05-31"],
    ["Red Hat:8", "", "2029-05-31", "2029-05-31", "2032-05-31"],
    ["Red Hat:9", "", "2032-05-31", "2032-05-31", "2035-05-31"],
    ["Red Hat:10", "", "2035-05-31", "2035-05-31", "2038-05-31"],
    ["AlmaLinux:8", "", "2029-03-01", "2029-03-01", ""],
    ["AlmaLinux:9", "", "2032-05-31", "2032-05-31", ""],
    ["AlmaLinux:10", "", "2035-05-31", "2035-05-31", ""],
    ["Rocky Linux:8", "", "2029-05-31", "2029-05-31", ""],
    ["Rocky Linux:9", "", "2032-05-31", "2032-05-31", ""],
    ["Rocky Linux:10", "", "2035-05-31", "2035-05-31", ""],
    ["Oracle Linux:7", "", "2024-12-31", "2024-12-31", "2028-06-30"],
    ["Oracle Linux:8", "", "2029-07-31", "2029-07-31", "2032-07-31"],
    ["Oracle Linux:9", "", "2032-06-30", "2032-06-30", "2035-06-30"],
    ["openSUSE:Leap 15.5", "", "2024-12-31", "2024-12-31", ""],
    ["openSUSE:Leap 15.6", "", "2026-04-30", "2026-04-30", ""],
    ["SUSE:Linux Enterprise Server 12 SP5", "", "2024-10-31", "2024-10-31", "2027-10-31"],
    ["SUSE:Linux Enterprise Server 15 SP4", "", "2023-12-31", "2023-12-31", "2026-12-31"],
    ["SUSE:Linux Enterprise Server 15 SP5", "", "2024-12-31", "2024-12-31", "2027-12-31"],
    ["SUSE:Linux Enterprise Server 15 SP6", "", "2025-12-31", "2025-12-31", "2028-12-31"],
    ["CentOS:6", "", "2020-11-30", "2020-11-30", ""],
    ["CentOS:7", "", "2024-06-30", "2024-06-30", ""],
    ["CentOS:8", "", "2021-12-31", "2021-12-31", ""],
    ["Amazon Linux:1", "", "2023-12-31", "2023-12-31", ""],
    ["Amazon Linux:2", "", "2026-06-30", "2026-06-30", ""],
    ["Amazon Linux:2023", "", "2029-06-30", "2029-06-30", ""],
];

/// The support dates of a release in a table of the package distro-info-data, as Debian and Ubuntu hosts have it.
#[must_use]
pub fn in_table(ecosystem: &str, table: &[u8]) -> Option<Release> {
    let id = crate::split_ecosystem(ecosystem).0.to_lowercase();
    crate::feeds::distro_info::releases(&id, table).into_iter().find(|release| release.ecosystem == ecosystem)
}

/// The support dates that the program itself knows for a release.
#[must_use]
pub fn built_in(ecosystem: &str) -> Option<Release> {
    let [_, codename, regular, long, extended] = BUILT_IN.iter().find(|row| row[0] == ecosystem)?;
    Some(Release {
        ecosystem: ecosystem.to_owned(),
        codename: (*codename).to_owned(),
        end_of_support: date(regular),
        end_of_long_support: date(long),
        end_of_extended_support: date(extended),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_names_become_releases() {
        assert_eq!(debian_release("bookworm-security").as_deref(), Some("Debian:12"));
        assert_eq!(ubuntu_release("esm-infra/jammy").as_deref(), Some("Ubuntu:22.04:LTS"));
        assert_eq!(debian_release("nonsense"), None);
        assert!(BUILT_IN.iter().all(|row| row[2..].iter().all(|day| day.is_empty() || date(day).is_some())));
    }
}
