//! Debian changelogs (deb-changelog(5)): which vulnerabilities the versions after the installed one name.

use crate::unpack::{Limits, unpack};
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::io::Read;
use versions::Scheme;

/// The most bytes that a package's data or changelog may unpack to.
const MOST_BYTES: u64 = 4 << 30;
const MOST_CHANGELOG_BYTES: u64 = 64 << 20;

/// Takes the changelog out of a Debian package file (deb(5)); `None` if it holds none of its own.
#[must_use]
pub fn of_package_file(file: &[u8]) -> Option<String> {
    let data = ar_member(file, "data.tar")?;
    let reader: Box<dyn Read> = match data {
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Box::new(liblzma::read::XzDecoder::new_multi_decoder(data)),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Box::new(zstd::stream::read::Decoder::new(data).ok()?),
        [0x1f, 0x8b, ..] => Box::new(flate2::read::MultiGzDecoder::new(data)),
        _ => Box::new(data),
    };
    let mut archive = tar::Archive::new(reader.take(MOST_BYTES));
    let mut found: Option<Vec<u8>> = None;
    for entry in archive.entries().ok()? {
        let mut entry = entry.ok()?;
        let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let name = path.rsplit('/').next().unwrap_or_default();
        let is_debian = matches!(name, "changelog.Debian.gz" | "changelog.Debian" | "changelog.Debian.amd64.gz");
        // Native packages have no other than their own.
        let is_native = matches!(name, "changelog.gz" | "changelog") && found.is_none();
        if path.contains("usr/share/doc/") && (is_debian || is_native) && entry.header().entry_type().is_file() {
            let mut bytes = Vec::new();
            entry.by_ref().take(MOST_CHANGELOG_BYTES).read_to_end(&mut bytes).ok()?;
            found = Some(bytes);
            if is_debian {
                break;
            }
        }
    }
    let text = unpack(found?, Limits { bytes: MOST_CHANGELOG_BYTES }).ok()?;
    Some(String::from_utf8_lossy(&text).into_owned())
}

/// A member of an ar archive whose name begins so.
fn ar_member<'a>(file: &'a [u8], wanted: &str) -> Option<&'a [u8]> {
    let mut rest = file.strip_prefix(b"!<arch>\n")?;
    while rest.len() >= 60 {
        let (head, body) = rest.split_at(60);
        let size: usize = std::str::from_utf8(&head[48..58]).ok()?.trim().parse().ok()?;
        let content = body.get(..size)?;
        if head.starts_with(wanted.as_bytes()) {
            return Some(content);
        }
        rest = body.get(size + size % 2..)?;
    }
    None
}

/// What the newer part of a changelog says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewerPart {
    /// The source package.
    pub source: String,
    /// The newest version.
    pub version: String,
    /// When the oldest of the newer versions was made, in seconds since 1970: since then an update has been there.
    pub at: Option<i64>,
    /// CVE ids once each, with the day of the first version that names them: since then its patch has been there.
    pub vulnerabilities: Vec<(String, Option<i64>)>,
}

/// Reads the entries of versions after `installed`.
#[must_use]
pub fn newer_than(text: &str, source: &str, version: &str, installed: &str) -> NewerPart {
    let mut part = NewerPart { source: source.to_owned(), version: version.to_owned(), ..NewerPart::default() };
    let mut is_newer = false;
    // Entries that were made for another release are in this one only since its own entry above them.
    let (mut is_own, mut own_at, mut follows_unstable) = (true, None, None);
    let mut named: Vec<String> = Vec::new();
    let mut vulnerabilities: BTreeMap<String, Option<i64>> = BTreeMap::new();
    // Entries come newest first: the last one that names a vulnerability brought its patch.
    let mut add = |id: String, at: Option<i64>| {
        let known = vulnerabilities.entry(id).or_default();
        *known = at.or(*known);
    };
    for line in text.lines() {
        if let Some((entry, suite)) = head(line) {
            // The newest entry was built for this release; where that is unstable, all of them were.
            let is_foreign = matches!(suite, "unstable" | "sid" | "experimental" | "UNRELEASED");
            is_own = *follows_unstable.get_or_insert(is_foreign) || !is_foreign;
            let order = Scheme::Debian.compare(entry, installed);
            is_newer = order.as_ref().is_ok_and(|order| order.is_gt());
            named.clear();
            if order.is_ok_and(Ordering::is_le) {
                break;
            }
        }
        if !is_newer {
            continue;
        }
        named.extend(cves(line));
        // The trailer ends an entry: ` -- Name <mail>  Tue, 12 Feb 2025 10:00:00 +0100`.
        if line.starts_with(" -- ") {
            let at = line.rsplit_once(">  ").and_then(|(_, date)| rfc2822(date));
            if is_own {
                own_at = at.or(own_at);
            }
            part.at = own_at.or(part.at);
            named.drain(..).for_each(|id| add(id, own_at));
        }
    }
    // An entry without its trailer still says what it fixes.
    named.into_iter().for_each(|id| add(id, None));
    part.vulnerabilities = vulnerabilities.into_iter().collect();
    part
}

/// `curl (7.88.1-10+deb12u5) bookworm-security; urgency=high` → the version and the suite.
fn head(line: &str) -> Option<(&str, &str)> {
    if line.starts_with([' ', '\t']) || !line.contains("urgency=") {
        return None;
    }
    let (_, rest) = line.split_once(" (")?;
    let (version, rest) = rest.split_once(')')?;
    Some((version, rest.split(';').next().unwrap_or_default().split_whitespace().next().unwrap_or_default()))
}

fn cves(line: &str) -> impl Iterator<Item = String> + '_ {
    line.match_indices("CVE-").filter_map(|(at, _)| {
        let rest = &line[at..];
        let end = rest
            .char_indices()
            .find(|(place, character)| *place >= 4 && !character.is_ascii_digit() && *character != '-')
            .map_or(rest.len(), |(place, _)| place);
        let id = rest[..end].trim_end_matches('-');
        let (year, number) = id.get(4..)?.split_once('-')?;
        (year.len() == 4 && number.len() >= 4 && number.bytes().all(|byte| byte.is_ascii_digit()))
            .then(|| id.to_owned())
    })
}

/// `Tue, 12 Feb 2025 10:00:00 +0100`, or with `UTC` → seconds since 1970.
pub(crate) fn rfc2822(text: &str) -> Option<i64> {
    const MONTHS: &[&str] = &["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let words: Vec<&str> = text.split_whitespace().collect();
    let [_, day, month, year, time, zone] = words[..] else { return None };
    let (day, year): (i64, i64) = (day.parse().ok()?, year.parse().ok()?);
    let month = i64::try_from(MONTHS.iter().position(|known| *known == month)?).ok()? + 1;
    let mut clock = time.split(':').map(|part| part.parse().ok().filter(|part: &i64| (0..=60).contains(part)));
    let clock = clock.next()?? * 3600 + clock.next()?? * 60 + clock.next().flatten().unwrap_or(0);
    let offset: i64 = if matches!(zone, "UTC" | "GMT" | "Z") { 0 } else { zone.parse().ok()? };
    let offset = Some(offset).filter(|offset| (-2400..=2400).contains(offset))?;
    Some(seconds(year, month, day)? + clock - (offset / 100 * 3600 + offset % 100 * 60))
}

/// The seconds from 1970 to the beginning of a day by the civil calendar (proleptic Gregorian), in UTC; `None` where no
/// calendar has such a day.
pub(crate) fn seconds(year: i64, month: i64, day: i64) -> Option<i64> {
    if !((0..10_000).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day)) {
        return None;
    }
    let (y, m) = if month <= 2 { (year - 1, month + 9) } else { (year, month - 3) };
    let (era, year_of_era) = (y.div_euclid(400), y.rem_euclid(400));
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + (153 * m + 2) / 5 + day - 1;
    Some((era * 146_097 + day_of_era - 719_468) * 86_400)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_newer_counts() {
        let text = "curl (7.88.1-10+deb12u6) bookworm-security; urgency=high\n\n  * Fix CVE-2024-0001, CVE-2024-0002-x\n\n -- A <a@b>  Wed, 12 Feb 2025 10:00:00 +0100\n\n\
                    curl (7.88.1-10+deb12u5) bookworm-security; urgency=high\n\n  * CVE-2023-12345\n\n -- A <a@b>  Wed, 01 Jan 2025 00:00:00 +0000\n\n\
                    curl (7.88.1-10+deb12u4) bookworm; urgency=low\n\n  * CVE-2022-9999\n";
        let part = newer_than(text, "curl", "7.88.1-10+deb12u6", "7.88.1-10+deb12u4");
        let (first, second) = (Some(1_735_689_600), Some(1_739_350_800));
        let expected = [("CVE-2023-12345", first), ("CVE-2024-0001", second), ("CVE-2024-0002", second)];
        assert_eq!(part.vulnerabilities, expected.map(|(id, at)| (id.to_owned(), at)));
        assert_eq!(part.at, first);
    }

    /// A stable update that takes over unstable's version brings its fixes on its own day, not on unstable's.
    #[test]
    fn fixes_made_for_another_release_came_with_the_own_update() {
        let entry = |version: &str, suite: &str, id: &str, day: &str| {
            format!("ca ({version}) {suite}; urgency=low\n\n  * {id}\n\n -- A <a@b>  {day} 00:00:00 +0000\n\n")
        };
        let text = entry("3~deb12u2", "bookworm", "CVE-2025-0003", "Wed, 12 Feb 2025")
            + &entry("3~deb12u1", "bookworm", "CVE-2025-0002", "Wed, 01 Jan 2025")
            + &entry("2", "unstable", "CVE-2024-0001", "Mon, 01 Jan 2024");
        let part = newer_than(&text, "ca", "3~deb12u2", "1");
        let (first, second) = (Some(1_735_689_600), Some(1_739_318_400));
        let expected = [("CVE-2024-0001", first), ("CVE-2025-0002", first), ("CVE-2025-0003", second)];
        assert_eq!(part.vulnerabilities, expected.map(|(id, at)| (id.to_owned(), at)));
        assert_eq!(part.at, first);
        let unstable = newer_than(&entry("2", "unstable", "CVE-2024-0001", "Mon, 01 Jan 2024"), "ca", "2", "1");
        assert_eq!(unstable.at, Some(1_704_067_200));
        let both = entry("3", "unstable", "CVE-2025-0003", "Wed, 12 Feb 2025")
            + &entry("2", "unstable", "CVE-2024-0001", "Mon, 01 Jan 2024");
        assert_eq!(newer_than(&both, "ca", "3", "1").at, Some(1_704_067_200));
    }
}
